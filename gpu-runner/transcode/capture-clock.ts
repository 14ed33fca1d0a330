/**
 * When a picture was captured, by the camera's own clock, on a feed that tells it (capture-time.ts). The distance
 * between the feed's timestamps and the camera's clock is one number; it is learnt from many pictures, because a
 * timecode counts whole frames. Pure.
 */

/** So many readings in a row must agree before a camera's clock is believed. */
const TRUST_COUNT = 5;
/** A reading further off than this is no rounding. */
const AGREE_MS = 50;
/** A single reading moves the distance by at least this share of its departure, once many were seen. */
const LEAST_WEIGHT = 1 / 64;
/** Longest way from capture to a decoded picture that is believed: SRT's latency goes up to 8 s. */
export const MAX_CAPTURE_DELAY_MS = 10_000;

export class CaptureClock {
  /** capture = source + #offsetMs */
  #offsetMs: number | undefined;
  #agreedCount = 0;
  #disagreedCount = 0;

  /**
   * Takes what one picture says.
   *
   * @param sourceMs the picture's timestamp.
   * @param captureMs when it was captured, as the camera says, in the time of `readyMs`.
   * @param readyMs when it was decoded. A clock by which it had yet to be captured then, or was captured long ago,
   *   is wrong.
   */
  observe(sourceMs: number, captureMs: number, readyMs: number): void {
    const delayMs = readyMs - captureMs;
    if (delayMs < 0 || delayMs > MAX_CAPTURE_DELAY_MS) return this.#disagree();
    const offsetMs = captureMs - sourceMs;
    if (this.#offsetMs === undefined || Math.abs(offsetMs - this.#offsetMs) > AGREE_MS) {
      this.#disagree();
      this.#offsetMs ??= offsetMs;
      return;
    }
    this.#disagreedCount = 0;
    this.#agreedCount += 1;
    this.#offsetMs += (offsetMs - this.#offsetMs) * Math.max(LEAST_WEIGHT, 1 / (this.#agreedCount + 1));
  }

  /** A reading or two may be damaged; a clock that was set takes so many to be believed anew. */
  #disagree(): void {
    this.#disagreedCount += 1;
    if (this.#agreedCount < TRUST_COUNT || this.#disagreedCount >= TRUST_COUNT) this.reset();
  }

  /** Where capture lies from the feed's timestamps; undefined while the camera says nothing that can be believed. */
  get offsetMs(): number | undefined {
    return this.#agreedCount >= TRUST_COUNT ? this.#offsetMs : undefined;
  }

  /** The feed's timestamps are others now. */
  reset(): void {
    this.#offsetMs = undefined;
    this.#agreedCount = 0;
    this.#disagreedCount = 0;
  }
}
