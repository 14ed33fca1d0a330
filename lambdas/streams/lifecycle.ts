/**
 * Start and stop. Both are claimed in the record before anything else happens (`operation`), so that of any
 * number of callers one does the work and the others wait for it. An operation that outlives its lease died
 * half-way; whoever meets it next cleans up after it.
 */
import type { CallAddressRules } from '../../domain/control/call-address.ts';
import { controlErrors, NoFreeSlotError } from '../../domain/control/errors.ts';
import { newPassphrase, newStartId, type Randomness } from '../../domain/control/ids.ts';
import type { IngestSlot } from '../../domain/control/ingest-slot.ts';
import { type IngestTarget, ingestTargetOf, runnerSpecOf } from '../../domain/control/launch.ts';
import type { Launcher } from '../../domain/control/launcher.ts';
import { CONTROL_LIMITS } from '../../domain/control/limits.ts';
import { updateRecord } from '../../domain/control/record-update.ts';
import type { SlotRegistry, StreamRegistry } from '../../domain/control/registry.ts';
import { type SecretStore, startSecretName } from '../../domain/control/secrets.ts';
import {
  isRunning,
  type StreamRecord,
  type StreamRun,
  stateOf,
  type VersionedRecord,
  withState,
} from '../../domain/control/stream-record.ts';
import { MirrorError, messageOf } from '../../domain/errors.ts';
import type { LiveEdgeWriter } from '../../domain/live-edge.ts';
import type { Log } from '../../domain/log.ts';
import type { Clock } from '../../domain/timeline.ts';
import { checkedCallAddress, type ResolveHost } from './call-address.ts';

export interface StreamLifecycleDependencies {
  readonly registry: StreamRegistry & SlotRegistry;
  readonly launcher: Launcher;
  readonly secrets: SecretStore;
  readonly liveEdge: Pick<LiveEdgeWriter, 'end'>;
  readonly slots: readonly IngestSlot[];
  readonly rules: CallAddressRules;
  readonly resolveHost: ResolveHost;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly sleep: (ms: number) => Promise<void>;
  readonly log: Log;
}

export interface StartResult {
  readonly record: StreamRecord;
  readonly target?: IngestTarget;
}

interface UndoStep {
  readonly what: string;
  readonly step: () => Promise<unknown>;
}

/** Between two looks at an operation of somebody else. */
const JOIN_POLL_MS = 100;
/** Between two questions whether a runner has ended: each is a request to ECS. */
const DRAIN_POLL_MS = 1_000;

export class StreamLifecycle {
  readonly #dependencies: StreamLifecycleDependencies;

  constructor(dependencies: StreamLifecycleDependencies) {
    this.#dependencies = dependencies;
  }

