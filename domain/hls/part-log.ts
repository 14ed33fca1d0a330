/**
 * The parts of one track that playlists and requests are answered from: a window of fixed length over the
 * grid. A position that was passed without an entry is a hole, and a hole is a gap (DESIGN: the timeline).
 */
import type { PartEntry } from '../live-edge.ts';
import { Ring } from './ring.ts';

/** What `firstOrdinal` and `headOrdinal` are while the log is empty. */
export const NO_ORDINAL = -1;

/** Keeps the last `capacity` parts, addressed by their ordinal (parts since EPOCH). */
export class PartLog {
  readonly #entries: Ring<PartEntry>;
  #first = NO_ORDINAL;
  #head = NO_ORDINAL;

  constructor(capacity: number) {
    this.#entries = new Ring(capacity);
  }

  /** The oldest position that the window covers; `NO_ORDINAL` when empty. */
  get firstOrdinal(): number {
    return this.#head === NO_ORDINAL
      ? NO_ORDINAL
      : Math.max(this.#first, this.#head - this.#entries.capacity + 1);
  }

  /** The newest announced position; `NO_ORDINAL` when empty. */
  get headOrdinal(): number {
    return this.#head;
  }

  /** @returns false when this or a later position was appended already, and nothing was changed. */
  append(ordinal: number, entry: PartEntry): boolean {
    if (ordinal <= this.#head) return false;
    if (this.#head === NO_ORDINAL) this.#first = ordinal;
    this.#entries.set(ordinal, entry);
    this.#head = ordinal;
    return true;
  }

  /** @returns the entry; undefined for a hole and for what is outside the window. */
  entry(ordinal: number): PartEntry | undefined {
    if (ordinal < this.firstOrdinal || ordinal > this.#head) return undefined;
    return this.#entries.get(ordinal);
  }

  /** All entries in the window, ascending. */
  *entries(): Iterable<[ordinal: number, entry: PartEntry]> {
    for (let ordinal = Math.max(0, this.firstOrdinal); ordinal <= this.#head; ordinal += 1) {
      const entry = this.#entries.get(ordinal);
      if (entry) yield [ordinal, entry];
    }
  }
}
