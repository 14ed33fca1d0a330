/**
 * The time of a process: runs on the monotonic clock and follows the wall clock slowly. When the machine's
 * time is corrected, this clock drifts there and never steps back. Only a wall clock far ahead (a machine that
 * was suspended, a first time sync) is followed in one step: forward.
 */
import type { Clock } from '../domain/timeline.ts';

/** Parts in a million by which this clock may run faster or slower than real time, as NTP daemons slew. */
export const MAX_SLEW_PPM = 500;
/** The same while it is off by more than `LARGE_DIFFERENCE_MS`: one in a hundred, or it would take hours. */
export const MAX_LARGE_SLEW_PPM = 10_000;
export const LARGE_DIFFERENCE_MS = 250;
/** How often the wall clock is looked at. */
export const CHECK_INTERVAL_MS = 1_000;
/** Differences up to this are the wall clock's own resolution and not followed. */
export const DEAD_BAND_MS = 2;
/** A wall clock ahead by more is followed at once. */
export const MAX_SLEWED_LEAD_MS = 1_000;

export interface ClockSources {
  /** Unix milliseconds; may step in any direction. */
  wallMs(): number;
  /** Milliseconds since any instant; only grows. */
  monotonicMs(): number;
}

const SYSTEM_SOURCES: ClockSources = {
  // Whole milliseconds, rounded down: on average half of one too little.
  wallMs: () => Date.now() + 0.5,
  monotonicMs: () => performance.now(),
};

export class SystemClock implements Clock {
  readonly #sources: ClockSources;
  /** This clock is `#baseMs` at `#baseMonotonicMs`, and from there runs faster by `#slew`. */
  #baseMs: number;
  #baseMonotonicMs: number;
  #slew = 0;

  constructor(sources: ClockSources = SYSTEM_SOURCES) {
    this.#sources = sources;
    this.#baseMs = sources.wallMs();
    this.#baseMonotonicMs = sources.monotonicMs();
  }

  nowMs(): number {
    const monotonicMs = this.#sources.monotonicMs();
    const elapsedMs = monotonicMs - this.#baseMonotonicMs;
    // Slewing is bought for one interval: a clock that nobody reads for an hour must not overshoot.
    const slewedMs = Math.min(elapsedMs, CHECK_INTERVAL_MS) * this.#slew;
    const nowMs = this.#baseMs + elapsedMs + slewedMs;
    if (elapsedMs < CHECK_INTERVAL_MS) return nowMs;
    return this.#follow(nowMs, monotonicMs);
  }

  /** Starts a new stretch of time that brings this clock nearer to the wall clock. */
  #follow(nowMs: number, monotonicMs: number): number {
    const leadMs = this.#sources.wallMs() - nowMs;
    const steps = leadMs > MAX_SLEWED_LEAD_MS;
    this.#baseMonotonicMs = monotonicMs;
    this.#baseMs = steps ? nowMs + leadMs : nowMs;
    this.#slew = steps || Math.abs(leadMs) <= DEAD_BAND_MS ? 0 : slewOf(leadMs);
    return this.#baseMs;
  }
}

/** The difference is made good within one interval, unless that were too fast. */
function slewOf(leadMs: number): number {
  const maxPpm = Math.abs(leadMs) > LARGE_DIFFERENCE_MS ? MAX_LARGE_SLEW_PPM : MAX_SLEW_PPM;
  const max = maxPpm / 1_000_000;
  return Math.min(max, Math.max(-max, leadMs / CHECK_INTERVAL_MS));
}
