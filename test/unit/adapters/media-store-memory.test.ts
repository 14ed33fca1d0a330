import { expect, test } from 'vitest';
import { MemoryMediaStore } from '../../../adapters/media-store-memory.ts';
import { initKey, partKey } from '../../../domain/media-store.ts';
import { mediaStoreContract } from '../../contract/media-store.ts';

const signal = new AbortController().signal;

mediaStoreContract(async () => {
  const store = new MemoryMediaStore({ clock: { nowMs: () => 0 }, retentionMs: 1_000 });
  return { store, otherStore: store, close: async () => undefined };
});

test('parts older than the retention go with the next put; init segments and recordings stay', async () => {
  let nowMs = 0;
  const store = new MemoryMediaStore({ clock: { nowMs: () => nowMs }, retentionMs: 1_000 });
  const part = (mediaSequenceNumber: number) => partKey('a', 'video', { mediaSequenceNumber, partIndex: 0 });
  const recorded = 'recordings/a/1.0.m4s';
  await store.put(initKey('a', 'video'), new Uint8Array(1), { signal });
  await store.put(part(1), new Uint8Array(1), { signal });
  await store.write(recorded, new Uint8Array(1), { contentType: 'video/mp4', signal });
  nowMs = 1_000;
  await store.put(part(2), new Uint8Array(1), { signal });
  expect(await store.get(part(1), { signal })).toBeDefined();
  nowMs = 1_001;
  await store.put(part(3), new Uint8Array(1), { signal });
  expect(await store.get(part(1), { signal })).toBeUndefined();
  for (const key of [part(2), part(3), recorded, initKey('a', 'video')])
    expect(await store.get(key, { signal })).toBeDefined();
});
