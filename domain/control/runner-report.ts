/** What a runner's report makes of its stream's record. */
import type { RunnerStatus } from '../stream.ts';
import { isRunning, type StreamRecord, stateOf, withState } from './stream-record.ts';

/**
 * @returns the changed record, or undefined when the report changes nothing: the state is the same, the
 * stream is being stopped, or the report is from before this start.
 */
export function recordAfterReport(record: StreamRecord, status: RunnerStatus): StreamRecord | undefined {
  if (!record.run || status.atMs < record.run.startedAtMs) return undefined;
  const now = stateOf(record);
  if (!isRunning(now.state) && now.state !== 'failed') return undefined;
  // Reasons of a lasting state may count or name times; only a change of state is history.
  if (now.state === status.state) return undefined;
  return withState(record, { state: status.state, atMs: status.atMs, reason: status.reason });
}
