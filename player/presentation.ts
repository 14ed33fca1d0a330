/**
 * When a pane's pictures reach the screen. While frames and refreshes keep time, a browser shows each frame a fixed time
 * after its playhead has come to it, anywhere within a frame by where the pane's frames fall, and after a moment in which
 * it was busy that may be a whole frame later. Panes whose playheads are in step may so be 40 ms apart on the screen;
 * each is trimmed to the place to which all can come nearest.
 */
import { FRAME_MS } from '../domain/profile.ts';

/** Readings of which the middle counts. */
const READING_COUNT = 5;
/** Each reading makes the browser draw the page anew: a few a second are enough for what changes in seconds. */
const READING_PAUSE_MS = 200;
/** A trim changes the pace for a moment; what comes after that tells whether it was right. */
const TRIM_PAUSE_MS = 3_000;
/** Trims in a row after which a pane that is still off is left alone for longer and longer. */
const QUICK_TRIM_COUNT = 3;
const TRIM_PAUSE_MAX_MS = 60_000;
/** More than half a frame: pictures move by whole frames, and one nearer than this would be as far off on the other side. */
const TRIM_BEYOND_MS = 18;
/** How little the playhead must be moved for that nobody knows: a third of a frame at a time finds it. */
const TRIM_STEP_MS = 12;
const TRIM_MAX_MS = 2 * TRIM_STEP_MS;
/** Another place has to be so much better: panes that move are apart for a moment. */
const BETTER_PLACE_MS = 3;
/** Half a frame is as near as a place can be sure to be. */
const FAR_BEYOND_MS = 0.75 * FRAME_MS;
/** After a busy moment the panes that it moved are brought back within this. */
const FAR_FOR_MS = 10_000;

export class Presentation {
  readonly #media: HTMLMediaElement;
  /** How far behind the wall clock the playhead is. */
  readonly #latencyMs: () => number | undefined;
  #readingsMs: number[] = [];
  #trimMs = 0;
  #trimmedAtMs = Number.NEGATIVE_INFINITY;
  #trimCount = 0;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #isAsking = false;

  constructor(media: HTMLMediaElement, latencyMs: () => number | undefined) {
    this.#media = media;
    this.#latencyMs = latencyMs;
  }

  /** So much earlier than the others the playhead is kept, ms, for the pictures to be on the screen with theirs. */
  get trimMs(): number {
    return this.#trimMs;
  }

