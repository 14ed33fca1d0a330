/**
 * Where a pane's playhead is on the common timeline, and how it is moved: put in its place when media comes,
 * held there by small changes of the rate, moved by one seek when it is far off or stands before a hole.
 */
import { correct, type Tolerance } from './latency-controller.ts';

/** HTMLMediaElement.HAVE_CURRENT_DATA (HTML, 4.8.11.7). */
const HAVE_CURRENT_DATA = 2;
/** Between two seeks, so that a seek's own waiting does not bring the next one. */
export const SEEK_PAUSE_MS = 1_500;
/** A seek shows nothing for a moment: shorter ones are not worth it. */
const SEEK_WORTH_S = 0.08;
/** Between two jumps over holes. */
const HOLE_PAUSE_MS = 500;
/** A pane that began so short a time ago may seek for less, once it plays. */
export const SETTLE_MS = 4_000;
const SETTLE_BEYOND_MS = 120;
/** Media ahead of the playhead before playing may begin. */
const START_BUFFER_MS = 60;
/** How long a pane waits for media that is as young as it should be. */
const PLACE_WAIT_MS = 400;
/** Beyond a range's first instant, so that rounding does not put the playhead before it. */
const INSIDE_S = 0.001;

export interface PlayheadDependencies {
  readonly media: HTMLMediaElement;
  /** As of the engine. */
  readonly zeroInstantMs: () => number | undefined;
  readonly serverNowMs: () => number;
  readonly nowMs: () => number;
  readonly tolerance: Tolerance;
}

export class Playhead {
  readonly #of: PlayheadDependencies;
  readonly #media: HTMLMediaElement;
  #startLatencyMs = 0;
  #placedAtMs: number | undefined;
  #firstMediaAtMs: number | undefined;
  #lastSeekAtMs = Number.NEGATIVE_INFINITY;
  #seekCount = 0;

  constructor(dependencies: PlayheadDependencies) {
    this.#of = dependencies;
    this.#media = dependencies.media;
  }

  get seekCount(): number {
    return this.#seekCount;
  }

  /** True once the playhead was put where playing begins. */
  get isPlaced(): boolean {
    return this.#placedAtMs !== undefined;
  }

  /** True when nothing disturbed it lately: a pause in the picture is then for want of media. */
  get isSettled(): boolean {
    const nowMs = this.#of.nowMs();
    return nowMs - this.#lastSeekAtMs > SEEK_PAUSE_MS && nowMs - (this.#placedAtMs ?? nowMs) > SETTLE_MS;
  }

  /** Unix ms by the server's clock of the picture that is shown. */
  get shownInstantMs(): number | undefined {
    const zeroInstantMs = this.#of.zeroInstantMs();
    if (zeroInstantMs === undefined || this.#media.readyState < HAVE_CURRENT_DATA) return undefined;
    return zeroInstantMs + this.#media.currentTime * 1000;
  }

  get latencyMs(): number | undefined {
    const shownMs = this.shownInstantMs;
    return shownMs === undefined ? undefined : this.#of.serverNowMs() - shownMs;
  }

  get bufferedEndMs(): number | undefined {
    const zeroInstantMs = this.#of.zeroInstantMs();
    const { buffered } = this.#media;
    if (zeroInstantMs === undefined || buffered.length === 0) return undefined;
    return zeroInstantMs + buffered.end(buffered.length - 1) * 1000;
  }

  /** A new engine begins: the playhead has no place yet. */
  begin(startLatencyMs: number): void {
    this.#startLatencyMs = startLatencyMs;
    this.#placedAtMs = undefined;
    this.#firstMediaAtMs = undefined;
  }

  /** To be called when media has come. */
  mediaCame(): void {
    this.#firstMediaAtMs ??= this.#of.nowMs();
  }

  /** The browser has put it somewhere by itself. */
  isPlacedByBrowser(): boolean {
    if (this.#media.readyState < HAVE_CURRENT_DATA) return false;
    this.#placedAtMs ??= this.#of.nowMs();
    return true;
  }

  /**
   * Puts the playhead where it belongs as soon as there is media for it, so that a pane begins in step.
   *
   * @returns true when it was placed by this call.
   */
  place(): boolean {
    const zeroInstantMs = this.#of.zeroInstantMs();
    const { buffered } = this.#media;
    if (zeroInstantMs === undefined || buffered.length === 0 || this.#firstMediaAtMs === undefined)
      return false;
    const last = buffered.length - 1;
    const latestS = buffered.end(last) - START_BUFFER_MS / 1000;
    const wantedS = (this.#of.serverNowMs() - this.#startLatencyMs - zeroInstantMs) / 1000;
    const nowMs = this.#of.nowMs();
    // Media that is always later than hoped for is played as late as it is.
    if (wantedS > latestS && nowMs - this.#firstMediaAtMs < PLACE_WAIT_MS) return false;
    this.#placedAtMs = nowMs;
    this.#media.currentTime = Math.max(Math.min(wantedS, latestS), buffered.start(last) + INSIDE_S);
    return true;
  }

  /** One beat: corrects the rate, or seeks. */
  hold(targetLatencyMs: number): void {
    const { latencyMs } = this;
    if (latencyMs === undefined) return;
    const nowMs = this.#of.nowMs();
    const errorMs = latencyMs - targetLatencyMs;
    const correction = correct(errorMs, this.#media.playbackRate !== 1, this.#of.tolerance);
    // Decoders and sound cards take their time to begin: what that cost is made good at once.
    const settles = nowMs - (this.#placedAtMs ?? 0) < SETTLE_MS && Math.abs(errorMs) > SETTLE_BEYOND_MS;
    if (correction.kind === 'rate' && !settles) {
      if (this.#media.playbackRate !== correction.playbackRate)
        this.#media.playbackRate = correction.playbackRate;
      return;
    }
    if (nowMs - this.#lastSeekAtMs < SEEK_PAUSE_MS) return;
    const { buffered, currentTime } = this.#media;
    if (buffered.length === 0) return;
    const wantedS = currentTime + errorMs / 1000;
    const lastStartS = buffered.start(buffered.length - 1);
    const lastEndS = buffered.end(buffered.length - 1);
    const reachableS = Math.min(Math.max(wantedS, lastStartS + INSIDE_S), lastEndS - 0.05);
    if (Math.abs(reachableS - currentTime) > SEEK_WORTH_S) this.#seek(reachableS, nowMs);
  }

  /** Media that nobody made is a hole; what lies beyond it is later, and playing it is right. */
  leaveHole(): void {
    const { buffered, currentTime } = this.#media;
    const nowMs = this.#of.nowMs();
    if (nowMs - this.#lastSeekAtMs < HOLE_PAUSE_MS) return;
    for (let index = 0; index < buffered.length; index++) {
      const startS = buffered.start(index);
      if (startS > currentTime + INSIDE_S) {
        this.#seek(startS + INSIDE_S, nowMs);
        return;
      }
    }
  }

  #seek(timeS: number, nowMs: number): void {
    this.#lastSeekAtMs = nowMs;
    this.#seekCount += 1;
    this.#media.playbackRate = 1;
    this.#media.currentTime = timeS;
  }
}