  /** @throws MirrorError `CONTROL_*` */
  async start(streamId: string): Promise<StartResult> {
    const deadlineMs = this.#joinDeadlineMs();
    for (;;) {
      const current = await this.#settled(streamId, deadlineMs);
      const { record } = current;
      const { state } = stateOf(record);
      if (isRunning(state) && record.run) return this.#started(record, record.run);
      if (state === 'stopping') {
        await this.#drained(record, deadlineMs);
        continue;
      }
      if (record.run) {
        await this.stop(streamId);
        continue;
      }
      const startId = newStartId(this.#dependencies.randomness);
      const claimed = this.#claimed(record, { kind: 'start', id: startId });
      if (await this.#replaced(claimed, current.revision))
        return this.#launch({ original: record, claimed, revision: current.revision + 1, startId });
    }
  }

  /** @returns the record in `stopped`, or in `stopping` while the runner still drains. */
  async stop(streamId: string): Promise<StreamRecord> {
    const deadlineMs = this.#joinDeadlineMs();
    for (;;) {
      const current = await this.#settled(streamId, deadlineMs);
      const { record } = current;
      const { state } = stateOf(record);
      if (state === 'created' || state === 'stopped' || state === 'stopping') return record;
      const operationId = newStartId(this.#dependencies.randomness);
      const claimed = this.#claimed(record, { kind: 'stop', id: operationId });
      if (await this.#replaced(claimed, current.revision)) return this.#end(claimed, operationId);
    }
  }

  /** What is left to do once a stopping stream's runner is gone: the playlist ends, and all is given back. */
  async finishStop(record: StreamRecord, reason?: string): Promise<StreamRecord> {
    const { liveEdge, clock } = this.#dependencies;
    await liveEdge.end(record.id);
    if (record.run) await this.#giveBack(record.id, record.run);
    const update = await updateRecord(this.#dependencies.registry, record.id, (latest) => {
      if (stateOf(latest).state !== 'stopping' || latest.run?.startId !== record.run?.startId)
        return undefined;
      const { run: _run, operation: _operation, ...rest } = latest;
      return withState(rest, { state: 'stopped', atMs: clock.nowMs(), reason });
    });
    return 'record' in update ? update.record : record;
  }

  /** Fails a stream whose runner is gone, and gives back what it held, so that others can have it. */
  async abandon(record: StreamRecord, reason: string): Promise<'failed' | 'unchanged'> {
    const { registry, launcher, clock } = this.#dependencies;
    const { run } = record;
    if (run && (await launcher.stop({ streamId: record.id, startId: run.startId })) === 'draining')
      return 'unchanged';
    if (run) await this.#giveBack(record.id, run);
    const update = await updateRecord(registry, record.id, (latest) => {
      if (latest.run?.startId !== run?.startId || latest.operation || !isRunning(stateOf(latest).state))
        return undefined;
      const { run: _run, ...rest } = latest;
      return withState(rest, { state: 'failed', atMs: clock.nowMs(), reason });
    });
    return update.kind === 'updated' ? 'failed' : 'unchanged';
  }

  async #launch({
    original,
    claimed,
    revision,
    startId,
  }: {
    original: StreamRecord;
    claimed: StreamRecord;
    revision: number;
    startId: string;
  }): Promise<StartResult> {
    const { registry, launcher, secrets, slots, clock } = this.#dependencies;
    const { id: streamId } = original;
    const undo: UndoStep[] = [];
    let passphrase: string | undefined;
    try {
      const callAddress = await checkedCallAddress(original.ingest, this.#dependencies);
      const slotIndex = await this.#allottedSlot(streamId, startId);
      undo.push({ what: 'slot', step: () => registry.releaseSlot({ slotIndex, streamId, startId }) });
      const slot = slots[slotIndex];
      if (!slot) throw new RangeError(`slot ${slotIndex} is not configured`);
      const startedAtMs = clock.nowMs();
      const spec = { ...runnerSpecOf(original, slot, callAddress), startedAtMs };
      const secretName = startSecretName(streamId, startId);
      undo.push({ what: 'secret', step: () => secrets.remove(secretName) });
      const secret = await this.#passphraseFor(original, secretName);
      passphrase = secret?.value;
      const run: StreamRun = {
        startId,
        slotIndex,
        ...(secret ? { secretId: secret.name } : {}),
        startedAtMs,
      };
      const running: StreamRecord = { ...claimed, run };
      if (!(await this.#replaced(running, revision)))
        throw controlErrors.create('STREAM_BUSY', 'This start was taken over.');
      undo.push({ what: 'runner', step: () => launcher.stop({ streamId, startId }) });
      const { operation: _operation, ...record } = running;
      await launcher.start({
        record,
        startId,
        slotIndex,
        slot,
        spec,
        ...(secret ? { secret: { id: secret.reference, value: secret.value } } : {}),
      });
      const done = await updateRecord(registry, streamId, (latest) => withoutOperation(latest, startId));
      return startResult('record' in done ? done.record : record, slot, secret?.value);
    } catch (error) {
      throw await this.#rolledBack(original, startId, undo, withoutSecret(error, passphrase));
    }
  }

  async #allottedSlot(streamId: string, startId: string): Promise<number> {
    const { registry, slots } = this.#dependencies;
    const allotment = await registry.allotSlot({ streamId, startId }, slots.length);
    if (allotment.kind === 'allotted') return allotment.slotIndex;
    throw new NoFreeSlotError(allotment.holders);
  }

  /** A listener's passphrase is made per start, if it has one; a caller's was given at create. RTP has none. */
  async #passphraseFor(
    record: StreamRecord,
    secretName: string,
  ): Promise<{ name: string; reference: string; value: string } | undefined> {
    const { secrets, randomness } = this.#dependencies;
    if (record.ingest.protocol === 'srt-listener') {
      if (record.ingest.unencrypted) return undefined;
      const value = newPassphrase(randomness);
      return { name: secretName, value, ...(await secrets.put(secretName, value)) };
    }
    if (record.callerSecretId === undefined) return undefined;
    const value = await secrets.get(record.callerSecretId);
    if (value === undefined)
      throw new Error('The passphrase of its server is gone; delete the stream and create it again.');
    return { name: secretName, value, ...(await secrets.put(secretName, value)) };
  }

  /** Undoes what a start has done, newest first, each step even when another fails. */
  async #rolledBack(
    original: StreamRecord,
    startId: string,
    undo: readonly UndoStep[],
    error: unknown,
  ): Promise<MirrorError> {
    const { registry, log, clock } = this.#dependencies;
    let clean = true;
    for (const { what, step } of undo.toReversed()) {
      try {
        await step();
      } catch (undoError) {
        clean = false;
        log.error('start-rollback-failed', { streamId: original.id, what, error: messageOf(undoError) });
      }
    }
    // A refusal left no trace; the stream is as it was. A failure is history.
    const refused = error instanceof MirrorError && isRefusal(error);
    const reason = messageOf(error);
    await updateRecord(registry, original.id, (latest) => {
      if (latest.operation?.id !== startId) return undefined;
      if (refused && clean) return original;
      const { operation: _operation, run, ...rest } = latest;
      // A run that could not be given back stays in the record, so that a stop can try again.
      const kept = !clean && run ? { ...rest, run } : rest;
      return withState(kept, { state: 'failed', atMs: clock.nowMs(), reason });
    });
    if (refused) return error;
    log.error('start-failed', { streamId: original.id, error: reason });
    return controlErrors.create('LAUNCH_FAILED', reason, { cause: error });
  }

  async #end(claimed: StreamRecord, operationId: string): Promise<StreamRecord> {
    const { registry, launcher, log, clock } = this.#dependencies;
    const { id: streamId, run } = claimed;
    try {
      const outcome = run ? await launcher.stop({ streamId, startId: run.startId }) : 'stopped';
      if (outcome === 'stopped') return await this.finishStop(claimed);
      const update = await updateRecord(registry, streamId, (latest) =>
        withoutOperation(latest, operationId),
      );
      return 'record' in update ? update.record : claimed;
    } catch (error) {
      log.error('stop-failed', { streamId, error: messageOf(error) });
      await updateRecord(registry, streamId, (latest) => {
        const rest = withoutOperation(latest, operationId);
        return (
          rest &&
          withState(rest, { state: 'failed', atMs: clock.nowMs(), reason: `stop: ${messageOf(error)}` })
        );
      });
      throw controlErrors.create('UNAVAILABLE', 'The runner could not be stopped.', { cause: error });
    }
  }

