/** What every media store must do. Run over memory, disk and S3. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  initKey,
  type MediaStoreCleaner,
  type MediaStoreReader,
  type MediaStoreWriter,
  type ObjectWriter,
  partKey,
  streamPrefix,
} from '../../domain/media-store.ts';

type Store = MediaStoreWriter & MediaStoreReader & MediaStoreCleaner & ObjectWriter;

export interface MediaStoreHarness {
  readonly store: Store;
  /** The same store as another process sees it. */
  readonly otherStore: Store;
  close(): Promise<void>;
}

let streamCount = 0;
const newStreamId = () => `stream-${(streamCount += 1)}`;
const bytesOf = (text: string) => new TextEncoder().encode(text);
const signal = new AbortController().signal;
const position = (mediaSequenceNumber: number, partIndex = 0) => ({ mediaSequenceNumber, partIndex });

export function mediaStoreContract(makeHarness: () => Promise<MediaStoreHarness>): void {
  let harness: MediaStoreHarness;
  beforeAll(async () => {
    harness = await makeHarness();
  });
  afterAll(() => harness.close());

  test('what one stores, another reads; what nobody stored is undefined', async () => {
    const key = partKey(newStreamId(), 'video', position(7, 3));
    expect(await harness.otherStore.get(key, { signal })).toBeUndefined();
    expect(await harness.store.put(key, bytesOf('seven'), { signal })).toBe('stored');
    expect(Buffer.from((await harness.otherStore.get(key, { signal })) ?? [])).toEqual(Buffer.from('seven'));
  });

  test('a key keeps its first content for ever: the second writer is told so', async () => {
    const key = partKey(newStreamId(), 'video', position(7));
    await harness.store.put(key, bytesOf('first'), { signal });
    expect(await harness.otherStore.put(key, bytesOf('second'), { signal })).toBe('exists');
    expect(await harness.store.put(key, bytesOf('third'), { signal })).toBe('exists');
    expect(Buffer.from((await harness.store.get(key, { signal })) ?? []).toString()).toBe('first');
  });

  test('of many writers of one key at once exactly one wins, and its bytes are there whole', async () => {
    const key = initKey(newStreamId(), 'video');
    const contents = Array.from({ length: 12 }, (_, writer) => new Uint8Array(40_000).fill(writer));
    const outcomes = await Promise.all(
      contents.map((bytes, writer) =>
        (writer % 2 ? harness.store : harness.otherStore).put(key, bytes, { signal }),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(1);
    const there = (await harness.store.get(key, { signal })) ?? new Uint8Array();
    expect(Buffer.compare(there, contents[outcomes.indexOf('stored')] ?? new Uint8Array())).toBe(0);
  });

  test('a reader sees an object whole or not at all while it is written', async () => {
    const streamId = newStreamId();
    const bytes = new Uint8Array(500_000).fill(1);
    for (let partIndex = 0; partIndex < 5; partIndex += 1) {
      const key = partKey(streamId, 'video', position(1, partIndex));
      const writing = { done: false };
      const put = harness.store.put(key, bytes, { signal }).finally(() => {
        writing.done = true;
      });
      while (!writing.done) {
        const seen = await harness.otherStore.get(key, { signal });
        expect([undefined, bytes.length]).toContain(seen?.length);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await put;
    }
  });

  test('the caller may use its buffer again after put', async () => {
    const key = partKey(newStreamId(), 'audio', position(1));
    const bytes = bytesOf('before');
    await harness.store.put(key, bytes, { signal });
    bytes.fill(0);
    expect(Buffer.from((await harness.store.get(key, { signal })) ?? []).toString()).toBe('before');
  });

  test('any bytes come back as they were, none at all included', async () => {
    const streamId = newStreamId();
    let count = 0;
    const property = fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), async (bytes) => {
      const key = partKey(streamId, 'video', position((count += 1)));
      await harness.store.put(key, bytes, { signal });
      const there = await harness.store.get(key, { signal });
      expect(
        createHash('sha256')
          .update(there ?? 'absent')
          .digest('hex'),
      ).toBe(createHash('sha256').update(bytes).digest('hex'));
    });
    await fc.assert(property, { numRuns: 25, examples: [[new Uint8Array()]] });
  });

  test('write replaces: a playlist that grows is always the last one', async () => {
    const key = `recordings/${newStreamId()}/index.m3u8`;
    const options = { contentType: 'application/vnd.apple.mpegurl', signal };
    for (const text of ['one', 'one two', 'one']) {
      await harness.store.write(key, bytesOf(text), options);
      expect(Buffer.from((await harness.otherStore.get(key, { signal })) ?? []).toString()).toBe(text);
    }
  });

  test('removePrefix takes a stream with everything in it, and not the one whose name only begins alike', async () => {
    const streamId = newStreamId();
    const { store, otherStore } = harness;
    const kept = partKey(`${streamId}0`, 'video', position(1));
    const recorded = `recordings/${streamId}/0.m4s`;
    await store.put(kept, bytesOf('kept'), { signal });
    await store.write(recorded, bytesOf('kept'), { contentType: 'video/mp4', signal });
    const keys = [initKey(streamId, 'video'), partKey(streamId, 'audio', position(1, 4))];
    for (const key of keys) await store.put(key, bytesOf('gone'), { signal });
    await otherStore.removePrefix(streamPrefix(streamId));
    await otherStore.removePrefix(streamPrefix(streamId));
    for (const key of keys) expect(await store.get(key, { signal })).toBeUndefined();
    for (const key of [kept, recorded]) expect(await store.get(key, { signal })).toBeDefined();
    expect(await store.put(keys[0] ?? '', bytesOf('anew'), { signal })).toBe('stored');
  });

  test.each(['', '/', 'a//b', '../secret', 'streams/../../secret', 'a/./b', 'a\\b', 'a\0b', 'a b', '/etc/x'])(
    'the key %j is refused as STORE_BAD_KEY',
    async (key) => {
      const refusal = { code: 'STORE_BAD_KEY', retryable: false };
      await expect(harness.store.put(key, bytesOf('x'), { signal })).rejects.toMatchObject(refusal);
      await expect(harness.store.get(key, { signal })).rejects.toMatchObject(refusal);
      await expect(harness.store.removePrefix(key)).rejects.toMatchObject(refusal);
    },
  );

  test('a call whose signal has aborted fails with its reason and leaves nothing behind', async () => {
    const key = partKey(newStreamId(), 'video', position(1));
    const reason = new Error('too late');
    const aborted = AbortSignal.abort(reason);
    await expect(harness.store.put(key, bytesOf('x'), { signal: aborted })).rejects.toBe(reason);
    await expect(harness.store.get(key, { signal: aborted })).rejects.toBe(reason);
    expect(await harness.store.get(key, { signal })).toBeUndefined();
  });
}
