/** Pictures per second of a feed, from its own timestamps. */

/** Enough to tell 29.97 from 30 and short enough to follow a change within two seconds. */
const WINDOW_COUNT = 61;
const KNOWN_RATES = [23.976, 24, 25, 29.97, 30, 50, 59.94, 60];
const KNOWN_RATE_TOLERANCE = 0.0004;

export class RateMeter {
  readonly #timesMs: number[] = [];

  add(sourceMs: number): void {
    const last = this.#timesMs.at(-1);
    if (last !== undefined && (sourceMs <= last || sourceMs - last > 1_000)) this.#timesMs.length = 0;
    this.#timesMs.push(sourceMs);
    if (this.#timesMs.length > WINDOW_COUNT) this.#timesMs.shift();
  }

  /** Rounded to a broadcast rate where it is one; undefined until a few pictures have come. */
  get framesPerSecond(): number | undefined {
    const first = this.#timesMs[0];
    const last = this.#timesMs.at(-1);
    if (first === undefined || last === undefined || this.#timesMs.length < 5) return undefined;
    const rate = ((this.#timesMs.length - 1) * 1000) / (last - first);
    const known = KNOWN_RATES.find((each) => Math.abs(each / rate - 1) < KNOWN_RATE_TOLERANCE);
    return known ?? Math.round(rate * 100) / 100;
  }
}
