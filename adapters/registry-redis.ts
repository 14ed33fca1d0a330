/**
 * The registry in Redis, for any number of processes. Each method is one script, so it is atomic; each script
 * may run twice (a reply can be lost on the way and the command sent again) with the outcome of once.
 */

import type { Redis } from 'ioredis';
import * as z from 'zod';
import type {
  IdempotencyOutcome,
  Registry,
  SessionLimits,
  SessionOutcome,
  SlotAllotment,
  SlotHolder,
  ViewerCounts,
} from '../domain/control/registry.ts';
import { DELIVERY_MODES, type ViewerSession } from '../domain/control/session.ts';
import {
  type StreamRecord,
  streamRecordSchema,
  type VersionedRecord,
} from '../domain/control/stream-record.ts';
import { type StreamSample, streamSampleSchema } from '../domain/control/stream-sample.ts';
import type { DeliveryMode } from '../domain/delivery.ts';
import { MirrorError, messageOf } from '../domain/errors.ts';
import type { RunnerStatus } from '../domain/stream.ts';
import { registryErrors } from './errors.ts';
import { createRedis, type RedisConnectionOptions, type RedisScript } from './redis-connection.ts';
import * as scripts from './registry-redis-scripts.ts';

export interface RedisRegistryOptions extends RedisConnectionOptions {
  /** Before every key; environments that share a Redis have different ones. */
  readonly keyPrefix?: string;
}

const KEY_PREFIX_DEFAULT = 'mirror:control:';
const COMMAND_TIMEOUT_MS = 2_000;
/** A socket that died while its Lambda was frozen is noticed at the first command: that one is sent again. */
const RESEND_COUNT = 2;
/** Rounds of clearing away expired sessions, 100 each: more than there can be. */
const SWEEP_ROUND_COUNT_MAX = 200;

const textsSchema = z.array(z.string());
const sessionSchema = z.object({
  sessionId: z.string(),
  viewerId: z.string(),
  streamIds: z.array(z.string()),
  allowedStreamIds: z.union([z.literal('*'), z.array(z.string())]),
  delivery: z.enum(DELIVERY_MODES),
  createdAtMs: z.number(),
});
type StoredSession = z.output<typeof sessionSchema>;

export class RedisRegistry implements Registry {
  readonly #redis: Redis;
  readonly #prefix: string;

