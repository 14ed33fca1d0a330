/**
 * When a source timestamp is on the wall clock. Pure: instants come in as milliseconds since EPOCH (fractional).
 *
 * Pictures are mapped in whole frames: a mapping puts them exactly onto slots, stays as it is, and moves by one
 * frame when another slot has become the right one. The right one is told by the camera's clock, where the feed
 * carries it; else it is the slot in which the picture became ready. So two feeds that are equally late, or whose
 * cameras tell the time, are never more than a frame and a little apart, however long they run.
 * Why so: docs/decisions/re-clocking.md.
 */
import { CaptureClock } from './capture-clock.ts';
import { SlidingExtreme } from './sliding-extreme.ts';

/** A source timestamp that departs this far from the time that passed is a jump, not jitter. */
export const JUMP_MS = 1_000;
/** A picture this far ahead of what is expected has taken a shorter path. */
const EARLY_REANCHOR_MS = 100;
/** How early or late a feed is is learnt from its first seconds: what comes then may have been delayed. */
const LEARNING_MS = 10_000;
/** Pictures that are late without exception for this long have taken a longer path for good. */
const LATE_REANCHOR_MS = 400;
/** Later, what is expected of a feed moves by 500 ppm at most, beyond the drift of any encoder and inaudible. */
const MAX_SLEW = 500e-6;
/** How far beyond half a frame another slot must be the right one before the mapping moves, in frames. */
export const MAPPING_HYSTERESIS = 0.15;
/** Longest time that a slot waits for its picture beyond its nominal arrival. */
export const MAX_SLOT_WAIT_MS = 100;
const MIN_SLOT_WAIT_MS = 4;
/** A feed whose pictures are ready this much later than the grid allows is not held in step with the others. */
const MAX_BEHIND_GRID_MS = 300;
/** One that is in step stays so up to here. */
const LEAVE_BEHIND_GRID_MS = 400;

export type Observation =
  /** The mapping holds. */
  | 'steady'
  /** First timestamp since the start or a reset. */
  | 'first'
  /** The source's timestamps jumped by more than a second; the mapping is new. */
  | 'jump'
  /** The path became shorter or longer for good; the mapping is new. */
  | 'reanchored';

/** What the camera's clock says of a feed. */
export interface CaptureReport {
  /** From capture to the decoded picture. */
  readonly delayMs: number;
  /** False when that is too much for the grid: the feed is then as near to the others as it can be. */
  readonly inStep: boolean;
}

export interface SourceClockOptions {
  /** Duration of a slot. Without it the mapping is not rounded, as for sound that has a clock of its own. */
  readonly frameMs?: number;
  /** A picture belongs on the grid so long after it was captured (domain/profile.ts). */
  readonly captureToGridMs?: number;
}

/**
 * Source timestamp -> wall clock. What is expected of a feed follows the *fastest* arrivals of the last seconds,
 * which network jitter cannot move.
 */
export class SourceClock {
  readonly #frameMs: number | undefined;
  readonly #captureToGridMs: number | undefined;
  readonly #capture = new CaptureClock();
  readonly #delays = new SlidingExtreme(Math.min);
  readonly #lateness = new SlidingExtreme(Math.max);
  /** wall = source + #offsetMs. */
  #offsetMs: number | undefined;
  /** ready = source + #readyOffsetMs, when nothing delays a picture. */
  #readyOffsetMs = 0;
  /** Where the mapping would be without slots. */
  #wantedMs: number | undefined;
  #byCapture = false;
  #mappedAtMs = 0;
  #lastSourceMs = 0;
  #lastReadyMs = 0;
  #lateSinceMs: number | undefined;
  #lateMinDelayMs = Number.POSITIVE_INFINITY;
  #mapping = Symbol('mapping');

  constructor({ frameMs, captureToGridMs }: SourceClockOptions = {}) {
    this.#frameMs = frameMs;
    this.#captureToGridMs = captureToGridMs;
  }

  /** Forgets the feed; the next observation makes a new mapping. */
  reset(): void {
    this.#offsetMs = undefined;
    this.#wantedMs = undefined;
    this.#capture.reset();
    this.#byCapture = false;
    this.#delays.clear();
    this.#lateness.clear();
    this.#lateSinceMs = undefined;
  }

