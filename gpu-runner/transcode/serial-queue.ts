/**
 * A bounded queue in front of one chain of asynchronous work: exactly one item is in the native library at a
 * time, in order. What does not fit is refused, and the caller says what that means.
 */
export class SerialQueue<Item> {
  readonly limit: number;
  readonly #handle: (item: Item) => Promise<void>;
  readonly #onError: (error: unknown) => void;
  readonly #items: Item[] = [];
  #running = false;
  #idle: (() => void)[] = [];

  constructor(options: {
    limit: number;
    handle: (item: Item) => Promise<void>;
    onError: (error: unknown) => void;
  }) {
    this.limit = options.limit;
    this.#handle = options.handle;
    this.#onError = options.onError;
  }

  /** Items that wait, without the one in work. */
  get length(): number {
    return this.#items.length;
  }

  /** @returns false when the queue is full; the item stays the caller's. */
  push(item: Item): boolean {
    if (this.#items.length >= this.limit) return false;
    this.#items.push(item);
    if (!this.#running) void this.#run();
    return true;
  }

  /** Takes all waiting items out. */
  clear(): Item[] {
    return this.#items.splice(0);
  }

  /** Resolves when nothing waits and nothing is in work. */
  async idle(): Promise<void> {
    if (!this.#running) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let item = this.#items.shift(); item !== undefined; item = this.#items.shift()) {
      try {
        await this.#handle(item);
      } catch (error) {
        this.#onError(error);
      }
    }
    this.#running = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