  async #giveBack(streamId: string, run: StreamRun): Promise<void> {
    const { registry, secrets } = this.#dependencies;
    if (run.secretId !== undefined) await secrets.remove(run.secretId);
    await registry.releaseSlot({ streamId, startId: run.startId, slotIndex: run.slotIndex });
  }

  async #started(record: StreamRecord, run: StreamRun): Promise<StartResult> {
    const { secretId } = run;
    const passphrase =
      secretId === undefined
        ? undefined
        : await this.#reached('the passphrase', () => this.#dependencies.secrets.get(secretId));
    return startResult(record, this.#dependencies.slots[run.slotIndex], passphrase);
  }

  /** The record once no operation is in progress on it. */
  async #settled(streamId: string, deadlineMs: number): Promise<VersionedRecord> {
    const { registry, clock } = this.#dependencies;
    for (;;) {
      const current = await registry.getStream(streamId);
      if (!current) throw controlErrors.create('STREAM_NOT_FOUND', `Its id would be "${streamId}".`);
      const { operation } = current.record;
      if (!operation) return current;
      if (operation.expiresAtMs <= clock.nowMs()) await this.#cleanUpAfterDead(current);
      else await this.#waitOrBusy(deadlineMs, `A ${operation.kind} is in progress.`);
    }
  }

  /** Takes a dead operation over as a stop of our own, and gives back whatever it may have taken. */
  async #cleanUpAfterDead(current: VersionedRecord): Promise<void> {
    const { registry, launcher, secrets, log, clock, randomness } = this.#dependencies;
    const { record, revision } = current;
    const dead = record.operation;
    if (!dead) return;
    const operation = this.#operation({ kind: 'stop', id: newStartId(randomness) });
    if (!(await this.#replaced({ ...record, operation }, revision))) return;
    log.warn('operation-died', { streamId: record.id, kind: dead.kind, operationId: dead.id });
    if (dead.kind === 'stop') {
      await this.#end({ ...record, operation }, operation.id);
      return;
    }
    const startId = record.run?.startId ?? dead.id;
    await this.#reached('what a start that died has left', async () => {
      await launcher.stop({ streamId: record.id, startId });
      await secrets.remove(startSecretName(record.id, startId));
      for (const holder of await registry.listSlots())
        if (holder.streamId === record.id && holder.startId === startId) await registry.releaseSlot(holder);
    });
    await updateRecord(registry, record.id, (latest) => {
      const rest = withoutOperation(latest, operation.id);
      if (!rest) return undefined;
      const { run: _run, ...free } = rest;
      const reason = 'The start did not finish; what it had taken was given back.';
      return withState(free, { state: 'failed', atMs: clock.nowMs(), reason }) ?? free;
    });
  }

  /** Waits for the last runner to end, and does not rely on the event that says so. */
  async #drained(record: StreamRecord, deadlineMs: number): Promise<void> {
    const gone = await this.#reached('the runner of the last start', async () => {
      const { run } = record;
      const { launcher } = this.#dependencies;
      if (run && (await launcher.stop({ streamId: record.id, startId: run.startId })) === 'draining')
        return false;
      await this.finishStop(record);
      return true;
    });
    if (!gone)
      await this.#waitOrBusy(deadlineMs, 'The runner of the last start is still ending.', DRAIN_POLL_MS);
  }

  /** A service below us that fails is not our fault, and may work again in a moment. */
  async #reached<Value>(what: string, work: () => Promise<Value>): Promise<Value> {
    try {
      return await work();
    } catch (error) {
      this.#dependencies.log.error('service-below-failed', { what, error: messageOf(error) });
      throw controlErrors.create('UNAVAILABLE', `It concerns ${what}.`, { cause: error });
    }
  }

  async #waitOrBusy(deadlineMs: number, detail: string, pollMs = JOIN_POLL_MS): Promise<void> {
    if (this.#dependencies.clock.nowMs() >= deadlineMs) throw controlErrors.create('STREAM_BUSY', detail);
    await this.#dependencies.sleep(pollMs);
  }

  #joinDeadlineMs(): number {
    return this.#dependencies.clock.nowMs() + CONTROL_LIMITS.operationJoinMs;
  }

  #operation({ kind, id }: { kind: 'start' | 'stop'; id: string }): NonNullable<StreamRecord['operation']> {
    return { kind, id, expiresAtMs: this.#dependencies.clock.nowMs() + CONTROL_LIMITS.operationLeaseMs };
  }

  #claimed(record: StreamRecord, claim: { kind: 'start' | 'stop'; id: string }): StreamRecord {
    const state = claim.kind === 'start' ? 'starting' : 'stopping';
    const changed = withState(record, { state, atMs: this.#dependencies.clock.nowMs() });
    return { ...(changed ?? record), operation: this.#operation(claim) };
  }

  async #replaced(record: StreamRecord, expectedRevision: number): Promise<boolean> {
    return (await this.#dependencies.registry.replaceStream(record, expectedRevision)) === 'replaced';
  }
}

/** What went wrong below us may quote what it was given: a passphrase never becomes a reason or a log line. */
function withoutSecret(error: unknown, secret: string | undefined): unknown {
  if (secret === undefined || !messageOf(error).includes(secret)) return error;
  return new Error(messageOf(error).replaceAll(secret, '***'));
}

function withoutOperation(record: StreamRecord, operationId: string): StreamRecord | undefined {
  if (record.operation?.id !== operationId) return undefined;
  const { operation: _operation, ...rest } = record;
  return rest;
}

function startResult(record: StreamRecord, slot: IngestSlot | undefined, passphrase?: string): StartResult {
  const target = slot && ingestTargetOf(record, slot, passphrase);
  return target ? { record, target } : { record };
}

function isRefusal(error: MirrorError): boolean {
  return (['NO_FREE_SLOT', 'ADDRESS_REFUSED', 'INGEST_UNSUPPORTED', 'STREAM_BUSY'] as const).some((name) =>
    controlErrors.is(error, name),
  );
}
