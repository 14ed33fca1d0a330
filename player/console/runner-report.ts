/** A runner's report as the API hands it on: everything in it may be missing, since runners of other versions report too. */
import type { RunnerCounters, SourceStatus } from '../../domain/stream.ts';

export interface RunnerReport {
  readonly hardware: string | undefined;
  readonly reportedAtMs: number;
  readonly source: SourceStatus | undefined;
  readonly counters: Partial<RunnerCounters>;
}

export function runnerReport(
  report: Readonly<Record<string, unknown>> | undefined,
): RunnerReport | undefined {
  if (!report) return undefined;
  const { hardware, reportedAt, source, counters } = report;
  const numbers = Object.entries(isRecord(counters) ? counters : {}).filter(
    ([, value]) => typeof value === 'number',
  );
  return {
    hardware: typeof hardware === 'string' ? hardware : undefined,
    reportedAtMs: typeof reportedAt === 'string' ? Date.parse(reportedAt) : Number.NaN,
    source: isRecord(source) ? source : undefined,
    counters: Object.fromEntries(numbers),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
