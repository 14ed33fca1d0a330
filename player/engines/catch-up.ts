/**
 * What an engine does that has fallen behind the clock: a tired machine, a network that was gone. Media too old
 * for the screen is left out, which costs a jump that the pane would make anyway, and saves what fetching and
 * decoding it would cost, so that a machine that is too slow falls no further behind.
 *
 * Media may also be late at its source, and then leaving some out gains nothing. That shows in the jump being
 * in vain: after each one more lag is borne, until pieces have come in time again.
 */
import { SEGMENTS } from './piece-grid.ts';

/** What lies this far behind what is wanted is left out: beyond this a pane seeks (SEEK_BEYOND_MS). */
export const LAG_MIN_MS = 1_000;
export const LAG_MAX_MS = 8_000;
/** So many pieces in time, one after the other, and jumping is worth trying again: 5 s of segments. */
const IN_TIME_COUNT = 10;
/** Where one goes on: so much before what is wanted on the screen now. */
const RESUME_BEFORE_MS = 100;

export class CatchUp {
  #lagMs = LAG_MIN_MS;
  #inTimeCount = 0;

  /**
   * Where to go on: at that instant, or at the beginning of a later segment when time has run away from it.
   *
   * @param wantedLatencyMs how late the pane should play, which may be less than it does.
   */
  next(positionMs: number, nowMs: number, wantedLatencyMs: number): number {
    const behindMs = nowMs - positionMs - wantedLatencyMs;
    this.#inTimeCount = behindMs <= LAG_MIN_MS ? this.#inTimeCount + 1 : 0;
    if (this.#inTimeCount >= IN_TIME_COUNT) this.#lagMs = LAG_MIN_MS;
    if (behindMs <= this.#lagMs) return positionMs;
    this.#lagMs = Math.min(LAG_MAX_MS, 2 * this.#lagMs);
    return Math.max(
      positionMs,
      SEGMENTS.startMs(SEGMENTS.indexAt(nowMs - wantedLatencyMs - RESUME_BEFORE_MS)),
    );
  }
}