  constructor(options: RedisRegistryOptions) {
    this.#redis = createRedis({
      ...options,
      name: 'mirror-registry',
      timeoutMs: COMMAND_TIMEOUT_MS,
      resendCount: RESEND_COUNT,
    });
    this.#prefix = options.keyPrefix ?? KEY_PREFIX_DEFAULT;
  }

  async createStream(
    record: StreamRecord,
    { recordCountMax }: { recordCountMax: number },
  ): Promise<'created' | 'exists' | 'limit'> {
    return this.#word(
      scripts.CREATE_STREAM,
      [record.id, JSON.stringify(record), recordCountMax],
      ['created', 'exists', 'limit'],
    );
  }

  async getStream(streamId: string): Promise<VersionedRecord | undefined> {
    const [revision, json] = await this.#do(() =>
      this.#redis.hmget(this.#key('stream', streamId), 'rev', 'json'),
    );
    return revision == null || json == null ? undefined : versioned(revision, json);
  }

  async listStreams({
    afterId,
    countMax,
  }: {
    afterId?: string;
    countMax: number;
  }): Promise<readonly VersionedRecord[]> {
    const lowerEnd = afterId === undefined ? '-' : `(${afterId}`;
    const texts = await this.#texts(scripts.LIST_STREAMS, [lowerEnd, countMax]);
    return pairs(texts).map(([revision, json]) => versioned(revision, json));
  }

  async replaceStream(record: StreamRecord, expectedRevision: number): Promise<'replaced' | 'conflict'> {
    return this.#word(
      scripts.REPLACE_STREAM,
      [record.id, JSON.stringify(record), expectedRevision],
      ['replaced', 'conflict'],
    );
  }

  async removeStream(streamId: string, expectedRevision: number): Promise<'removed' | 'conflict'> {
    return this.#word(scripts.REMOVE_STREAM, [streamId, expectedRevision], ['removed', 'conflict']);
  }

  async restoreStream(record: StreamRecord): Promise<'restored' | 'exists'> {
    const outcome = await this.createStream(record, { recordCountMax: Number.MAX_SAFE_INTEGER });
    return outcome === 'created' ? 'restored' : 'exists';
  }

  async allotSlot(
    { streamId, startId }: { streamId: string; startId: string },
    slotCount: number,
  ): Promise<SlotAllotment> {
    const [index, ...holders] = await this.#texts(scripts.ALLOT_SLOT, [`${streamId} ${startId}`, slotCount]);
    return index === '-1'
      ? { kind: 'full', holders: slotHolders(holders) }
      : { kind: 'allotted', slotIndex: Number(index) };
  }

  async releaseSlot({ slotIndex, streamId, startId }: SlotHolder): Promise<'released' | 'not-held'> {
    return this.#word(scripts.RELEASE_SLOT, [slotIndex, `${streamId} ${startId}`], ['released', 'not-held']);
  }

  async claimSlot({ slotIndex, streamId, startId }: SlotHolder): Promise<'claimed' | 'taken'> {
    return this.#word(scripts.CLAIM_SLOT, [slotIndex, `${streamId} ${startId}`], ['claimed', 'taken']);
  }

  async listSlots(): Promise<readonly SlotHolder[]> {
    const slots = await this.#do(() => this.#redis.hgetall(`${this.#prefix}slots`));
    return slotHolders(Object.entries(slots).flat());
  }

  async putStatus(status: RunnerStatus, ttlMs: number): Promise<void> {
    await this.#do(() =>
      this.#redis.set(this.#key('status', status.streamId), JSON.stringify(status), 'PX', ttlMs),
    );
  }

  async getStatus(streamId: string): Promise<RunnerStatus | undefined> {
    const json = await this.#do(() => this.#redis.get(this.#key('status', streamId)));
    // Written by `putStatus` alone, and shown as it is.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return json === null ? undefined : (parsedJson(json) as RunnerStatus);
  }

  async appendSample(
    streamId: string,
    sample: StreamSample,
    { countMax, ttlMs }: { countMax: number; ttlMs: number },
  ): Promise<'appended' | 'late'> {
    const args = [streamId, sample.atMs, JSON.stringify(sample), countMax, ttlMs];
    return this.#word(scripts.APPEND_SAMPLE, args, ['appended', 'late']);
  }

  async listSamples(streamId: string): Promise<readonly StreamSample[]> {
    const entries = await this.#do(() => this.#redis.lrange(this.#key('samples', streamId), 0, -1));
    return entries.toReversed().map(parsedSample);
  }

  async openSession(
    session: Omit<ViewerSession, 'expiresAtMs'>,
    ticket: { readonly id: string; readonly expiresAtMs: number },
    nowMs: number,
    limits: SessionLimits,
  ): Promise<SessionOutcome> {
    const expiresAtMs = nowMs + limits.leaseMs;
    const json = JSON.stringify(stored(session));
    const args = [
      json,
      session.sessionId,
      session.viewerId,
      expiresAtMs,
      nowMs,
      ticket.id,
      Math.max(1, ticket.expiresAtMs - nowMs),
      limits.streamsPerViewer,
      limits.viewerCount,
    ];
    const [kind, inUse] = await this.#untilSwept(scripts.OPEN_SESSION, args);
    if (kind === 'ok') return { kind, session: { ...session, expiresAtMs } };
    return refusal(kind, inUse);
  }

  async getSession(sessionId: string, nowMs: number): Promise<ViewerSession | undefined> {
    const [json, expiresAt] = await this.#texts(scripts.GET_SESSION, [sessionId, nowMs]);
    return json === undefined ? undefined : { ...parsedSession(json), expiresAtMs: Number(expiresAt) };
  }

  async swapStreams(
    sessionId: string,
    streamIds: readonly string[],
    expectedStreamIds: readonly string[],
    nowMs: number,
    limits: SessionLimits,
    delivery?: DeliveryMode,
  ): Promise<SessionOutcome | { readonly kind: 'conflict' }> {
    const current = await this.getSession(sessionId, nowMs);
    if (!current) return { kind: 'not-found' };
    const expiresAtMs = nowMs + limits.leaseMs;
    const changed: ViewerSession = {
      ...current,
      streamIds: [...streamIds],
      delivery: delivery ?? current.delivery,
      expiresAtMs,
    };
    const [kind, inUse] = await this.#texts(scripts.SWAP_STREAMS, [
      sessionId,
      JSON.stringify(stored(changed)),
      expectedStreamIds.join(','),
      nowMs,
      expiresAtMs,
      limits.streamsPerViewer,
    ]);
    if (kind === 'ok') return { kind, session: changed };
    if (kind === 'conflict') return { kind };
    return refusal(kind, inUse);
  }

  async renewSession(sessionId: string, nowMs: number, limits: SessionLimits): Promise<SessionOutcome> {
    const expiresAtMs = nowMs + limits.leaseMs;
    const [json] = await this.#texts(scripts.RENEW_SESSION, [sessionId, nowMs, expiresAtMs]);
    return json === undefined
      ? { kind: 'not-found' }
      : { kind: 'ok', session: { ...parsedSession(json), expiresAtMs } };
  }

  async sessionsOfViewer(viewerId: string, nowMs: number): Promise<readonly ViewerSession[]> {
    return pairs(await this.#texts(scripts.LIST_SESSIONS, [viewerId, nowMs]))
      .map(([json, expiresAt]) => ({ ...parsedSession(json), expiresAtMs: Number(expiresAt) }))
      .sort((a, b) => a.createdAtMs - b.createdAtMs);
  }

  async closeSession(sessionId: string, nowMs: number): Promise<'closed' | 'not-found'> {
    return this.#word(scripts.CLOSE_SESSION, [sessionId, nowMs], ['closed', 'not-found']);
  }

  async countViewers(nowMs: number): Promise<ViewerCounts> {
    const [viewers, sessions, ...panes] = await this.#untilSwept(scripts.COUNT_VIEWERS, [nowMs]);
    return {
      viewerCount: Number(viewers),
      sessionCount: Number(sessions),
      perStream: Object.fromEntries(pairs(panes).map(([streamId, count]) => [streamId, Number(count)])),
    };
  }

  async beginRequest(
    key: string,
    requestHash: string,
    nowMs: number,
    lockMs: number,
  ): Promise<IdempotencyOutcome> {
    const [kind, answer = ''] = await this.#texts(scripts.BEGIN_REQUEST, [key, requestHash, nowMs, lockMs]);
    if (kind === 'done') return { kind, answer };
    if (kind === 'first' || kind === 'in-progress' || kind === 'mismatch') return { kind };
    throw badData();
  }

  async finishRequest(
    key: string,
    requestHash: string,
    answer: string,
    nowMs: number,
    ttlMs: number,
  ): Promise<void> {
    await this.#run(scripts.FINISH_REQUEST, [key, requestHash, answer, nowMs, ttlMs]);
  }

  async abandonRequest(key: string, requestHash: string): Promise<void> {
    await this.#run(scripts.ABANDON_REQUEST, [key, requestHash]);
  }

  async close(): Promise<void> {
    this.#redis.disconnect();
  }

  #key(kind: string, id: string): string {
    return `${this.#prefix}${kind}:${id}`;
  }

  async #run(script: RedisScript, args: readonly (string | number)[]): Promise<unknown> {
    return this.#do(() => script.run(this.#redis, [this.#prefix], args));
  }

  async #word<const Word extends string>(
    script: RedisScript,
    args: readonly (string | number)[],
    words: readonly Word[],
  ): Promise<Word> {
    const answer = await this.#run(script, args);
    const word = words.find((candidate) => candidate === answer);
    if (word === undefined) throw badData();
    return word;
  }

  async #texts(script: RedisScript, args: readonly (string | number)[]): Promise<string[]> {
    const answer = textsSchema.safeParse(await this.#run(script, args));
    if (!answer.success) throw badData(answer.error);
    return answer.data;
  }

  async #untilSwept(script: RedisScript, args: readonly (string | number)[]): Promise<string[]> {
    for (let round = 0; round < SWEEP_ROUND_COUNT_MAX; round++) {
      const answer = await this.#texts(script, args);
      if (answer[0] !== 'again') return answer;
    }
    throw registryErrors.create('UNREACHABLE', 'It holds more expired sessions than there can be.');
  }

  async #do<Value>(command: () => Promise<Value>): Promise<Value> {
    try {
      return await command();
    } catch (error) {
      // The message of a refused command quotes no argument; the command itself, which may, is left behind.
      const refused = error instanceof Error && error.name === 'ReplyError';
      const cause = new Error(messageOf(error));
      throw registryErrors.create(refused ? 'REFUSED' : 'UNREACHABLE', `${messageOf(error)}.`, { cause });
    }
  }
}

