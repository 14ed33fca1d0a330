/**
 * Keeps asking the server for its time: a few times in the beginning, of which the fastest round trip counts,
 * then now and then, and at once when the local clock can no longer be trusted. A browser's monotonic clock may
 * stand still while a laptop sleeps, so a wall clock that has run ahead of it is the sign of a sleep.
 */

export interface TimeKeeperDependencies {
  /** Asks once. False when the server did not answer. */
  readonly ask: () => Promise<boolean>;
  /** Never steps back: performance.timeOrigin + performance.now(). */
  readonly monotonicNowMs: () => number;
  /** May be set by hand, and goes on in sleep: Date.now(). */
  readonly wallNowMs: () => number;
}

const EVERY_MS = 30_000;
/** The first answers, and those after a sleep. */
const SOON_COUNT = 5;
const SOON_MS = 200;
/** After a question without an answer. */
const RETRY_MS = 1_000;
/** Timers and clocks are coarser than a few ms; a sleep lasts seconds. */
const JUMP_MIN_MS = 500;

export class TimeKeeper {
  readonly #dependencies: TimeKeeperDependencies;
  #soonCount = SOON_COUNT;
  #aheadMs: number;
  #isAsking = false;
  #nextAtMs = Number.NEGATIVE_INFINITY;

  constructor(dependencies: TimeKeeperDependencies) {
    this.#dependencies = dependencies;
    this.#aheadMs = this.#lead;
  }

  /** Asks as often as is right, until the signal. */
  run(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#look();
      const timer = setInterval(() => this.#look(), SOON_MS);
      const end = () => {
        clearInterval(timer);
        resolve();
      };
      if (signal.aborted) end();
      else signal.addEventListener('abort', end, { once: true });
    });
  }

  /** After the page was away: hidden, offline, asleep. */
  askSoon(): void {
    this.#soonCount = SOON_COUNT;
    this.#nextAtMs = Number.NEGATIVE_INFINITY;
    this.#look();
  }

  get #lead(): number {
    return this.#dependencies.wallNowMs() - this.#dependencies.monotonicNowMs();
  }

  #look(): void {
    const leadMs = this.#lead;
    if (Math.abs(leadMs - this.#aheadMs) > JUMP_MIN_MS) {
      this.#soonCount = SOON_COUNT;
      this.#nextAtMs = Number.NEGATIVE_INFINITY;
    }
    this.#aheadMs = leadMs;
    if (this.#isAsking || this.#dependencies.monotonicNowMs() < this.#nextAtMs) return;
    this.#isAsking = true;
    void this.#dependencies.ask().then((answered) => {
      this.#isAsking = false;
      if (answered) this.#soonCount = Math.max(0, this.#soonCount - 1);
      const waitMs = !answered ? RETRY_MS : this.#soonCount === 0 ? EVERY_MS : SOON_MS;
      this.#nextAtMs = this.#dependencies.monotonicNowMs() + waitMs;
    });
  }
}
