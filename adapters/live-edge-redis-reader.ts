/**
 * The origin's side of the live edge in Redis: a snapshot per follower, then one blocking XREAD over the keys
 * of all streams.
 *
 * Nothing falls between the two because both speak of entry ids: every follower has cursors, the XREAD starts
 * at the lowest, and a follower skips what is not beyond its own. A follower that joins while the XREAD blocks
 * hears nothing of that one, which may have started beyond its cursors, and is let into the next by writing to
 * a stream of this reader's own, which the XREAD watches too.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import * as z from 'zod';
import { messageOf } from '../domain/errors.ts';
import type { LiveEdgeEvent, LiveEdgeReader, LiveEdgeSnapshot, PartEntry } from '../domain/live-edge.ts';
import type { Log } from '../domain/log.ts';
import { TRACKS } from '../domain/renditions.ts';
import {
  compareEntryIds,
  decodeControl,
  decodeInfo,
  decodePart,
  type EntryId,
  type LogKeys,
  liveEdgeProblem,
  logKeys,
  NO_ENTRY,
  type RawEntry,
} from './live-edge-redis-log.ts';
import { type LiveEdgeListener, notify, withinWindow } from './live-edge-window.ts';
import { createRedis, type RedisConnectionOptions, retryDelayMs } from './redis-connection.ts';

const COMMAND_TIMEOUT_MS = 1_500;
/** An XREAD with nothing to say returns after this; a dead connection is noticed COMMAND_TIMEOUT_MS later. */
const BLOCK_MS = 2_000;
/** How often a stream that stayed silent is looked up, in case its keys were lost without a lost connection. */
const SILENCE_CHECK_MS = 5_000;
const WAKE_EXPIRY_MS = 60_000;

const SLOTS = ['video', 'audio', 'control'] as const;
type Slot = (typeof SLOTS)[number];

interface Follower {
  readonly streamId: string;
  readonly keys: LogKeys;
  readonly listener: LiveEdgeListener;
  /** Ids of the last entries it was told of; absent while it waits for a snapshot. */
  cursors?: Record<Slot, EntryId>;
  /** Which of its snapshots is the wanted one; an older answer is dropped. */
  snapshotNumber: number;
  known: boolean;
  stopped: boolean;
  lastHeardMs: number;
}

export class RedisLiveEdgeReader implements LiveEdgeReader {
  readonly #commands: Redis;
  readonly #blocking: Redis;
  readonly #prefix: string;
  readonly #log: Pick<Log, 'warn' | 'info' | 'error'>;
  readonly #followers = new Map<string, Set<Follower>>();
  readonly #wakeKey: string;
  #wakeCursor: EntryId = NO_ENTRY;
  #closed = false;

