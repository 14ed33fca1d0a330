/**
 * Compares what the registry says with what the launcher runs, and heals each difference: a lost record is
 * restored from the runner's tags, a runner that nobody wants is stopped, a stream whose runner is gone is
 * failed, a stop that was never finished is finished, and slots that nobody holds are freed. It changes
 * nothing that is younger than the time by which both sides must agree.
 */
import type { LaunchedRunner, Launcher } from '../../domain/control/launcher.ts';
import type { SlotRegistry, StreamRegistry } from '../../domain/control/registry.ts';
import { isRunning, type StreamRecord, stateOf, withState } from '../../domain/control/stream-record.ts';
import { messageOf } from '../../domain/errors.ts';
import type { Log } from '../../domain/log.ts';
import type { Clock } from '../../domain/timeline.ts';
import type { StreamLifecycle } from '../streams/lifecycle.ts';

export interface ReconcilerDependencies {
  readonly registry: StreamRegistry & SlotRegistry;
  readonly launcher: Pick<Launcher, 'list' | 'stop'>;
  readonly lifecycle: Pick<StreamLifecycle, 'abandon' | 'finishStop' | 'stop'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** What one round healed, for its metrics. */
export interface ReconcilerReport {
  readonly restored: string[];
  readonly orphansStopped: string[];
  readonly failed: string[];
  readonly stopsFinished: string[];
  readonly slotsFreed: number[];
  /** Differences that could not be healed this time. */
  readonly troubles: string[];
}

/** Both sides need time to agree: a start writes the record first, ECS lists a service seconds later. */
export const SETTLE_MS = 60_000;
const PAGE_SIZE = 100;
/** More than the records that are kept. */
const PAGE_COUNT_MAX = 20;

export class Reconciler {
  readonly #dependencies: ReconcilerDependencies;

  constructor(dependencies: ReconcilerDependencies) {
    this.#dependencies = dependencies;
  }

  async reconcile(): Promise<ReconcilerReport> {
    const report: ReconcilerReport = {
      restored: [],
      orphansStopped: [],
      failed: [],
      stopsFinished: [],
      slotsFreed: [],
      troubles: [],
    };
    const runners = await this.#dependencies.launcher.list();
    await this.#restoreLost(runners, report);
    const records = await this.#records();
    for (const runner of runners)
      await this.#heal(runner.streamId, report, () => this.#stopOrphan(runner, records, report));
    for (const record of records.values())
      await this.#heal(record.id, report, () => this.#healRecord(record, runners, report));
    await this.#freeSlots(report);
    return report;
  }

  /** First of all, since a lost registry would make every runner look like an orphan. */
  async #restoreLost(runners: readonly LaunchedRunner[], report: ReconcilerReport): Promise<void> {
    const { registry, clock, log } = this.#dependencies;
    for (const { streamId, startId, slotIndex, state, record } of runners) {
      if (state !== 'active' || !record || record.run?.startId !== startId) continue;
      await this.#heal(streamId, report, async () => {
        const restored =
          withState(record, {
            state: 'starting',
            atMs: clock.nowMs(),
            reason: 'The record was lost, and restored from what runs.',
          }) ?? record;
        if ((await registry.restoreStream(restored)) !== 'restored') return;
        report.restored.push(streamId);
        log.warn('record-restored', { streamId });
        if (
          slotIndex !== undefined &&
          (await registry.claimSlot({ slotIndex, streamId, startId })) === 'taken'
        )
          throw new Error(`slot ${slotIndex} is held by another stream`);
      });
    }
  }

  /** A runner that its stream's record does not name: of an earlier start, or of a stream that was deleted. */
  async #stopOrphan(
    runner: LaunchedRunner,
    records: ReadonlyMap<string, StreamRecord>,
    report: ReconcilerReport,
  ): Promise<void> {
    if (runner.state !== 'active') return;
    const record = records.get(runner.streamId);
    if (record?.run?.startId === runner.startId) return;
    // A start in progress has its runner before its record says so; dead ones are met by the next round.
    if (record?.operation && record.operation.expiresAtMs > this.#dependencies.clock.nowMs()) return;
    await this.#dependencies.launcher.stop(runner);
    report.orphansStopped.push(runner.streamId);
    this.#dependencies.log.warn('orphan-stopped', { streamId: runner.streamId, startId: runner.startId });
  }

  async #healRecord(
    record: StreamRecord,
    runners: readonly LaunchedRunner[],
    report: ReconcilerReport,
  ): Promise<void> {
    const { clock, lifecycle, launcher, log } = this.#dependencies;
    const nowMs = clock.nowMs();
    const { operation, run } = record;
    const { state, atMs } = stateOf(record);
    if (operation) {
      // Its caller died half-way. A stop cleans up after it, whichever of the two it was.
      if (operation.expiresAtMs <= nowMs) {
        await lifecycle.stop(record.id);
        report.stopsFinished.push(record.id);
      }
      return;
    }
    if (state === 'stopping') {
      const gone = !run || (await launcher.stop({ streamId: record.id, startId: run.startId })) === 'stopped';
      if (!gone) return;
      await lifecycle.finishStop(record);
      report.stopsFinished.push(record.id);
      return;
    }
    if (!isRunning(state) || nowMs - Math.max(atMs, run?.startedAtMs ?? 0) < SETTLE_MS) return;
    if (runners.some(({ streamId, startId }) => streamId === record.id && startId === run?.startId)) return;
    if ((await lifecycle.abandon(record, 'Its runner is gone. Start it again.')) === 'unchanged') return;
    report.failed.push(record.id);
    log.error('runner-gone', { streamId: record.id });
  }

  /** Slots whose stream does not know of them: a caller died between the slot and the record. */
  async #freeSlots(report: ReconcilerReport): Promise<void> {
    const { registry, clock } = this.#dependencies;
    for (const holder of await registry.listSlots()) {
      await this.#heal(holder.streamId, report, async () => {
        const record = (await registry.getStream(holder.streamId))?.record;
        if (record?.run?.startId === holder.startId) return;
        if (record?.operation && record.operation.expiresAtMs > clock.nowMs()) return;
        if ((await registry.releaseSlot(holder)) === 'released') report.slotsFreed.push(holder.slotIndex);
      });
    }
  }

  async #records(): Promise<Map<string, StreamRecord>> {
    const records = new Map<string, StreamRecord>();
    let afterId: string | undefined;
    for (let page = 0; page < PAGE_COUNT_MAX; page++) {
      const found = await this.#dependencies.registry.listStreams({
        ...(afterId === undefined ? {} : { afterId }),
        countMax: PAGE_SIZE,
      });
      for (const { record } of found) records.set(record.id, record);
      if (found.length < PAGE_SIZE) break;
      afterId = found.at(-1)?.record.id;
    }
    return records;
  }

  /** One stream's trouble does not keep the others from being healed. */
  async #heal(streamId: string, report: ReconcilerReport, step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      report.troubles.push(streamId);
      this.#dependencies.log.error('reconcile-failed', { streamId, error: messageOf(error) });
    }
  }
}
