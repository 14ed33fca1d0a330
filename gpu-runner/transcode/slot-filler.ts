/**
 * Which slot of the output a picture fills, so that every slot is filled exactly once and in order. Pure: no media
 * library, no timers; instants come in as milliseconds since EPOCH (fractional) and slots go out as integers. When
 * a picture is on the wall clock is another question, which source-clock.ts answers for sound and picture alike.
 */
import type { SourceClock } from './source-clock.ts';

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
