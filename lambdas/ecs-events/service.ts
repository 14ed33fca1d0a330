/**
 * What ECS tells of its tasks, as states of streams. A runner that runs speaks for itself; ECS is heard about
 * those that cannot: that do not start, that ended, that found no host. Events may come twice, late, and in
 * any order, so each is held against the start that the record names and against the time of its state.
 */

import { updateRecord } from '../../domain/control/record-update.ts';
import type { StreamRegistry } from '../../domain/control/registry.ts';
import { type StartIds, startOfServiceName } from '../../domain/control/service-name.ts';
import { isRunning, type StreamRecord, stateOf, withState } from '../../domain/control/stream-record.ts';
import { reasonOfStoppedTask } from '../../domain/control/task-reasons.ts';
import type { Log } from '../../domain/log.ts';
import type { StreamLifecycle } from '../streams/lifecycle.ts';
import { type EcsEvent, serviceNameOfEvent } from './event.ts';

export interface EcsEventServiceDependencies {
  readonly registry: Pick<StreamRegistry, 'getStream' | 'replaceStream'>;
  readonly lifecycle: Pick<StreamLifecycle, 'finishStop'>;
  readonly environmentName: string;
  readonly log: Log;
}

export type EventOutcome = 'changed' | 'unchanged' | 'not-ours';

export class EcsEventService {
  readonly #dependencies: EcsEventServiceDependencies;

  constructor(dependencies: EcsEventServiceDependencies) {
    this.#dependencies = dependencies;
  }

  async handle(event: EcsEvent): Promise<EventOutcome> {
    const serviceName = serviceNameOfEvent(event);
    const start = serviceName && startOfServiceName(this.#dependencies.environmentName, serviceName);
    if (!start) return 'not-ours';
    const atMs = Date.parse(event.time);
    if (event['detail-type'] === 'ECS Task State Change') {
      if (event.detail.lastStatus !== 'STOPPED') return 'unchanged';
      return this.#taskStopped(start, atMs, reasonOfStoppedTask(event.detail));
    }
    const { eventName, reason } = event.detail;
    if (eventName === 'SERVICE_DEPLOYMENT_FAILED')
      return this.#change(
        start,
        atMs,
        'failed',
        'The runner failed to start again and again; ECS has given up.',
      );
    if (eventName === 'SERVICE_TASK_PLACEMENT_FAILURE' || eventName === 'SERVICE_TASK_START_IMPAIRED')
      return this.#change(
        start,
        atMs,
        'starting',
        reasonOfStoppedTask({ stoppedReason: reason ?? eventName, containers: [] }),
      );
    return 'unchanged';
  }

  /** A stopping stream's task has ended: the stop is complete. Any other's will be started again by ECS. */
  async #taskStopped(start: StartIds, atMs: number, reason: string): Promise<EventOutcome> {
    const found = await this.#dependencies.registry.getStream(start.streamId);
    if (found?.record.run?.startId !== start.startId) return 'unchanged';
    if (stateOf(found.record).state === 'stopping' && !found.record.operation) {
      await this.#dependencies.lifecycle.finishStop(found.record);
      return 'changed';
    }
    return this.#change(start, atMs, 'starting', reason);
  }

  async #change(
    { streamId, startId }: StartIds,
    atMs: number,
    state: 'starting' | 'failed',
    reason: string,
  ): Promise<EventOutcome> {
    const update = await updateRecord(this.#dependencies.registry, streamId, (record) =>
      record.run?.startId === startId && mayHear(record, atMs)
        ? withState(record, { state, atMs, reason })
        : undefined,
    );
    if (update.kind !== 'updated') return 'unchanged';
    this.#dependencies.log.warn('runner-task-trouble', { streamId, state, reason });
    return 'changed';
  }
}

/** An event from before the present state is old news: the runner has reported since. */
function mayHear(record: StreamRecord, atMs: number): boolean {
  const now = stateOf(record);
  return (isRunning(now.state) || now.state === 'failed') && atMs >= now.atMs;
}