  /** @param options.prefix names this installation in a Redis that it shares; the writer's must be the same. */
  constructor(
    options: RedisConnectionOptions & {
      readonly prefix?: string;
      readonly log: Pick<Log, 'warn' | 'info' | 'error'>;
    },
  ) {
    this.#prefix = options.prefix ?? 'mirror';
    this.#log = options.log;
    this.#wakeKey = `${this.#prefix}:wake:${randomBytes(9).toString('base64url')}`;
    this.#commands = createRedis({
      ...options,
      name: 'mirror-live-edge-snapshots',
      timeoutMs: COMMAND_TIMEOUT_MS,
      resendCount: 1,
    });
    this.#blocking = createRedis({
      ...options,
      name: 'mirror-live-edge-follower',
      timeoutMs: BLOCK_MS + COMMAND_TIMEOUT_MS,
      resendCount: 0,
    });
  }

  follow(streamId: string, listener: LiveEdgeListener): () => void {
    const follower: Follower = {
      streamId,
      keys: logKeys(this.#prefix, streamId),
      listener,
      snapshotNumber: 0,
      known: false,
      stopped: false,
      lastHeardMs: performance.now(),
    };
    const followers = this.#followers.get(streamId) ?? new Set();
    this.#followers.set(streamId, followers.add(follower));
    void this.#takeSnapshot(follower);
    return () => {
      follower.stopped = true;
      followers.delete(follower);
      if (followers.size === 0 && this.#followers.get(streamId) === followers)
        this.#followers.delete(streamId);
    };
  }

  /**
   * Delivers events until the signal aborts. Followers get their first snapshot without it, and nothing more.
   * An unreachable Redis does not end it: it tries again for ever, and every follower gets a new snapshot.
   */
  async run(signal: AbortSignal): Promise<void> {
    const stop = () => {
      this.#closed = true;
      this.#blocking.disconnect();
      this.#commands.disconnect();
    };
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    let failureCount = 0;
    while (!signal.aborted) {
      try {
        const { keys, ids, heldBy } = this.#nextRead();
        const reply = await this.#blocking.xread('BLOCK', BLOCK_MS, 'STREAMS', ...keys, ...ids);
        failureCount = 0;
        this.#deliver(reply, heldBy);
        await this.#checkSilent();
      } catch (error) {
        if (signal.aborted) return;
        failureCount += 1;
        if (failureCount === 1) {
          this.#log.warn('live-edge-follow-interrupted', { reason: messageOf(error) });
          for (const follower of this.#everyFollower()) void this.#takeSnapshot(follower);
        }
        await sleep(retryDelayMs(failureCount), undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** Asks again until Redis answers, the follower stops, or a newer snapshot was asked for. */
  async #takeSnapshot(follower: Follower): Promise<void> {
    delete follower.cursors;
    follower.snapshotNumber += 1;
    const { snapshotNumber, keys } = follower;
    const wanted = () => !this.#closed && !follower.stopped && follower.snapshotNumber === snapshotNumber;
    for (let attempt = 1; wanted(); attempt += 1) {
      try {
        const log = await readLog(this.#commands, keys, (raw) =>
          this.#readable(follower, () => decodePart(raw)),
        );
        if (!wanted()) return;
        follower.cursors = log.cursors;
        follower.known = log.snapshot !== undefined;
        follower.lastHeardMs = performance.now();
        notify(this.#log, follower.streamId, () => follower.listener.onSnapshot(log.snapshot));
        await this.#wake();
        return;
      } catch (error) {
        if (attempt === 1 && wanted())
          this.#log.warn('live-edge-snapshot-failed', {
            streamId: follower.streamId,
            reason: messageOf(error),
          });
        await sleep(retryDelayMs(attempt), undefined, { ref: false });
      }
    }
  }

  /** Ends the blocking read, so that the next one has the new follower's keys in it. */
  async #wake(): Promise<void> {
    try {
      await this.#commands
        .pipeline()
        .xadd(this.#wakeKey, 'MAXLEN', 1, '*', 'wake', '1')
        .pexpire(this.#wakeKey, WAKE_EXPIRY_MS)
        .exec();
    } catch (error) {
      // The blocking read ends by itself then, within BLOCK_MS.
      this.#log.warn('live-edge-wake-failed', { reason: messageOf(error) });
    }
  }

  /** What to read, and for whom: the cursors of exactly these followers, each with its snapshot's number. */
  #nextRead(): { keys: string[]; ids: EntryId[]; heldBy: Map<Follower, number> } {
    const keys = [this.#wakeKey];
    const ids = [this.#wakeCursor];
    const heldBy = new Map<Follower, number>();
    for (const followers of this.#followers.values()) {
      const lowest: Partial<Record<Slot, EntryId>> = {};
      for (const follower of followers) {
        if (!follower.cursors) continue;
        heldBy.set(follower, follower.snapshotNumber);
        for (const slot of SLOTS) lowest[slot] = earlier(lowest[slot], follower.cursors[slot]);
      }
      const [any] = followers;
      for (const slot of SLOTS) {
        if (!any || !lowest[slot]) continue;
        keys.push(any.keys[slot]);
        ids.push(lowest[slot]);
      }
    }
    return { keys, ids, heldBy };
  }

  #deliver(reply: ReadReply, heldBy: ReadonlyMap<Follower, number>): void {
    if (!reply) return;
    const entries = new Map(reply);
    this.#wakeCursor = entries.get(this.#wakeKey)?.at(-1)?.[0] ?? this.#wakeCursor;
    for (const [follower, snapshotNumber] of heldBy) {
      if (follower.stopped || follower.snapshotNumber !== snapshotNumber) continue;
      const { keys } = follower;
      const news: News = {
        video: entries.get(keys.video) ?? [],
        audio: entries.get(keys.audio) ?? [],
        control: entries.get(keys.control) ?? [],
      };
      if (SLOTS.some((slot) => news[slot].length > 0)) this.#tell(follower, news);
    }
  }

  /** Parts in the order of the grid, and between them what happened to the stream, where it happened. */
  #tell(follower: Follower, news: News): void {
    const { cursors, streamId } = follower;
    if (!cursors) return;
    follower.lastHeardMs = performance.now();
    let parts = TRACKS.flatMap((track) =>
      news[track].filter(([id]) => compareEntryIds(id, cursors[track]) > 0).map((raw) => ({ track, raw })),
    ).sort((a, b) => compareEntryIds(a.raw[0], b.raw[0]));
    const tellParts = (told: typeof parts) => {
      for (const { track, raw } of told) {
        cursors[track] = raw[0];
        this.#tellOne(follower, () => ({ kind: 'part', streamId, track, entry: decodePart(raw) }));
      }
    };
    for (const raw of news.control) {
      if (compareEntryIds(raw[0], cursors.control) <= 0) continue;
      cursors.control = raw[0];
      const control = this.#readable(follower, () => decodeControl(raw));
      if (!control) continue;
      if (control.kind === 'removed') {
        // What else came with it belongs to a new life of the stream, and is read again from its beginning.
        cursors.video = NO_ENTRY;
        cursors.audio = NO_ENTRY;
        follower.known = false;
        this.#tellOne(follower, () => ({ kind: 'removed', streamId }));
        return;
      }
      const isBefore = (part: (typeof parts)[number]) =>
        compareEntryIds(part.raw[0], control.after[part.track]) <= 0;
      tellParts(parts.filter(isBefore));
      parts = parts.filter((part) => !isBefore(part));
      follower.known = true;
      this.#tellOne(follower, () =>
        control.kind === 'info'
          ? { kind: 'info', streamId, info: control.info }
          : { kind: 'ended', streamId },
      );
    }
    tellParts(parts);
  }

  #tellOne(follower: Follower, event: () => LiveEdgeEvent): void {
    const readable = this.#readable(follower, event);
    if (!readable || follower.stopped) return;
    notify(this.#log, follower.streamId, () => follower.listener.onEvent(readable));
  }

  /** An entry that mirror did not write is reported and passed over: it must not stop 24 other streams. */
  #readable<Value>(follower: Follower, decode: () => Value): Value | undefined {
    try {
      return decode();
    } catch (error) {
      this.#log.error('live-edge-bad-entry', { streamId: follower.streamId, reason: messageOf(error) });
      return undefined;
    }
  }

  /** Keys can go without a lost connection (expiry, FLUSHALL, a failover between two reads). */
  async #checkSilent(): Promise<void> {
    const now = performance.now();
    for (const follower of this.#everyFollower()) {
      if (!follower.known || now - follower.lastHeardMs < SILENCE_CHECK_MS) continue;
      follower.lastHeardMs = now;
      if ((await this.#commands.exists(follower.keys.meta)) === 0) void this.#takeSnapshot(follower);
    }
  }

  *#everyFollower(): Iterable<Follower> {
    for (const followers of this.#followers.values()) yield* followers;
  }
}

type ReadReply = readonly (readonly [key: string, entries: readonly RawEntry[]])[] | null;
type News = Readonly<Record<Slot, readonly RawEntry[]>>;

function earlier(a: EntryId | undefined, b: EntryId): EntryId {
  return a === undefined || compareEntryIds(b, a) < 0 ? b : a;
}

/**
 * The whole log of a stream at one instant, and the ids of its last entries at that instant.
 *
 * @param decode undefined for an entry to pass over.
 */
async function readLog(
  redis: Redis,
  keys: LogKeys,
  decode: (raw: RawEntry) => PartEntry | undefined,
): Promise<{ snapshot: LiveEdgeSnapshot | undefined; cursors: Record<Slot, EntryId> }> {
  const replies = await redis
    .multi()
    .hmget(keys.meta, 'info', 'first', 'ended')
    .xrange(keys.video, '-', '+')
    .xrange(keys.audio, '-', '+')
    .xrevrange(keys.control, '+', '-', 'COUNT', 1)
    .exec();
  const [meta, video, audio, control] = (replies ?? []).map(([error, reply]) => {
    if (error) throw liveEdgeProblem(error);
    return reply;
  });
  const [info, first, ended] = metaSchema.parse(meta);
  const raw = {
    video: entriesSchema.parse(video),
    audio: entriesSchema.parse(audio),
    control: entriesSchema.parse(control),
  };
  const cursors = {
    video: raw.video.at(-1)?.[0] ?? NO_ENTRY,
    audio: raw.audio.at(-1)?.[0] ?? NO_ENTRY,
    control: raw.control[0]?.[0] ?? NO_ENTRY,
  };
  if (info === null) return { snapshot: undefined, cursors };
  const streamInfo = decodeInfo(info, first ?? undefined);
  const parts = {
    video: withinWindow(
      raw.video.flatMap((entry) => decode(entry) ?? []),
      streamInfo.segmentMs,
    ),
    audio: withinWindow(
      raw.audio.flatMap((entry) => decode(entry) ?? []),
      streamInfo.segmentMs,
    ),
  };
  return { snapshot: { info: streamInfo, ended: ended === '1', parts }, cursors };
}

const metaSchema = z.tuple([z.string().nullable(), z.string().nullable(), z.string().nullable()]);
const entriesSchema = z.array(z.tuple([z.string(), z.array(z.string())]));
