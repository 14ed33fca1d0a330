/** Requests that wait for the same thing, and what happens when it comes, is late, or nobody waits any more. */

/** A request that waits. */
export interface Held {
  /** Tries to answer now. @returns the room to wait in, or undefined when it is answered. */
  attempt(): WaitingRoom | undefined;
  /** Answers that it took too long. */
  expire(): void;
  /** Wall clock, Unix milliseconds. A streamed segment moves it on with each part. */
  readonly deadlineMs: number;
}

export class WaitingRoom {
  readonly #held = new Set<Held>();

  get size(): number {
    return this.#held.size;
  }

  add(held: Held): void {
    this.#held.add(held);
  }

  delete(held: Held): void {
    this.#held.delete(held);
  }

  /** Lets everyone try again, at once: the caller's tick is the tick in which they are answered. */
  wake(): void {
    for (const held of this.#held) {
      const next = held.attempt();
      if (next === this) continue;
      this.#held.delete(held);
      next?.add(held);
    }
  }

  expireUntil(nowMs: number): void {
    for (const held of this.#held) {
      if (held.deadlineMs > nowMs) continue;
      this.#held.delete(held);
      held.expire();
    }
  }
}
