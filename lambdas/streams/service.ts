/** Streams as operators see them: create, list, show, delete. Start and stop are in lifecycle.ts. */
import type { CreateStreamRequest, ListedStream, StreamDetail } from '../../domain/control/api.ts';
import type { CallAddressRules } from '../../domain/control/call-address.ts';
import { controlErrors } from '../../domain/control/errors.ts';
import { newStreamId, type Randomness } from '../../domain/control/ids.ts';
import type { CreateIngest, StreamIngest } from '../../domain/control/ingest-request.ts';
import type { IngestSlot } from '../../domain/control/ingest-slot.ts';
import { runnerSpecOf } from '../../domain/control/launch.ts';
import { CONTROL_LIMITS } from '../../domain/control/limits.ts';
import type { RunnerStatusRegistry, StreamRegistry } from '../../domain/control/registry.ts';
import { callerSecretName, type SecretStore } from '../../domain/control/secrets.ts';
import { isRunning, type StreamRecord, stateOf } from '../../domain/control/stream-record.ts';
import type { LiveEdgeWriter } from '../../domain/live-edge.ts';
import type { Clock } from '../../domain/timeline.ts';
import { checkedCallAddress, type ResolveHost } from './call-address.ts';
import { listedStream, publicStreamView, streamDetail } from './views.ts';

export interface StreamServiceDependencies {
  readonly registry: StreamRegistry & RunnerStatusRegistry;
  readonly secrets: Pick<SecretStore, 'put' | 'remove'>;
  readonly liveEdge: Pick<LiveEdgeWriter, 'remove'>;
  readonly slots: readonly IngestSlot[];
  readonly rules: CallAddressRules;
  readonly resolveHost: ResolveHost;
  readonly clock: Clock;
  readonly randomness: Randomness;
}

export interface StreamPage {
  readonly streams: readonly ListedStream[];
  readonly nextCursor?: string;
}

export class StreamService {
  readonly #dependencies: StreamServiceDependencies;

  constructor(dependencies: StreamServiceDependencies) {
    this.#dependencies = dependencies;
  }

  async create(request: CreateStreamRequest): Promise<StreamDetail> {
    const { registry, secrets, slots, clock, randomness } = this.#dependencies;
    const { ingest, passphrase } = withoutPassphrase(request.ingest);
    await checkedCallAddress(ingest, this.#dependencies);
    const id = request.id ?? newStreamId(randomness);
    const nowMs = clock.nowMs();
    const record: StreamRecord = {
      id,
      name: request.name,
      access: request.access,
      ingest,
      frameRate: request.frameRate,
      hardware: request.hardware,
      record: request.record,
      signalLoss: request.signalLoss,
      createdAtMs: nowMs,
      history: [{ state: 'created', atMs: nowMs }],
      ...(passphrase === undefined ? {} : { callerSecretId: callerSecretName(id) }),
    };
    // An ingest that no start could take is refused here, where its author still looks.
    if (slots[0]) runnerSpecOf(record, slots[0]);
    const outcome = await registry.createStream(record, {
      recordCountMax: CONTROL_LIMITS.streamRecordCountMax,
    });
    if (outcome === 'exists') throw controlErrors.create('STREAM_EXISTS', `Its id is "${id}".`);
    if (outcome === 'limit')
      throw controlErrors.create('STREAM_LIMIT', `There are ${CONTROL_LIMITS.streamRecordCountMax}.`);
    if (record.callerSecretId !== undefined && passphrase !== undefined)
      await this.#storeCallerSecret(id, record.callerSecretId, passphrase, secrets);
    return streamDetail(record, slots);
  }

  /** The record comes first, because its id must be ours before a secret is written under it. */
  async #storeCallerSecret(
    id: string,
    name: string,
    passphrase: string,
    secrets: Pick<SecretStore, 'put'>,
  ): Promise<void> {
    try {
      await secrets.put(name, passphrase);
    } catch (error) {
      await this.#dependencies.registry.removeStream(id, 1);
      throw error;
    }
  }

