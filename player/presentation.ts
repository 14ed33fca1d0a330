/**
 * When a pane's pictures reach the screen. A browser shows a frame at a refresh of the screen, up to two of them
 * after the playhead came to it, and how much that is depends on where in the refresh a pane's frames fall. Panes
 * whose playheads are in step may so be 40 ms apart on the screen; each is trimmed to the middle of all.
 */

/** Readings of which the middle counts. */
const READING_COUNT = 5;
/** Each reading makes the browser draw the page anew: a few a second are enough for what changes in seconds. */
const READING_PAUSE_MS = 300;
/** A trim changes the pace for a moment; what comes after that tells whether it was right. */
const TRIM_PAUSE_MS = 6_000;
/**
 * More than half a frame: a browser that has settled on showing each frame for two refreshes moves all of a pane's
 * pictures by a whole frame or not at all, and one that is nearer than this would only be as far off on the other side.
 */
const TRIM_BEYOND_MS = 18;
/** How little the playhead must be moved for that nobody knows: half a refresh at a time finds it. */
const TRIM_STEP_MS = 8;
const TRIM_MAX_MS = 2 * TRIM_STEP_MS;

export class Presentation {
  readonly #media: HTMLMediaElement;
  /** How far behind the wall clock the playhead is. */
  readonly #latencyMs: () => number | undefined;
  #readingsMs: number[] = [];
  #trimMs = 0;
  #trimmedAtMs = Number.NEGATIVE_INFINITY;
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
    return [...this.#readingsMs].sort((a, b) => a - b)[Math.floor(READING_COUNT / 2)];
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

  /** @param middleMs what the panes' pictures are behind in the middle. */
  trimTo(middleMs: number, nowMs: number): void {
    const { shownLatencyMs } = this;
    if (shownLatencyMs === undefined || nowMs - this.#trimmedAtMs < TRIM_PAUSE_MS) return;
    const offMs = shownLatencyMs - middleMs;
    if (Math.abs(offMs) <= TRIM_BEYOND_MS) return;
    const trimMs = this.#trimMs + Math.sign(offMs) * TRIM_STEP_MS;
    if (Math.abs(trimMs) > TRIM_MAX_MS) return;
    this.#trimMs = trimMs;
    this.#trimmedAtMs = nowMs;
    this.#readingsMs = [];
  }

  /** The playhead was moved: what was read before says nothing any more. */
  forget(): void {
    this.#readingsMs = [];
  }
}

/** The middle of what the panes' pictures are behind; undefined for fewer than two. */
export function middleOf(shownLatenciesMs: readonly number[]): number | undefined {
  if (shownLatenciesMs.length < 2) return undefined;
  const sorted = [...shownLatenciesMs].sort((a, b) => a - b);
  const [low = 0, high = 0] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[sorted.length >> 1]];
  return (low + high) / 2;
}
