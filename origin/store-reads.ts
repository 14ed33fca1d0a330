/** Reads the media store with bounds: so many at a time, so long each, so many tries. */
import { messageOf } from '../domain/errors.ts';
import type { Log } from '../domain/log.ts';
import type { MediaStoreReader } from '../domain/media-store.ts';
import type { OriginLimits } from './limits.ts';

export type ReadOutcome =
  | { readonly kind: 'found'; readonly bytes: Uint8Array }
  | { readonly kind: 'absent' }
  /** The store could not say: it failed, was too slow, or too many reads wait already. */
  | { readonly kind: 'failed' };

export interface StoreReadCounters {
  readCount: number;
  absentCount: number;
  failureCount: number;
}

const ABSENT: ReadOutcome = { kind: 'absent' };
const FAILED: ReadOutcome = { kind: 'failed' };

export class StoreReads {
  readonly counters: StoreReadCounters = { readCount: 0, absentCount: 0, failureCount: 0 };
  readonly #mediaStore: MediaStoreReader;
  readonly #limits: OriginLimits;
  readonly #log: Log;
  readonly #active = new Set<AbortController>();
  readonly #queue: (() => void)[] = [];
  #closed = false;

  constructor(dependencies: { mediaStore: MediaStoreReader; limits: OriginLimits; log: Log }) {
    this.#mediaStore = dependencies.mediaStore;
    this.#limits = dependencies.limits;
    this.#log = dependencies.log;
  }

  get activeCount(): number {
    return this.#active.size;
  }

  /**
   * Never rejects.
   *
   * @param expected the object was announced, so that an absent one is worth another try.
   */
  async read(key: string, options: { readonly expected: boolean }): Promise<ReadOutcome> {
    let pauseMs = this.#limits.storeRetryMs;
    for (let tryCount = 1; ; tryCount += 1) {
      const outcome = await this.#readOnce(key);
      const worthAnother = outcome.kind === 'failed' || (outcome.kind === 'absent' && options.expected);
      if (!worthAnother || this.#closed || tryCount >= this.#limits.storeTryCount) return outcome;
      await new Promise((resolve) => {
        setTimeout(resolve, pauseMs);
      });
      pauseMs *= 2;
    }
  }

  /** Aborts what is under way. Later reads fail at once. */
  close(): void {
    this.#closed = true;
    for (const controller of this.#active) controller.abort();
    for (const start of this.#queue.splice(0)) start();
  }

  async #readOnce(key: string): Promise<ReadOutcome> {
    if (this.#active.size >= this.#limits.storeReadCount) {
      if (this.#queue.length >= this.#limits.queuedStoreReadCount) return FAILED;
      await new Promise<void>((resolve) => {
        this.#queue.push(resolve);
      });
    }
    if (this.#closed) return FAILED;
    const controller = new AbortController();
    this.#active.add(controller);
    this.counters.readCount += 1;
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          controller.abort();
          reject(new Error(`No answer within ${this.#limits.storeReadMs} ms.`));
        }, this.#limits.storeReadMs);
      });
      const bytes = await Promise.race([this.#mediaStore.get(key, { signal: controller.signal }), late]);
      if (bytes) return { kind: 'found', bytes };
      this.counters.absentCount += 1;
      return ABSENT;
    } catch (error) {
      this.counters.failureCount += 1;
      if (!this.#closed) this.#log.warn('media-store-read-failed', { key, error: messageOf(error) });
      return FAILED;
    } finally {
      clearTimeout(timer);
      this.#active.delete(controller);
      this.#queue.shift()?.();
    }
  }
}