function refusal(kind: string | undefined, inUse: string | undefined): SessionOutcome {
  if (kind === 'viewer-stream-limit') return { kind, inUseCount: Number(inUse) };
  if (kind === 'not-found' || kind === 'ticket-used' || kind === 'viewer-limit') return { kind };
  throw badData();
}

function stored({
  sessionId,
  viewerId,
  streamIds,
  allowedStreamIds,
  delivery,
  createdAtMs,
}: Omit<ViewerSession, 'expiresAtMs'>): StoredSession {
  return {
    sessionId,
    viewerId,
    streamIds: [...streamIds],
    allowedStreamIds: allowedStreamIds === '*' ? '*' : [...allowedStreamIds],
    delivery,
    createdAtMs,
  };
}

function parsedSession(json: string): StoredSession {
  const session = sessionSchema.safeParse(parsedJson(json));
  if (!session.success) throw badData(session.error);
  return session.data;
}

/** An entry of the list: `atMs json`. */
function parsedSample(entry: string): StreamSample {
  const sample = streamSampleSchema.safeParse(parsedJson(entry.slice(entry.indexOf(' ') + 1)));
  if (!sample.success) throw badData(sample.error);
  return sample.data;
}

function versioned(revision: string, json: string): VersionedRecord {
  const record = streamRecordSchema.safeParse(parsedJson(json));
  if (!record.success) throw badData(record.error);
  return { record: record.data, revision: Number(revision) };
}

function parsedJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw badData(error);
  }
}

function slotHolders(texts: readonly string[]): SlotHolder[] {
  return pairs(texts)
    .map(([index, holder]) => {
      const [streamId = '', startId = ''] = holder.split(' ');
      return { slotIndex: Number(index), streamId, startId };
    })
    .sort((a, b) => a.slotIndex - b.slotIndex);
}

function pairs(texts: readonly string[]): [string, string][] {
  const found: [string, string][] = [];
  for (let index = 0; index + 1 < texts.length; index += 2)
    found.push([texts[index] ?? '', texts[index + 1] ?? '']);
  return found;
}

function badData(cause?: unknown): MirrorError {
  return registryErrors.create('BAD_DATA', undefined, { cause });
}
