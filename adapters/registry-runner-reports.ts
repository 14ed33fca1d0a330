/**
 * Takes runners' reports into the registry: the newest is kept for whoever looks, and a change of state becomes
 * the stream's, and every ten seconds of them a sample of its history. One object for one runner. Used by the runner itself where it has Redis, and by the parent of a forked one.
 */
import { CONTROL_LIMITS } from '../domain/control/limits.ts';
import { updateRecord } from '../domain/control/record-update.ts';
import type {
  RunnerStatusRegistry,
  StreamRegistry,
  StreamSampleRegistry,
} from '../domain/control/registry.ts';
import { recordAfterReport } from '../domain/control/runner-report.ts';
import { isRunning, stateOf } from '../domain/control/stream-record.ts';
import { SAMPLE_LIMITS, SampleCollector } from '../domain/control/stream-sample.ts';
import type { RunnerStatus } from '../domain/stream.ts';

export class RegistryRunnerReports {
  readonly #registry: StreamRegistry & RunnerStatusRegistry & StreamSampleRegistry;
  readonly #samples = new SampleCollector();

  constructor({ registry }: { registry: StreamRegistry & RunnerStatusRegistry & StreamSampleRegistry }) {
    this.#registry = registry;
  }

  /** @throws MirrorError `REGISTRY_*`; the next report, a second later, says the same again. */
  async report(status: RunnerStatus): Promise<void> {
    const sample = this.#samples.take(status);
    await this.#registry.putStatus(status, CONTROL_LIMITS.runnerStatusTtlMs);
    if (sample) await this.#registry.appendSample(status.streamId, sample, SAMPLE_LIMITS);
    await updateRecord(this.#registry, status.streamId, (record) => recordAfterReport(record, status));
  }

  /**
   * Asked by a runner that is told to end: only a stream whose operator stopped it ends its playlist.
   * A stream that is unknown was deleted, which comes after a stop.
   */
  async stoppedByOperator(streamId: string): Promise<boolean> {
    const found = await this.#registry.getStream(streamId);
    return !found || !isRunning(stateOf(found.record).state);
  }
}

/** For the origin: whether a stream may be watched without a signature. Unknown streams may not. */
export function openStreams(
  registry: Pick<StreamRegistry, 'getStream'>,
): (streamId: string) => Promise<boolean> {
  return async (streamId) => (await registry.getStream(streamId))?.record.access === 'open';
}
