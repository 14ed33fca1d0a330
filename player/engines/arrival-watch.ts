/**
 * Finds out whether growing segments reach this browser as they grow, or are held back by something on the
 * way (a proxy that buffers, a CDN that wants whole objects) until they are complete.
 */

export interface SegmentArrival {
  readonly askedAtMs: number;
  readonly firstByteAtMs: number;
  /** When the segment's interval ends on the timeline: it cannot be complete before. */
  readonly endMs: number;
}

/** Asked for so long before its end, a segment's first parts were made while the request stood. */
const TELLING_LEAD_MS = 300;
/** So many in a row, since one late answer may have other reasons. */
const HELD_BACK_COUNT = 3;

export class ArrivalWatch {
  #heldBackCount = 0;
  #heldBack = false;

  /** Stays true once it is: going back and forth would cost more than it gains. */
  get heldBack(): boolean {
    return this.#heldBack;
  }

  add({ askedAtMs, firstByteAtMs, endMs }: SegmentArrival): void {
    if (askedAtMs > endMs - TELLING_LEAD_MS) return;
    this.#heldBackCount = firstByteAtMs >= endMs ? this.#heldBackCount + 1 : 0;
    if (this.#heldBackCount >= HELD_BACK_COUNT) this.#heldBack = true;
  }
}
