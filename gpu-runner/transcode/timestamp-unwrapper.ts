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
