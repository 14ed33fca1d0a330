import { expect, test } from 'vitest';
import type { RunnerCounters, RunnerStatus } from '../../../domain/stream.ts';
import { statusMetricsLine } from '../../../gpu-runner/status-metrics.ts';

const counters: RunnerCounters = {
  ingestBitrateBps: 5_000_000,
  ingestByteCount: 1_000,
  continuityErrorCount: 2,
  rejectedConnectionCount: 0,
  connectionCount: 1,
  decodeErrorCount: 0,
  repeatedFrameCount: 10,
  droppedFrameCount: 0,
  timestampJumpCount: 0,
  publishedPartCount: 20,
  gapCount: 0,
  storeErrorCount: 0,
  partLatencyMs: 7.5,
};
const status = (
  changed: Partial<RunnerCounters> = {},
  state: RunnerStatus['state'] = 'live',
): RunnerStatus => ({
  streamId: 'cam-1',
  state,
  atMs: 1_795_000_000_000.4,
  hardware: 'nvidia',
  counters: { ...counters, ...changed },
});
const parsed = (line: string): Record<string, unknown> => JSON.parse(line) as Record<string, unknown>;

test('counters are told as what was added since the line before, gauges as they are', () => {
  const line = statusMetricsLine(status({ repeatedFrameCount: 13, partLatencyMs: 9 }), status(), 'prod');
  expect(parsed(line)).toMatchObject({
    repeatedFrameCount: 3,
    continuityErrorCount: 0,
    partLatencyMs: 9,
    ingestBitrateBps: 5_000_000,
  });
});

test('the first line tells everything so far', () => {
  expect(parsed(statusMetricsLine(status(), undefined, 'prod'))).toMatchObject({ continuityErrorCount: 2 });
});

test('each value is there once for the environment and once for the stream', () => {
  const line = parsed(statusMetricsLine(status({}, 'interrupted'), undefined, 'prod'));
  expect(line).toMatchObject({ environment: 'prod', stream: 'cam-1', live: 0, interrupted: 1, onGpu: 1 });
  expect(line['_aws']).toMatchObject({
    Timestamp: 1_795_000_000_000,
    CloudWatchMetrics: [
      { Namespace: 'mirror/runner', Dimensions: [['environment'], ['environment', 'stream']] },
    ],
  });
});

test('units follow from the names', () => {
  const { CloudWatchMetrics } = parsed(statusMetricsLine(status(), undefined, 'prod'))['_aws'] as {
    CloudWatchMetrics: { Metrics: { Name: string; Unit: string }[] }[];
  };
  const units = new Map(CloudWatchMetrics[0]?.Metrics.map(({ Name, Unit }) => [Name, Unit]));
  expect(units.get('partLatencyMs')).toBe('Milliseconds');
  expect(units.get('ingestBitrateBps')).toBe('Bits/Second');
  expect(units.get('ingestByteCount')).toBe('Bytes');
  expect(units.get('gapCount')).toBe('Count');
});

test('a line is one line', () => {
  expect(statusMetricsLine(status(), undefined, 'prod').match(/\n/g)).toHaveLength(1);
});
