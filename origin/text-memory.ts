/** What was made of the newest texts, for texts of which many are the same in the same instant. */

export interface TextMemoryLimits {
  readonly countMax: number;
  /** A longer text belongs to one viewer, and nobody else sends it. */
  readonly lengthMax: number;
}

export class TextMemory<Value> {
  readonly #limits: TextMemoryLimits;
  readonly #values = new Map<string, Value>();

  constructor(limits: TextMemoryLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#values.size;
  }

  get(text: string): Value | undefined {
    // Without it a long text would be hashed to find nothing.
    return text.length > this.#limits.lengthMax ? undefined : this.#values.get(text);
  }

  /** The oldest makes room. */
  set(text: string, value: Value): void {
    const { countMax, lengthMax } = this.#limits;
    if (text.length > lengthMax) return;
    if (this.#values.size >= countMax) {
      const oldest = this.#values.keys().next();
      if (!oldest.done) this.#values.delete(oldest.value);
    }
    this.#values.set(text, value);
  }
}
