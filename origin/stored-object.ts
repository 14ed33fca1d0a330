/** One object of the media store that the window holds, is fetching, or could not get. */
import type { Clock } from '../domain/timeline.ts';
import type { OriginLimits } from './limits.ts';
import type { StoreReads } from './store-reads.ts';

export interface StoredObjectContext {
  readonly reads: StoreReads;
  readonly clock: Clock;
  readonly limits: OriginLimits;
  /** Called in the tick in which a read ends, whatever its outcome. */
  readonly onSettled: (object: StoredObject) => void;
}

export class StoredObject {
  readonly key: string;
  bytes: Uint8Array | undefined;
  state: 'idle' | 'loading' | 'ready' | 'absent' | 'failed' = 'idle';
  #settledAtMs = 0;

  constructor(key: string) {
    this.key = key;
  }

  /** Starts a read unless one is under way, succeeded, or failed just now. */
  load(context: StoredObjectContext, options: { readonly expected: boolean }): void {
    if (this.state === 'loading' || this.state === 'ready') return;
    const { clock, limits, reads } = context;
    if (this.state !== 'idle' && clock.nowMs() - this.#settledAtMs < limits.storeFailureMemoryMs) return;
    this.state = 'loading';
    void reads.read(this.key, options).then((outcome) => {
      this.#settledAtMs = clock.nowMs();
      this.state = outcome.kind === 'found' ? 'ready' : outcome.kind;
      if (outcome.kind === 'found') this.bytes = outcome.bytes;
      context.onSettled(this);
    });
  }
}
