/**
 * Finds out whether growing segments reach this browser as they grow, or are held back by something on the
 * way (a proxy that buffers, a CDN that wants whole objects) until they are complete. An encoder that is late or
 * an origin that hiccups looks alike at first, so a suspicion is put to the proof: the segment's first part is
 * asked for by itself beside it, and what holds growth back lets that one through.
 */

export interface SegmentArrival {
  readonly askedAtMs: number;
  readonly firstByteAtMs: number;
  readonly lastByteAtMs: number;
  /** When the segment's interval ends on the timeline. */
  readonly endMs: number;
  /** When its first part was here, asked for by itself at the same time; undefined when it was not asked for. */
  readonly firstPartAtMs: number | undefined;
}

/** Asked for so long before its end, a segment's first parts were made while the request stood. */
const TELLING_LEAD_MS = 300;
/** What grows comes over the time of four parts; what was held back comes at once. */
const AT_ONCE_MS = 100;
/**
 * What grows has begun to come so long before its end, and what was held back has not: its last part is made
 * 50 to 100 ms before, as the slots of its feed's pictures and the clocks of both sides have it.
 */
const BEGUN_MS = 200;
/** So many in a row are a suspicion, since one late answer may have other reasons. */
const SUSPICIOUS_COUNT = 3;
/** A first part that is here so much before the first byte of its own segment is proof. */
const PROOF_MS = 150;

export class ArrivalWatch {
  #suspiciousCount = 0;
  #heldBack = false;

  /** Stays true once it is: going back and forth would cost more than it gains. */
  get heldBack(): boolean {
    return this.#heldBack;
  }

  /** True when the next segment should be asked for together with its first part. */
  get suspects(): boolean {
    return !this.#heldBack && this.#suspiciousCount >= SUSPICIOUS_COUNT;
  }

  add({ askedAtMs, firstByteAtMs, lastByteAtMs, endMs, firstPartAtMs }: SegmentArrival): void {
    if (askedAtMs > endMs - TELLING_LEAD_MS) return;
    if (this.suspects && firstPartAtMs !== undefined) {
      this.#heldBack = firstByteAtMs - firstPartAtMs >= PROOF_MS;
      this.#suspiciousCount = 0;
      return;
    }
    const cameAtOnce = firstByteAtMs >= endMs - BEGUN_MS && lastByteAtMs - firstByteAtMs < AT_ONCE_MS;
    this.#suspiciousCount = cameAtOnce ? this.#suspiciousCount + 1 : 0;
  }
}
