/** A runner's statuses as metrics: what happened since the last line, and what is so now. */
import { embeddedMetricLine } from '../domain/embedded-metric.ts';
import type { RunnerCounters, RunnerStatus } from '../domain/stream.ts';

/** Those that go down as well as up; the others only grow. */
const GAUGES: ReadonlySet<string> = new Set<keyof RunnerCounters>([
  'ingestBitrateBps',
  'partLatencyMs',
  'putLatencyMs',
]);

/**
 * One line of the embedded metric format for a stream, each value once over all streams of the environment and
 * once for this stream. CloudWatch sums what it is told, so counters are given as what was added.
 *
 * @param previous the status of the line before; absent for the first.
 */
export function statusMetricsLine(
  status: RunnerStatus,
  previous: RunnerStatus | undefined,
  environment: string,
): string {
  const before = new Map(Object.entries({ ...previous?.counters }));
  const values: Record<string, number> = {
    live: status.state === 'live' ? 1 : 0,
    interrupted: status.state === 'interrupted' ? 1 : 0,
    onGpu: status.hardware === 'nvidia' ? 1 : 0,
  };
  for (const [name, value] of Object.entries({ ...status.counters })) {
    values[name] = GAUGES.has(name) ? value : value - (before.get(name) ?? 0);
  }
  return embeddedMetricLine(
    {
      namespace: 'mirror/runner',
      dimensions: { environment, stream: status.streamId },
      dimensionSets: [['environment'], ['environment', 'stream']],
      values,
    },
    status.atMs,
  );
}
