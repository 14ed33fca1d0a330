/**
 * Timestamps of MPEG-TS are 33 bits of 90 kHz and start again at 0 after 26.5 hours (ISO 13818-1 §2.4.3.6).
 * This continues the count, so that a wrap is no event at all; a jump of the sender stays the jump it is.
 */
const WRAP_TICKS = 2n ** 33n;
const HALF_WRAP_TICKS = WRAP_TICKS / 2n;

export class TimestampUnwrap {
  #lastTicks: bigint | undefined;

  /**
   * @param ticks 0 to 2^33 - 1, as the sender wrote it.
   * @returns the same instant modulo 2^33, less than half a wrap away from the one before.
   */
  unwrap(ticks: bigint): bigint {
    if (this.#lastTicks === undefined) {
      this.#lastTicks = ticks;
      return ticks;
    }
    const forwardTicks = modulo(ticks - this.#lastTicks, WRAP_TICKS);
    const stepTicks = forwardTicks > HALF_WRAP_TICKS ? forwardTicks - WRAP_TICKS : forwardTicks;
    this.#lastTicks += stepTicks;
    return this.#lastTicks;
  }
}

function modulo(value: bigint, modulus: bigint): bigint {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
}
