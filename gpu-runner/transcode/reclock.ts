/**
 * Maps the feed's own clock onto the wall-clock grid. Pure: no media library, no timers; instants come in as
 * milliseconds since EPOCH (fractional) and slots go out as integers.
 *
 * Two questions are kept apart. `SourceClock` answers *when* a source timestamp is on the wall clock, and
 * sound and picture share its answer, so they stay in step. `SlotFiller` answers *which* slot of the output
 * a picture fills, so that every slot is filled exactly once and in order.
 */

/** A source timestamp that departs this far from the time that passed is a jump, not jitter. */
export const JUMP_MS = 1_000;
/** A picture this far ahead of its mapping means that the mapping was made from a delayed one. */
const EARLY_REANCHOR_MS = 100;
/** A new mapping is made from one picture, which may have been delayed; until then faster ones correct it. */
const SETTLE_MS = 400;
const SETTLE_EARLY_MS = 1;
/** Pictures that are late without exception for this long have taken a longer path for good. */
const LATE_REANCHOR_MS = 400;
/** Fastest correction of the mapping: 500 ppm, beyond the drift of any encoder and inaudible. */
const MAX_SLEW = 500e-6;
/** How far back the fastest arrival is remembered: 16 buckets of half a second. */
const BUCKET_MS = 500;
const BUCKET_COUNT = 16;
/** Longest time that a slot waits for its picture beyond its nominal arrival. */
export const MAX_SLOT_WAIT_MS = 100;
const MIN_SLOT_WAIT_MS = 4;

/** Minimum or maximum over the last `BUCKET_COUNT` buckets, in constant memory. */
export class SlidingExtreme {
  readonly #pick: (a: number, b: number) => number;
  readonly #buckets: { index: number; value: number }[] = [];

  constructor(pick: (a: number, b: number) => number) {
    this.#pick = pick;
  }

