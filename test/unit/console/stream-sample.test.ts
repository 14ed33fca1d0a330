import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SAMPLE_LIMITS, SAMPLED_COUNTERS, SampleCollector } from '../../../domain/control/stream-sample.ts';
import type { RunnerCounters, RunnerStatus } from '../../../domain/stream.ts';
import { runnerStatus } from '../../contract/runner-status.ts';

const START_MS = Date.UTC(2026, 5, 1);

function report(afterMs: number, counters: Partial<RunnerCounters> = {}): RunnerStatus {
  return runnerStatus('a', { state: 'live', atMs: START_MS + afterMs, counters });
}

describe('samples of a stream', () => {
  it('are made when their ten seconds are over, with mean, worst and increase', () => {
    const collector = new SampleCollector();
    expect(
      collector.take(report(1_000, { ingestBitrateBps: 100, partLatencyMs: 4, gapCount: 1 })),
    ).toBeUndefined();
    expect(
      collector.take(report(9_000, { ingestBitrateBps: 300, partLatencyMs: 9, gapCount: 3 })),
    ).toBeUndefined();
    expect(collector.take(report(10_000, { ingestBitrateBps: 900, gapCount: 8 }))).toMatchObject({
      atMs: START_MS + 10_000,
      state: 'live',
      ingestBitrateBps: 200,
      partLatencyMs: 9,
      gapCount: 3,
    });
    expect(collector.take(report(20_500, { gapCount: 8 }))).toMatchObject({
      atMs: START_MS + 20_000,
      ingestBitrateBps: 900,
      gapCount: 5,
    });
  });

  it('of a runner that was started again count from its new zero', () => {
    const collector = new SampleCollector();
    collector.take(report(1_000, { continuityErrorCount: 50 }));
    collector.take(report(5_000, { continuityErrorCount: 2 }));
    expect(collector.take(report(11_000))).toMatchObject({ continuityErrorCount: 52 });
  });

  it('leave out the time in which nobody reported', () => {
    const collector = new SampleCollector();
    collector.take(report(1_000));
    expect(collector.take(report(61_000))).toMatchObject({ atMs: START_MS + 10_000 });
    expect(collector.take(report(70_000))).toMatchObject({ atMs: START_MS + 70_000 });
  });

  it('add up to what the runner counted, however often it reports', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ waitMs: fc.integer({ min: 1, max: 15_000 }), more: fc.nat(9) }), {
          minLength: 1,
        }),
        (steps) => {
          const collector = new SampleCollector();
          let atMs = 0;
          let count = 0;
          const samples = [...steps, { waitMs: SAMPLE_LIMITS.intervalMs, more: 0 }].flatMap(
            ({ waitMs, more }) => {
              atMs += waitMs;
              count += more;
              const counters = Object.fromEntries(SAMPLED_COUNTERS.map((name) => [name, count]));
              return collector.take(report(atMs, counters)) ?? [];
            },
          );
          for (const name of SAMPLED_COUNTERS)
            expect(samples.reduce((sum, sample) => sum + sample[name], 0)).toBe(count);
          const times = samples.map((sample) => sample.atMs);
          expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
        },
      ),
    );
  });
});
