/** What a runner on this machine says and what becomes of its process, as states of its stream's record. */
import { CONTROL_LIMITS } from '../domain/control/limits.ts';
import { updateRecord } from '../domain/control/record-update.ts';
import type {
  RunnerStatusRegistry,
  StreamRegistry,
  StreamSampleRegistry,
} from '../domain/control/registry.ts';
import { recordAfterReport } from '../domain/control/runner-report.ts';
import { isRunning, type StreamRecord, stateOf, withState } from '../domain/control/stream-record.ts';
import { SAMPLE_LIMITS, SampleCollector } from '../domain/control/stream-sample.ts';
import { messageOf } from '../domain/errors.ts';
import type { Log } from '../domain/log.ts';
import type { RunnerStatus, StreamState } from '../domain/stream.ts';
import type { StreamStates } from './stream-runner.ts';

export interface RunnerStatesDependencies {
  readonly registry: StreamRegistry & RunnerStatusRegistry & StreamSampleRegistry;
  /** The start that this runner belongs to: of another one's record it changes nothing. */
  readonly startId: string;
  readonly nowMs: () => number;
  /** Told of each change of state, once. */
  readonly onState: (stream: { name: string; state: StreamState; reason?: string }) => void;
  readonly log: Log;
}

export class RunnerStates implements StreamStates {
  readonly #dependencies: RunnerStatesDependencies;
  readonly #samples = new SampleCollector();

  constructor(dependencies: RunnerStatesDependencies) {
    this.#dependencies = dependencies;
  }

  setState(id: string, state: StreamState, reason?: string): void {
    // Who stops a stream says so in its record; a platform that ends stops no stream.
    if (state === 'stopped') return;
    const { startId, nowMs } = this.#dependencies;
    void this.#change(id, (record) =>
      record.run?.startId === startId && isRunning(stateOf(record).state)
        ? withState(record, { state, atMs: nowMs(), reason })
        : undefined,
    );
  }

  report(status: RunnerStatus): void {
    void this.#change(status.streamId, (record) => recordAfterReport(record, status), status);
  }

  async #change(
    streamId: string,
    change: (record: StreamRecord) => StreamRecord | undefined,
    status?: RunnerStatus,
  ): Promise<void> {
    const { registry, onState, log } = this.#dependencies;
    const sample = status && this.#samples.take(status);
    try {
      if (sample) await registry.appendSample(streamId, sample, SAMPLE_LIMITS);
      if (status) await registry.putStatus(status, CONTROL_LIMITS.runnerStatusTtlMs);
      const update = await updateRecord(registry, streamId, change);
      if (update.kind !== 'updated') return;
      const { state, reason } = stateOf(update.record);
      onState({ name: update.record.name, state, ...(reason === undefined ? {} : { reason }) });
    } catch (error) {
      log.warn('state-not-kept', { streamId, error: messageOf(error) });
    }
  }
}