  add(atMs: number, value: number): void {
    const index = Math.floor(atMs / BUCKET_MS);
    const last = this.#buckets.at(-1);
    if (last && last.index >= index) last.value = this.#pick(last.value, value);
    else this.#buckets.push({ index, value });
    while (this.#buckets.length > 0 && (this.#buckets[0]?.index ?? 0) <= index - BUCKET_COUNT)
      this.#buckets.shift();
  }

  get value(): number | undefined {
    let result: number | undefined;
    for (const bucket of this.#buckets)
      result = result === undefined ? bucket.value : this.#pick(result, bucket.value);
    return result;
  }

  clear(): void {
    this.#buckets.length = 0;
  }
}

export type Observation =
  /** The mapping holds. */
  | 'steady'
  /** First timestamp since the start or a reset. */
  | 'first'
  /** The source's timestamps jumped by more than a second; the mapping is new. */
  | 'jump'
  /** The path became shorter or longer for good; the mapping is new. */
  | 'reanchored';

/**
 * Source timestamp -> wall clock. The mapping follows the *fastest* arrivals of the last seconds, which
 * network jitter cannot move, and drifts with them no faster than `MAX_SLEW`.
 */
export class SourceClock {
  readonly #anchor: (readyMs: number) => number;
  readonly #delays = new SlidingExtreme(Math.min);
  readonly #lateness = new SlidingExtreme(Math.max);
  /** wall = source + #offsetMs. */
  #offsetMs: number | undefined;
  /** The part of #offsetMs that puts pictures onto slots: between minus one frame and zero. */
  #phaseMs = 0;
  #mappedAtMs = 0;
  #lastSourceMs = 0;
  #lastReadyMs = 0;
  #lateSinceMs: number | undefined;
  #lateMinDelayMs = Number.POSITIVE_INFINITY;
  #mapping = Symbol('mapping');

  /**
   * @param anchor gives the instant that a picture that is ready at `readyMs` shall be mapped to when the
   *   mapping is made anew: the start of a slot at or before it.
   */
  constructor(anchor: (readyMs: number) => number) {
    this.#anchor = anchor;
  }

  /** Forgets the feed; the next observation makes a new mapping. */
  reset(): void {
    this.#offsetMs = undefined;
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

  /** Where a source instant lies on the wall clock. Only when `mapped`. */
  wallMs(sourceMs: number): number {
    return sourceMs + (this.#offsetMs ?? 0);
  }

  /** When a picture mapped to `wallMs` is ready if nothing delays it. */
  expectedReadyMs(wallMs: number): number {
    return wallMs - this.#phaseMs;
  }

  /** How long past its expected instant a picture is waited for: the jitter of the last seconds, bounded. */
  get waitMs(): number {
    const jitterMs = this.#lateness.value ?? 0;
    return Math.min(MAX_SLOT_WAIT_MS, Math.max(MIN_SLOT_WAIT_MS, jitterMs * 1.25));
  }

  observe(sourceMs: number, readyMs: number): Observation {
    const delayMs = readyMs - sourceMs;
    if (this.#offsetMs === undefined) {
      this.#map(sourceMs, readyMs);
      return 'first';
    }
    const sourceStepMs = sourceMs - this.#lastSourceMs;
    const readyStepMs = readyMs - this.#lastReadyMs;
    this.#lastSourceMs = sourceMs;
    this.#lastReadyMs = readyMs;
    // A stop of the feed makes readyStep long and sourceStep long or short; only a backward step, or a step
    // that is more than a second longer than the time that passed, is a jump. The stop itself is handled by
    // lateness below: a feed that pauses its own clock is late for good afterwards.
    if (sourceStepMs < -JUMP_MS || sourceStepMs - readyStepMs > JUMP_MS) {
      this.#map(sourceMs, readyMs);
      return 'jump';
    }
    const latenessMs = delayMs + this.#phaseMs - this.#offsetMs;
    const settling = readyMs - this.#mappedAtMs < SETTLE_MS;
    if (latenessMs < (settling ? -SETTLE_EARLY_MS : -EARLY_REANCHOR_MS)) {
      const mappedAtMs = this.#mappedAtMs;
      this.#map(sourceMs, readyMs);
      if (settling) this.#mappedAtMs = mappedAtMs;
      return 'reanchored';
    }
    if (latenessMs > JUMP_MS + MAX_SLOT_WAIT_MS) {
      this.#map(sourceMs, readyMs);
      return 'jump';
    }
    if (this.#lateForGood(latenessMs, readyMs, delayMs)) {
      this.#map(sourceMs, readyMs, this.#lateMinDelayMs);
      return 'reanchored';
    }
    this.#delays.add(readyMs, delayMs);
    const minDelayMs = this.#delays.value ?? delayMs;
    this.#lateness.add(readyMs, delayMs - minDelayMs);
    const errorMs = minDelayMs + this.#phaseMs - this.#offsetMs;
    const limitMs = MAX_SLEW * Math.max(0, Math.min(readyStepMs, JUMP_MS));
    this.#offsetMs += Math.max(-limitMs, Math.min(limitMs, errorMs));
    return 'steady';
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
    this.#mapping = Symbol('mapping');
    const expectedMs = sourceMs + delayMs;
    const wallMs = this.#anchor(expectedMs);
    this.#offsetMs = wallMs - sourceMs;
    this.#phaseMs = wallMs - expectedMs;
    this.#mappedAtMs = readyMs;
    this.#lastSourceMs = sourceMs;
    this.#lastReadyMs = readyMs;
    this.#lateSinceMs = undefined;
    this.#delays.clear();
    this.#lateness.clear();
    this.#delays.add(readyMs, delayMs);
  }
}

/** What becomes of one picture. */
export type Placement =
  /** The `repeatCount` slots before `slot` show the previous picture once more, then `slot` shows this one. */
  | { readonly kind: 'fill'; readonly slot: number; readonly repeatCount: number }
  /** Its slot is gone to a repeat already: it becomes what the next repeat shows. */
  | { readonly kind: 'late' }
  /** Output has not begun: it is what the first slot shows if nothing newer comes. */
  | { readonly kind: 'before-start' }
  /** The feed has more pictures than the grid has slots. */
  | { readonly kind: 'surplus' };

/**
 * How far beyond half a slot a picture may lie and still take the next slot. It keeps feeds whose rate is
 * almost the grid's (29.97 in 30, 59.94 in 60) from flapping between a repeat and a drop, and bounds the
 * offset of picture to sound: (0.5 + this) frames.
 */
export const SLOT_HYSTERESIS = 0.1;

export class SlotFiller {
  readonly frameMs: number;
  /** The first slot that nothing fills yet. */
  #nextSlot: number;
  #lastFillWasRepeat = false;
  readonly #firstSlot: number;

  constructor(options: { frameRate: number; firstSlot: number }) {
    this.frameMs = 1000 / options.frameRate;
    this.#firstSlot = options.firstSlot;
    this.#nextSlot = options.firstSlot;
  }

  get nextSlot(): number {
    return this.#nextSlot;
  }

  /** Places a picture that belongs at `wallMs`. */
  place(wallMs: number): Placement {
    const position = wallMs / this.frameMs;
    const next = this.#nextSlot;
    const reach = 0.5 + SLOT_HYSTERESIS;
    if (position < next - reach) {
      if (next === this.#firstSlot) return { kind: 'before-start' };
      return { kind: this.#lastFillWasRepeat ? 'late' : 'surplus' };
    }
    const slot = position <= next + reach ? next : Math.max(next, Math.round(position));
    this.#nextSlot = slot + 1;
    this.#lastFillWasRepeat = false;
    return { kind: 'fill', slot, repeatCount: slot - next };
  }

  /** The latest instant to which a picture for the next slot may be mapped. */
  get nextSlotReachMs(): number {
    return (this.#nextSlot + 0.5 + SLOT_HYSTERESIS) * this.frameMs;
  }

  /** Gives the next slot to a repeat of the last picture. */
  repeat(): number {
    this.#lastFillWasRepeat = true;
    return this.#nextSlot++;
  }

  /** Leaves slots out: used to give up whole parts when the machine cannot keep up. */
  skipTo(slot: number): void {
    this.#nextSlot = Math.max(this.#nextSlot, slot);
  }
}

/**
 * When the next slot stops waiting for a picture and takes a repeat: at the end of the slot while there is no
 * feed; else when the last picture that could fill it is overdue by more than the feed's usual jitter.
 */
export function slotDueMs(filler: SlotFiller, clock: SourceClock, signalLost: boolean): number {
  if (signalLost || !clock.mapped) return (filler.nextSlot + 1) * filler.frameMs;
  return clock.expectedReadyMs(filler.nextSlotReachMs) + clock.waitMs;
}

/** Undoes the wrap of a 33-bit MPEG-TS timestamp (ISO 13818-1 §2.4.3.6), whichever way it goes. */
export class TimestampUnwrapper {
  readonly #period: number;
  #last: number | undefined;
  #add = 0;

  constructor(bits = 33) {
    this.#period = 2 ** bits;
  }

  reset(): void {
    this.#last = undefined;
    this.#add = 0;
  }

  unwrap(ticks: number): number {
    if (this.#last !== undefined) {
      // A step of about one whole period is the wrap; any other jump is the feed's own and stays visible.
      const step = ticks + this.#add - this.#last;
      if (Math.abs(Math.abs(step) - this.#period) < this.#period / 64)
        this.#add -= Math.sign(step) * this.#period;
    }
    this.#last = ticks + this.#add;
    return this.#last;
  }
}
