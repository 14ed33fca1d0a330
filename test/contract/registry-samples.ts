/** What every registry must do with the samples of a stream's last hour. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Registry } from '../../domain/control/registry.ts';
import type { StreamSample } from '../../domain/control/stream-sample.ts';
import { type RegistryHarness, streamRecord } from './registry.ts';

const NOW_MS = Date.UTC(2026, 5, 1);

export function streamSample(atMs: number): StreamSample {
  return {
    atMs,
    state: 'live',
    ingestBitrateBps: 4_200_000,
    partLatencyMs: 7.5,
    continuityErrorCount: 1,
    decodeErrorCount: 2,
    repeatedFrameCount: 3,
    droppedFrameCount: 4,
    timestampJumpCount: 5,
    publishedPartCount: 100,
    gapCount: 6,
    storeErrorCount: 7,
    connectionCount: 1,
    rejectedConnectionCount: 0,
  };
}

export function sampleContract(makeHarness: () => Promise<RegistryHarness>): void {
  let harness: RegistryHarness;
  beforeAll(async () => {
    harness = await makeHarness();
  });
  afterAll(() => harness.close());

  describe('samples', () => {
    const KEEP = { countMax: 3, ttlMs: 60_000 };
    const times = async (registry: Registry) => (await registry.listSamples('a')).map(({ atMs }) => atMs);

    test('come back as they were put in, oldest first, and no more than are to be kept', async () => {
      const [registry, other] = await harness.open(2);
      expect(await registry.listSamples('a')).toEqual([]);
      for (const index of [1, 2, 3, 4, 5])
        expect(await registry.appendSample('a', streamSample(NOW_MS + index * 10_000), KEEP)).toBe(
          'appended',
        );
      expect(await other?.listSamples('a')).toEqual([3, 4, 5].map((i) => streamSample(NOW_MS + i * 10_000)));
      expect(await registry.listSamples('b')).toEqual([]);
    });

    test('that are not later than the newest are left out, whoever reports them', async () => {
      const doors = await harness.open(3);
      const sample = streamSample(NOW_MS + 10_000);
      const outcomes = await Promise.all(doors.map((door) => door.appendSample('a', sample, KEEP)));
      expect(outcomes.sort()).toEqual(['appended', 'late', 'late']);
      expect(await doors[0].appendSample('a', streamSample(NOW_MS), KEEP)).toBe('late');
      expect(await times(doors[0])).toEqual([NOW_MS + 10_000]);
    });

    test('go with their stream', async () => {
      const [registry] = await harness.open(1);
      await registry.createStream(streamRecord('a'), { recordCountMax: 10 });
      await registry.appendSample('a', streamSample(NOW_MS), KEEP);
      await registry.removeStream('a', 1);
      expect(await registry.listSamples('a')).toEqual([]);
    });
  });
}
