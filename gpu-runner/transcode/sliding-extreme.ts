/** How far back it is remembered: 16 buckets of half a second. */
const BUCKET_MS = 500;
const BUCKET_COUNT = 16;

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
