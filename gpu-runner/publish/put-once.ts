import type { MediaStoreReader, MediaStoreWriter } from '../../domain/media-store.ts';

/**
 * Writes an object that nobody else may write.
 *
 * An existing object with these very bytes is this runner's own: an earlier attempt, its own or one inside
 * the store's client, timed out but had landed.
 *
 * @returns `taken` when the key holds other bytes.
 * @throws what the store throws; and an Error when the object that exists cannot be read, for another try.
 */
export async function putOnce(
  store: MediaStoreWriter & MediaStoreReader,
  key: string,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<'stored' | 'taken'> {
  if ((await store.put(key, bytes, { signal })) === 'stored') return 'stored';
  const existing = await store.get(key, { signal });
  if (!existing) throw new Error(`${key} exists but cannot be read`);
  return Buffer.compare(existing, bytes) === 0 ? 'stored' : 'taken';
}
