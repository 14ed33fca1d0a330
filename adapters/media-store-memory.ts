/** The media store inside one process, for tests and for `npm start` without a disk. */
import type {
  MediaStoreCleaner,
  MediaStoreReader,
  MediaStoreWriter,
  ObjectWriter,
} from '../domain/media-store.ts';
import type { Clock } from '../domain/timeline.ts';
import { assertKey, assertPrefix, isPartKey } from './media-store-keys.ts';

interface StoredObject {
  readonly bytes: Uint8Array;
  readonly storedAtMs: number;
}

export class MemoryMediaStore implements MediaStoreWriter, MediaStoreReader, MediaStoreCleaner, ObjectWriter {
  readonly #clock: Clock;
  readonly #retentionMs: number;
  /** In order of arrival, so that what is too old is in front. */
  readonly #parts = new Map<string, StoredObject>();
  readonly #objects = new Map<string, StoredObject>();

  /** @param dependencies.retentionMs how long live parts are kept; everything else stays until it is removed. */
  constructor(dependencies: { readonly clock: Clock; readonly retentionMs: number }) {
    this.#clock = dependencies.clock;
    this.#retentionMs = dependencies.retentionMs;
  }

  async put(
    key: string,
    bytes: Uint8Array,
    options: { readonly signal: AbortSignal },
  ): Promise<'stored' | 'exists'> {
    assertKey(key);
    options.signal.throwIfAborted();
    const objects = isPartKey(key) ? this.#parts : this.#objects;
    if (objects.has(key)) return 'exists';
    objects.set(key, { bytes: bytes.slice(), storedAtMs: this.#clock.nowMs() });
    this.#removeOld();
    return 'stored';
  }

  async write(
    key: string,
    bytes: Uint8Array,
    options: { readonly signal: AbortSignal; readonly contentType: string },
  ): Promise<void> {
    assertKey(key);
    options.signal.throwIfAborted();
    this.#objects.set(key, { bytes: bytes.slice(), storedAtMs: this.#clock.nowMs() });
  }

  async get(key: string, options: { readonly signal: AbortSignal }): Promise<Uint8Array | undefined> {
    assertKey(key);
    options.signal.throwIfAborted();
    return (this.#objects.get(key) ?? this.#parts.get(key))?.bytes;
  }

  async removePrefix(prefix: string): Promise<void> {
    assertPrefix(prefix);
    for (const objects of [this.#parts, this.#objects]) {
      for (const key of objects.keys()) if (key.startsWith(prefix)) objects.delete(key);
    }
  }

  #removeOld(): void {
    const oldestMs = this.#clock.nowMs() - this.#retentionMs;
    for (const [key, object] of this.#parts) {
      if (object.storedAtMs >= oldestMs) return;
      this.#parts.delete(key);
    }
  }
}
