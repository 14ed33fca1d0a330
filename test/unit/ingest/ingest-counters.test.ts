import { expect, test } from 'vitest';
import { pause } from '../../../domain/pause.ts';
import { IngestCounters } from '../../../gpu-runner/ingest/ingest-counters.ts';
import { MAX_RETRY_MS, retryDelayMs } from '../../../gpu-runner/ingest/retry.ts';
import { FakeClock } from './fakes.ts';

test('the bitrate is that of the last second, and falls to 0 when nothing comes', () => {
  const clock = new FakeClock();
  const counters = new IngestCounters(clock);
  for (let ms = 0; ms < 3_000; ms += 10) {
    counters.addBytes(1_250);
    clock.advance(10);
  }
  expect(counters.values().ingestBitrateBps).toBeGreaterThan(900_000);
  expect(counters.values().ingestBitrateBps).toBeLessThan(1_100_000);
  expect(counters.values().ingestByteCount).toBe(300 * 1_250);
  clock.advance(1_100);
  expect(counters.values()).toMatchObject({ ingestBitrateBps: 0, ingestByteCount: 300 * 1_250 });
});

test('tries follow each other ever more slowly, up to a limit', () => {
  expect([1, 2, 3, 4, 5, 6, 100].map(retryDelayMs)).toEqual([
    100,
    200,
    400,
    800,
    1_600,
    MAX_RETRY_MS,
    MAX_RETRY_MS,
  ]);
});

test('an abort ends a pause at once, before it and within it', async () => {
  await pause(60_000, AbortSignal.abort());
  const stop = new AbortController();
  const paused = pause(60_000, stop.signal);
  stop.abort();
  await expect(paused).resolves.toBeUndefined();
});
