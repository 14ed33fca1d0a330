/**
 * The media store holds init segments and parts by key. One key has one content for ever: a second writer is
 * refused, so that two runners for one stream cannot mix their pictures.
 */
import type { Track } from './renditions.ts';
import type { PartPosition } from './timeline.ts';

export interface MediaStoreWriter {
  /**
   * Writes an object unless the key exists already (`If-None-Match: *`). Readers see it whole or not at all.
   *
   * @throws MirrorError `STORE_*`, retryable when a later try may succeed (throttled, disk full).
   */
  put(key: string, bytes: Uint8Array, options: { signal: AbortSignal }): Promise<'stored' | 'exists'>;
}

export interface MediaStoreReader {
  /** @returns undefined when there is no such object. */
  get(key: string, options: { signal: AbortSignal }): Promise<Uint8Array | undefined>;
}

export interface MediaStoreCleaner {
  /** Deletes all objects whose key starts with the prefix. */
  removePrefix(prefix: string): Promise<void>;
}

/**
 * Where recordings go: objects that may be written again, such as a playlist that grows. Unlike a live part,
 * nothing here is bound to one content for ever; readers see the old object or the new one, each whole.
 */
export interface ObjectWriter {
  /**
   * Writes an object, over an earlier one of the same key if there is one.
   *
   * @param options.contentType what HTTP readers are told, e.g. `video/mp4`.
   * @param options.cacheControl an HTTP Cache-Control value; absent: the store's default.
   * @throws MirrorError `STORE_*`, retryable when a later try may succeed (throttled, disk full).
   */
  write(
    key: string,
    bytes: Uint8Array,
    options: { readonly contentType: string; readonly cacheControl?: string; readonly signal: AbortSignal },
  ): Promise<void>;
}

/** Key of a track's init segment. */
export function initKey(streamId: string, track: Track): string {
  return `streams/${streamId}/${track}/init.mp4`;
}

/** Key of one part. */
export function partKey(streamId: string, track: Track, position: PartPosition): string {
  return `streams/${streamId}/${track}/${position.mediaSequenceNumber}.${position.partIndex}.m4s`;
}

/** Prefix of everything that a stream stores. */
export function streamPrefix(streamId: string): string {
  return `streams/${streamId}/`;
}
