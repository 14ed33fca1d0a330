import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryMediaStore } from '../../../adapters/media-store-memory.ts';
import { initKey, partKey } from '../../../domain/media-store.ts';
import { SEED_PROFILE } from '../../../domain/profile.ts';
import {
  partAt,
  partFromOrdinal,
  partOrdinal,
  partStartMs,
  segmentStartMs,
} from '../../../domain/timeline.ts';
import { EARLIER_LIFE_LIMITS, findEarlierLife } from '../../../gpu-runner/publish/earlier-life.ts';

const STREAM = 'cam-1';
const SEGMENT = 55_000_000;
/** In the middle of a segment, after which everything below is counted. */
const NOW_MS = segmentStartMs(SEGMENT, SEED_PROFILE) + 230;
const signal = new AbortController().signal;

/** A store with parts that end at these instants before now, oldest first; each part's byte is its index. */
async function storeWith(ordinals: readonly number[]): Promise<MemoryMediaStore> {
  const store = new MemoryMediaStore({ clock: { nowMs: () => NOW_MS }, retentionMs: 1_000_000 });
  await store.put(initKey(STREAM, 'video'), Uint8Array.of(255), { signal });
  for (const ordinal of ordinals) {
    const position = partFromOrdinal(ordinal, SEED_PROFILE);
    await store.put(partKey(STREAM, 'video', position), Uint8Array.of(position.partIndex), { signal });
  }
  return store;
}

const nowOrdinal = partOrdinal(partAt(NOW_MS, SEED_PROFILE), SEED_PROFILE);

/** Ordinals of parts from so long ago until so long ago, in ms before now; the last has ended by then. */
function partsBetween(fromMs: number, untilMs: number): number[] {
  const first = partOrdinal(partAt(NOW_MS - fromMs, SEED_PROFILE), SEED_PROFILE);
  const last = partOrdinal(partAt(NOW_MS - untilMs, SEED_PROFILE), SEED_PROFILE) - 1;
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
}

interface Look {
  readonly store: MemoryMediaStore;
  readonly startedAtMs?: number;
  readonly onSleep?: (nowMs: number) => Promise<void>;
}

async function look({ store, startedAtMs = 0, onSleep }: Look) {
  let nowMs = NOW_MS;
  const found = await findEarlierLife({
    streamId: STREAM,
    profile: SEED_PROFILE,
    store,
    clock: { nowMs: () => nowMs },
    startedAtMs,
    sleep: async (ms) => {
      nowMs += ms;
      await onSleep?.(nowMs);
    },
    signal,
  });
  return found && { silenceMs: nowMs - found.endedAtMs, bytes: [...found.video] };
}

describe('the earlier life of a stream', () => {
  test('is its init segment with all parts of its newest segment, and ended with the last of them', async () => {
    const newest = partOrdinal({ mediaSequenceNumber: SEGMENT - 4, partIndex: 2 }, SEED_PROFILE);
    const store = await storeWith(Array.from({ length: 20 }, (_, back) => newest - back));
    const endMs = partStartMs({ mediaSequenceNumber: SEGMENT - 4, partIndex: 3 }, SEED_PROFILE);
    expect(await look({ store })).toEqual({ silenceMs: NOW_MS - endMs, bytes: [255, 0, 1, 2] });
  });

  test('is found wherever in the time that is looked through it ended', async () => {
    const silences = fc.integer({ min: 700, max: EARLIER_LIFE_LIMITS.lookBackMs - 1_000 });
    await fc.assert(
      fc.asyncProperty(silences, async (agoMs) => {
        const store = await storeWith(partsBetween(agoMs + 600, agoMs));
        const found = await look({ store });
        expect(found?.silenceMs).toBeGreaterThanOrEqual(agoMs);
        expect(found?.silenceMs).toBeLessThan(agoMs + SEED_PROFILE.partMs + 1);
      }),
      { numRuns: 60 },
    );
  });

  test('has no picture behind a part that was never stored', async () => {
    const first = partOrdinal({ mediaSequenceNumber: SEGMENT - 6, partIndex: 0 }, SEED_PROFILE);
    const store = await storeWith([first, first + 1, first + 3]);
    expect((await look({ store }))?.bytes).toEqual([255, 0, 1]);
  });

  test('is not there for a stream that never published, or not lately', async () => {
    expect(
      await look({ store: new MemoryMediaStore({ clock: { nowMs: () => NOW_MS }, retentionMs: 1_000_000 }) }),
    ).toBeUndefined();
    expect(await look({ store: await storeWith([]) })).toBeUndefined();
    const { lookBackMs } = EARLIER_LIFE_LIMITS;
    const old = await storeWith(partsBetween(lookBackMs + 2_000, lookBackMs + 1_000));
    expect(await look({ store: old })).toBeUndefined();
  });

  test('is not that of an earlier start, which the operator ended', async () => {
    const store = await storeWith(partsBetween(5_000, 3_000));
    expect(await look({ store, startedAtMs: NOW_MS - 2_000 })).toBeUndefined();
    expect(await look({ store, startedAtMs: NOW_MS - 10_000 })).toBeDefined();
  });

  test('is waited for while its newest part is young, and then taken', async () => {
    const store = await storeWith(partsBetween(2_000, 100));
    expect((await look({ store }))?.silenceMs).toBeGreaterThanOrEqual(EARLIER_LIFE_LIMITS.deadAfterMs);
  });

  test('is not taken from a runner that goes on publishing', async () => {
    const store = await storeWith(partsBetween(2_000, 100));
    let next = nowOrdinal - 1;
    const onSleep = async (nowMs: number) => {
      for (; partStartMs(partFromOrdinal(next + 1, SEED_PROFILE), SEED_PROFILE) <= nowMs; next++) {
        const position = partFromOrdinal(next, SEED_PROFILE);
        await store.put(partKey(STREAM, 'video', position), Uint8Array.of(position.partIndex), { signal });
      }
    };
    expect(await look({ store, onSleep })).toBeUndefined();
  });
});
