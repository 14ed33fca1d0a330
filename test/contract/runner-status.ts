/** The report of a runner to which nothing has happened yet, for tests that care about a few of its fields. */
import type { RunnerCounters, RunnerStatus } from '../../domain/stream.ts';

const NOTHING_COUNTED: RunnerCounters = {
  ingestBitrateBps: 0,
  ingestByteCount: 0,
  continuityErrorCount: 0,
  rejectedConnectionCount: 0,
  connectionCount: 0,
  decodeErrorCount: 0,
  repeatedFrameCount: 0,
  droppedFrameCount: 0,
  timestampJumpCount: 0,
  publishedPartCount: 0,
  gapCount: 0,
  storeErrorCount: 0,
  partLatencyMs: 0,
};

export type StatusChanges = Partial<Omit<RunnerStatus, 'counters'>> & {
  readonly counters?: Partial<RunnerCounters>;
};

export function runnerStatus(streamId: string, { counters, ...changes }: StatusChanges = {}): RunnerStatus {
  return {
    streamId,
    state: 'waiting',
    atMs: Date.UTC(2026, 5, 1),
    hardware: 'cpu',
    ...changes,
    counters: { ...NOTHING_COUNTED, ...counters },
  };
}
