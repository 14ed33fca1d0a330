/** The last `capacity` values of a series that is addressed by a growing index. Setting one drops an older one. */
export class Ring<Value> {
  readonly capacity: number;
  /** The index beside each value tells a value from an older one in the same slot. */
  readonly #indices: Float64Array;
  readonly #values: (Value | undefined)[];

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#indices = new Float64Array(capacity).fill(-1);
    this.#values = Array.from({ length: capacity });
  }

  get(index: number): Value | undefined {
    const slot = index % this.capacity;
    return this.#indices[slot] === index ? this.#values[slot] : undefined;
  }

  set(index: number, value: Value): void {
    const slot = index % this.capacity;
    this.#indices[slot] = index;
    this.#values[slot] = value;
  }

  clear(): void {
    this.#indices.fill(-1);
    this.#values.fill(undefined);
  }

  /** What the ring holds, in no particular order. */
  *values(): Iterable<Value> {
    for (const value of this.#values) if (value !== undefined) yield value;
  }
}