  async list({
    limit,
    cursor,
    include,
  }: {
    limit?: number | undefined;
    cursor?: string | undefined;
    include?: 'runner' | undefined;
  }): Promise<StreamPage> {
    const { registry, slots } = this.#dependencies;
    const { records, nextCursor } = await this.#page(limit, cursor);
    const statuses = await Promise.all(
      records.map(async ({ id, run }) => (include === 'runner' && run ? registry.getStatus(id) : undefined)),
    );
    return {
      streams: records.map((record, index) => listedStream(record, slots, statuses[index])),
      ...(nextCursor === undefined ? {} : { nextCursor }),
    };
  }

  /** The open streams, as anybody may see them. A page may hold fewer than `limit`, or none, and not be the last. */
  async listPublic({
    limit,
    cursor,
  }: {
    limit?: number | undefined;
    cursor?: string | undefined;
  }): Promise<StreamPage> {
    const { records, nextCursor } = await this.#page(limit, cursor);
    return {
      streams: records.filter(({ access }) => access === 'open').map(publicStreamView),
      ...(nextCursor === undefined ? {} : { nextCursor }),
    };
  }

  async #page(
    limit: number = CONTROL_LIMITS.pageSizeDefault,
    cursor?: string,
  ): Promise<{ records: StreamRecord[]; nextCursor?: string }> {
    const afterId = cursor === undefined ? undefined : idOfCursor(cursor);
    const found = await this.#dependencies.registry.listStreams({
      ...(afterId === undefined ? {} : { afterId }),
      countMax: limit + 1,
    });
    const records = found.slice(0, limit).map(({ record }) => record);
    const last = records.at(-1);
    return found.length > limit && last ? { records, nextCursor: cursorOfId(last.id) } : { records };
  }

  async show(streamId: string): Promise<StreamDetail> {
    const { registry, slots } = this.#dependencies;
    const [found, status] = await Promise.all([registry.getStream(streamId), registry.getStatus(streamId)]);
    if (!found) throw controlErrors.create('STREAM_NOT_FOUND', `Its id would be "${streamId}".`);
    return streamDetail(found.record, slots, found.record.run ? status : undefined);
  }

  async remove(streamId: string): Promise<void> {
    const { registry, secrets, liveEdge, clock } = this.#dependencies;
    const found = await registry.getStream(streamId);
    if (!found) throw controlErrors.create('STREAM_NOT_FOUND', `Its id would be "${streamId}".`);
    const { record, revision } = found;
    const { state } = stateOf(record);
    if (record.operation && record.operation.expiresAtMs > clock.nowMs())
      throw controlErrors.create('STREAM_BUSY', `A ${record.operation.kind} is in progress.`);
    if (isRunning(state) || state === 'stopping' || record.run || record.operation)
      throw controlErrors.create('STREAM_RUNNING', `Its state is "${state}".`);
    if ((await registry.removeStream(streamId, revision)) === 'conflict')
      throw controlErrors.create('STREAM_BUSY', 'It was changed at the same moment.');
    // After the record: what is left over of a deletion that fails here is never used again.
    await Promise.all([
      record.callerSecretId === undefined ? undefined : secrets.remove(record.callerSecretId),
      liveEdge.remove(streamId),
    ]);
  }
}

function withoutPassphrase(ingest: CreateIngest): { ingest: StreamIngest; passphrase?: string } {
  if (ingest.protocol !== 'srt-caller' || ingest.passphrase === undefined) return { ingest };
  const { passphrase, ...rest } = ingest;
  return { ingest: rest, passphrase };
}

/** Cursors are opaque to clients, so that what they hold may change. */
function cursorOfId(id: string): string {
  return Buffer.from(id, 'utf8').toString('base64url');
}

function idOfCursor(cursor: string): string {
  return Buffer.from(cursor, 'base64url').toString('utf8');
}