  get mapped(): boolean {
    return this.#offsetMs !== undefined;
  }

  /** Which mapping holds: another one since the last look means that instants moved all at once. */
  get mapping(): symbol {
    return this.#mapping;
  }

  /** Undefined while the camera does not say when it captured. */
  get capture(): CaptureReport | undefined {
    const captureOffsetMs = this.#capture.offsetMs;
    if (captureOffsetMs === undefined || !this.mapped) return undefined;
    return { delayMs: this.#readyOffsetMs - captureOffsetMs, inStep: this.#byCapture };
  }

  /** Where a source instant lies on the wall clock. Only when `mapped`. */
  wallMs(sourceMs: number): number {
    return sourceMs + (this.#offsetMs ?? 0);
  }

  /** When a picture mapped to `wallMs` is ready if nothing delays it. */
  expectedReadyMs(wallMs: number): number {
    return wallMs + this.behindMs;
  }

  /**
   * How far from its slot a feed's content would lie if there were no slots: what rounding to frames took away.
   * Undefined for a clock that does not round, and before there is a mapping.
   */
  get offGridMs(): number | undefined {
    if (this.#offsetMs === undefined || this.#wantedMs === undefined) return undefined;
    return this.#wantedMs - this.#offsetMs;
  }

  /** How long after its instant on the wall clock a picture is ready if nothing delays it; may be negative. */
  get behindMs(): number {
    return this.#readyOffsetMs - (this.#offsetMs ?? 0);
  }

  /** How long past its expected instant a picture is waited for: the jitter of the last seconds, bounded. */
  get waitMs(): number {
    const jitterMs = this.#lateness.value ?? 0;
    return Math.min(MAX_SLOT_WAIT_MS, Math.max(MIN_SLOT_WAIT_MS, jitterMs * 1.25));
  }

  /**
   * @param captureMs when the picture was captured, if the camera says so, in the time of `readyMs`.
   */
  observe(sourceMs: number, readyMs: number, captureMs?: number): Observation {
    const delayMs = readyMs - sourceMs;
    if (this.#offsetMs === undefined) {
      this.#map(sourceMs, readyMs);
      this.#learnCapture(sourceMs, readyMs, captureMs);
      return 'first';
    }
    const sourceStepMs = sourceMs - this.#lastSourceMs;
    const readyStepMs = readyMs - this.#lastReadyMs;
    this.#lastSourceMs = sourceMs;
    this.#lastReadyMs = readyMs;
    // A stop of the feed makes readyStep long and sourceStep long or short; only a backward step, or a step
    // that is more than a second longer than the time that passed, is a jump. The stop itself is handled by
    // lateness below: a feed that pauses its own clock is late for good afterwards.
    const latenessMs = delayMs - this.#readyOffsetMs;
    const jumped =
      sourceStepMs < -JUMP_MS ||
      sourceStepMs - readyStepMs > JUMP_MS ||
      latenessMs > JUMP_MS + MAX_SLOT_WAIT_MS;
    if (jumped) {
      this.#capture.reset();
      this.#map(sourceMs, readyMs);
      this.#learnCapture(sourceMs, readyMs, captureMs);
      return 'jump';
    }
    this.#learnCapture(sourceMs, readyMs, captureMs);
    // What is not rounded has to glide from the beginning.
    const isLearning = this.#frameMs !== undefined && readyMs - this.#mappedAtMs < LEARNING_MS;
    if (latenessMs < -EARLY_REANCHOR_MS && !isLearning) {
      this.#map(sourceMs, readyMs);
      return 'reanchored';
    }
    if (this.#lateForGood(latenessMs, readyMs, delayMs)) {
      this.#map(sourceMs, readyMs, this.#lateMinDelayMs);
      return 'reanchored';
    }
    const limitMs = isLearning
      ? Number.POSITIVE_INFINITY
      : MAX_SLEW * Math.max(0, Math.min(readyStepMs, JUMP_MS));
    this.#follow(delayMs, readyMs, limitMs);
    return this.#moveTo(sourceMs, isLearning) ? 'reanchored' : 'steady';
  }

  /** @param limitMs how far what is expected may move at once. */
  #follow(delayMs: number, readyMs: number, limitMs: number): void {
    this.#delays.add(readyMs, delayMs);
    const minDelayMs = this.#delays.value ?? delayMs;
    this.#lateness.add(readyMs, delayMs - minDelayMs);
    const errorMs = minDelayMs - this.#readyOffsetMs;
    this.#readyOffsetMs += Math.max(-limitMs, Math.min(limitMs, errorMs));
  }

  /**
   * Moves the mapping where it should be now.
   *
   * @returns true when it moved all at once; later, sound is stretched after a frame that was moved.
   */
  #moveTo(sourceMs: number, isLearning: boolean): boolean {
    const frameMs = this.#frameMs;
    if (frameMs === undefined || this.#offsetMs === undefined) {
      this.#offsetMs = this.#readyOffsetMs;
      return false;
    }
    const wasByCapture = this.#byCapture;
    const wantedMs = this.#wantedOffsetMs(frameMs);
    this.#wantedMs = wantedMs;
    if (wasByCapture !== this.#byCapture) {
      this.#putOnSlot(sourceMs, wantedMs, frameMs);
      return true;
    }
    const frames = (wantedMs - this.#offsetMs) / frameMs;
    if (Math.abs(frames) <= 0.5 + MAPPING_HYSTERESIS) return false;
    this.#offsetMs += Math.round(frames) * frameMs;
    const atOnce = isLearning || Math.abs(frames) > 1.5;
    if (atOnce) this.#mapping = Symbol('mapping');
    return atOnce;
  }

  /** Where pictures should lie, before it is rounded to a slot. */
  #wantedOffsetMs(frameMs: number): number {
    const captureOffsetMs = this.#capture.offsetMs;
    if (captureOffsetMs !== undefined && this.#captureToGridMs !== undefined) {
      const gridOffsetMs = captureOffsetMs + this.#captureToGridMs;
      const limitMs = this.#byCapture ? LEAVE_BEHIND_GRID_MS : MAX_BEHIND_GRID_MS;
      this.#byCapture = this.#readyOffsetMs - gridOffsetMs <= limitMs;
      if (this.#byCapture) return gridOffsetMs;
    } else this.#byCapture = false;
    // The middle of what rounds to the slot in which the picture became ready.
    return this.#readyOffsetMs - frameMs / 2;
  }

  #learnCapture(sourceMs: number, readyMs: number, captureMs: number | undefined): void {
    if (captureMs !== undefined) this.#capture.observe(sourceMs, captureMs, readyMs);
  }

  #lateForGood(latenessMs: number, readyMs: number, delayMs: number): boolean {
    if (latenessMs <= MAX_SLOT_WAIT_MS) {
      this.#lateSinceMs = undefined;
      return false;
    }
    if (this.#lateSinceMs === undefined) {
      this.#lateSinceMs = readyMs;
      this.#lateMinDelayMs = delayMs;
    }
    this.#lateMinDelayMs = Math.min(this.#lateMinDelayMs, delayMs);
    return readyMs - this.#lateSinceMs >= LATE_REANCHOR_MS;
  }

  #map(sourceMs: number, readyMs: number, delayMs = readyMs - sourceMs): void {
    this.#readyOffsetMs = delayMs;
    this.#mappedAtMs = readyMs;
    this.#lastSourceMs = sourceMs;
    this.#lastReadyMs = readyMs;
    this.#lateSinceMs = undefined;
    this.#delays.clear();
    this.#lateness.clear();
    this.#delays.add(readyMs, delayMs);
    if (this.#frameMs === undefined) {
      this.#offsetMs = delayMs;
      this.#mapping = Symbol('mapping');
    } else this.#putOnSlot(sourceMs, this.#wantedOffsetMs(this.#frameMs), this.#frameMs);
  }

  #putOnSlot(sourceMs: number, wantedMs: number, frameMs: number): void {
    this.#mapping = Symbol('mapping');
    this.#wantedMs = wantedMs;
    this.#offsetMs = Math.round((sourceMs + wantedMs) / frameMs) * frameMs - sourceMs;
  }
}
