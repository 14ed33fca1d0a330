/** A runner's report as the API hands it on: everything in it may be missing, since runners of other versions report too. */
import type { RefusedFeed, RunnerCounters, SourceStatus } from '../../domain/stream.ts';

export interface RunnerReport {
  readonly hardware: string | undefined;
  readonly reportedAtMs: number;
  readonly source: SourceStatus | undefined;
  readonly refusedFeed: RefusedFeed | undefined;
  readonly counters: Partial<RunnerCounters>;
}

export function runnerReport(
  report: Readonly<Record<string, unknown>> | undefined,
): RunnerReport | undefined {
  if (!report) return undefined;
  const { hardware, reportedAt, source, refusedFeed, counters } = report;
  const numbers = Object.entries(isRecord(counters) ? counters : {}).filter(
    ([, value]) => typeof value === 'number',
  );
  return {
    hardware: typeof hardware === 'string' ? hardware : undefined,
    reportedAtMs: typeof reportedAt === 'string' ? Date.parse(reportedAt) : Number.NaN,
    source: isRecord(source) ? source : undefined,
    refusedFeed: refusedFeedOf(refusedFeed),
    counters: Object.fromEntries(numbers),
  };
}

function refusedFeedOf(value: unknown): RefusedFeed | undefined {
  if (!isRecord(value)) return undefined;
  const { atMs, reason, remedy } = value;
  if (typeof atMs !== 'number' || typeof reason !== 'string' || typeof remedy !== 'string') return undefined;
  return { atMs, reason, remedy };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