  /** How far behind the wall clock the pictures on the screen are; undefined while too little is known. */
  get shownLatencyMs(): number | undefined {
    if (this.#readingsMs.length < READING_COUNT) return undefined;
    return medianOf(this.#readingsMs);
  }

  /** One beat: asks for the next reading when its time has come. */
  watch(nowMs: number): void {
    const media = this.#media;
    if (this.#isAsking || nowMs - this.#askedAtMs < READING_PAUSE_MS) return;
    // Firefox before 132 and elements of sound have no such callback: they are not trimmed.
    if (!('requestVideoFrameCallback' in media) || !(media instanceof HTMLVideoElement)) return;
    this.#isAsking = true;
    this.#askedAtMs = nowMs;
    media.requestVideoFrameCallback((_now, { expectedDisplayTime, mediaTime }) => {
      this.#isAsking = false;
      const latencyMs = this.#latencyMs();
      const untilShownMs = expectedDisplayTime - performance.now();
      const atScreenMs = media.currentTime * 1000 + untilShownMs;
      if (latencyMs !== undefined) this.learn(latencyMs + atScreenMs - mediaTime * 1000);
    });
  }

  /** @param shownLatencyMs of one picture. */
  learn(shownLatencyMs: number): void {
    this.#readingsMs = [...this.#readingsMs, shownLatencyMs].slice(-READING_COUNT);
  }

  /** @param placeMs how far behind the wall clock the pictures should be. */
  trimTo(placeMs: number, nowMs: number): void {
    const { shownLatencyMs } = this;
    const sinceMs = nowMs - this.#trimmedAtMs;
    if (shownLatencyMs === undefined || sinceMs < this.#pauseMs) return;
    if (sinceMs > TRIM_PAUSE_MAX_MS) this.#trimCount = 0;
    const offMs = shownLatencyMs - placeMs;
    if (Math.abs(offMs) <= TRIM_BEYOND_MS) return;
    const trimMs = this.#trimMs + Math.sign(offMs) * TRIM_STEP_MS;
    if (Math.abs(trimMs) > TRIM_MAX_MS) return;
    this.#trimMs = trimMs;
    this.#trimCount += 1;
    this.#trimmedAtMs = nowMs;
    this.#readingsMs = [];
  }

  get #pauseMs(): number {
    const longer = Math.max(0, this.#trimCount - QUICK_TRIM_COUNT);
    return Math.min(TRIM_PAUSE_MAX_MS, TRIM_PAUSE_MS * 2 ** longer);
  }

  /** The playhead was moved: what was read before says nothing any more. */
  forget(): void {
    this.#readingsMs = [];
  }
}

/** The place on the screen, behind the instant that the panes share, to which all of their pictures can come nearest. */
export class MeetingPlace {
  #placeMs: number | undefined;
  #farSinceMs: number | undefined;

  /**
   * @param panes how far behind the shared instant the pictures of each pane are that is known, and its trim. A pane can
   *   be put any number of frames from there.
   * @returns undefined until two panes are known.
   */
  of(
    panes: readonly { readonly behindMs: number; readonly trimMs: number }[],
    nowMs: number,
  ): number | undefined {
    if (panes.length < 2) return this.#placeMs;
    const behindMs = panes.map((pane) => pane.behindMs);
    const bestMs = centreOf(behindMs);
    const untrimmedMs = medianOf(panes.map((pane) => pane.behindMs + pane.trimMs));
    this.#placeMs ??= nearest(bestMs, untrimmedMs);
    const isBetter = reachMs(behindMs, bestMs) < reachMs(behindMs, this.#placeMs) - BETTER_PLACE_MS;
    if (isBetter) this.#placeMs = nearest(bestMs, this.#placeMs);
    // A frame away from where the panes are by themselves they would only be held by their trims.
    const isFar = Math.abs(untrimmedMs - this.#placeMs) > FAR_BEYOND_MS;
    this.#farSinceMs = isFar ? (this.#farSinceMs ?? nowMs) : undefined;
    if (nowMs - (this.#farSinceMs ?? nowMs) > FAR_FOR_MS) this.#placeMs = nearest(this.#placeMs, untrimmedMs);
    return this.#placeMs;
  }
}

/** Opposite the widest gap between panes, on the circle that a frame is. */
function centreOf(behindMs: readonly number[]): number {
  const phasesMs = behindMs.map((ms) => ((ms % FRAME_MS) + FRAME_MS) % FRAME_MS).sort((a, b) => a - b);
  let widestMs = 0;
  let centreMs = 0;
  for (const [index, fromMs] of phasesMs.entries()) {
    const toMs = phasesMs[index + 1] ?? (phasesMs[0] ?? 0) + FRAME_MS;
    if (toMs - fromMs <= widestMs) continue;
    widestMs = toMs - fromMs;
    centreMs = (fromMs + toMs + FRAME_MS) / 2;
  }
  return centreMs;
}

/** How far from the place the farthest pane is when each is as near as whole frames let it be. */
function reachMs(behindMs: readonly number[], placeMs: number): number {
  return Math.max(...behindMs.map((ms) => Math.abs(nearest(ms, placeMs) - placeMs)));
}

/** Whole frames away from `ms`, as near to the place as can be. */
function nearest(ms: number, placeMs: number): number {
  return ms + Math.round((placeMs - ms) / FRAME_MS) * FRAME_MS;
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}
