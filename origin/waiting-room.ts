/** Requests that wait for the same thing, and what happens when it comes, is late, or nobody waits any more. */

/** A request that waits. */
export interface Held {
  /** Tries to answer now. @returns the room to wait in, or undefined when it is answered. */
  attempt(): WaitingRoom | undefined;
  /** Answers that it took too long. */
  expire(): void;
  /** Wall clock, Unix milliseconds. A streamed segment moves it on with each part. */
  readonly deadlineMs: number;
  /** Where it sits in its room, which alone sets it; a request waits in one room at a time. */
  place: number;
}

/** Of a request that sits in no room. */
export const NO_PLACE = -1;

/** Places in a list: a thousand come and go with each part, and a Set would be built anew with each. */
export class WaitingRoom {
  #held: Held[] = [];

  get size(): number {
    return this.#held.length;
  }

  add(held: Held): void {
    held.place = this.#held.length;
    this.#held.push(held);
  }

  delete(held: Held): void {
    const { place } = held;
    if (this.#held[place] !== held) return;
    held.place = NO_PLACE;
    const last = this.#held.pop();
    if (!last || last === held) return;
    this.#held[place] = last;
    last.place = place;
  }

  /** Lets everyone try again, at once: the caller's tick is the tick in which they are answered. */
  wake(): void {
    const woken = this.#held;
    this.#held = [];
    for (const held of woken) {
      held.place = NO_PLACE;
      held.attempt()?.add(held);
    }
  }

  expireUntil(nowMs: number): void {
    const expired = this.#held.filter(({ deadlineMs }) => deadlineMs <= nowMs);
    for (const held of expired) {
      this.delete(held);
      held.expire();
    }
  }
}
