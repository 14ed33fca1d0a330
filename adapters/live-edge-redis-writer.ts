/** The runner's side of the live edge in Redis. */
import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { LiveEdgeWriter, PartEntry, StreamInfo } from '../domain/live-edge.ts';
import type { Log } from '../domain/log.ts';
import type { Track } from '../domain/renditions.ts';
import { liveEdgeErrors } from './errors.ts';
import {
  APPEND_SCRIPT,
  END_SCRIPT,
  encodePart,
  liveEdgeProblem,
  logKeys,
  OPEN_SCRIPT,
  partEntryId,
  REMOVE_SCRIPT,
} from './live-edge-redis-log.ts';
import { firstKeptMediaSequenceNumber } from './live-edge-window.ts';
import { createRedis, type RedisConnectionOptions, type RedisScript } from './redis-connection.ts';

/** A part that is announced later than this is of no use to a live viewer. */
const COMMAND_TIMEOUT_MS = 1_500;
/** A command without a reply is sent again over this many reconnects; tokens make that safe. */
const RESEND_COUNT = 3;
/** Calls that wait for their turn, per stream: ten seconds of parts of both tracks. */
const MAX_PENDING_COUNT = 200;

/** Appends without an answer that are remembered through an outage. */
const MAX_UNHEARD_COUNT = 400;

const TRACK_KEY_INDEX: Readonly<Record<Track, number>> = { video: 2, audio: 3 };

interface OpenStream {
  readonly info: StreamInfo;
  /** Appends whose outcome was never heard: their entry may lie in the log, and is ours if it does. */
  readonly unheard: Map<string, string>;
}

export class RedisLiveEdgeWriter implements LiveEdgeWriter {
  readonly #redis: Redis;
  readonly #prefix: string;
  readonly #log: Pick<Log, 'warn' | 'info'>;
  readonly #writerId = randomBytes(6).toString('base64url');
  readonly #open = new Map<string, OpenStream>();
  readonly #queues = new Map<string, { tail: Promise<unknown>; pendingCount: number }>();
  #appendCount = 0;

  /** @param options.prefix names this installation in a Redis that it shares; the reader's must be the same. */
  constructor(options: RedisConnectionOptions & { readonly prefix?: string }) {
    this.#prefix = options.prefix ?? 'mirror';
    this.#log = options.log;
    this.#redis = createRedis({
      ...options,
      name: 'mirror-live-edge-writer',
      timeoutMs: COMMAND_TIMEOUT_MS,
      resendCount: RESEND_COUNT,
    });
  }

  async open(streamId: string, info: StreamInfo): Promise<void> {
    await this.#inTurn(streamId, async () => {
      await this.#declare(streamId, info);
      this.#open.set(streamId, { info, unheard: new Map() });
    });
  }

  append(streamId: string, track: Track, entry: PartEntry): Promise<'appended' | 'duplicate'> {
    return this.#inTurn(streamId, async () => {
      const stream = this.#open.get(streamId);
      if (!stream) throw liveEdgeErrors.create('NOT_OPEN', `Stream ${streamId}.`);
      let outcome = await this.#appendOnce(streamId, track, entry, stream);
      if (outcome === 'lost') {
        // Redis came back empty. What it held is gone, but the stream goes on.
        this.#log.warn('live-edge-lost', { streamId });
        await this.#declare(streamId, stream.info);
        outcome = await this.#appendOnce(streamId, track, entry, stream);
      }
      if (outcome === 'appended' || outcome === 'duplicate') return outcome;
      throw liveEdgeErrors.create('NOT_OPEN', `Stream ${streamId} was ${String(outcome)}.`);
    });
  }

  async end(streamId: string): Promise<void> {
    await this.#inTurn(streamId, () => this.#run(END_SCRIPT, streamId, []));
  }

  async remove(streamId: string): Promise<void> {
    await this.#inTurn(streamId, async () => {
      await this.#run(REMOVE_SCRIPT, streamId, []);
      this.#open.delete(streamId);
    });
  }

  /** Gives the connection back. Calls that wait fail. */
  close(): void {
    this.#redis.disconnect();
  }

  async #declare(streamId: string, info: StreamInfo): Promise<void> {
    const { firstMediaSequenceNumber, ...constant } = info;
    await this.#run(OPEN_SCRIPT, streamId, [JSON.stringify(constant), firstMediaSequenceNumber]);
  }

  async #appendOnce(streamId: string, track: Track, entry: PartEntry, stream: OpenStream): Promise<unknown> {
    const id = partEntryId(entry);
    const firstKept = firstKeptMediaSequenceNumber(entry.mediaSequenceNumber, stream.info.segmentMs);
    const unheardKey = `${track} ${id}`;
    const token = stream.unheard.get(unheardKey) ?? `${this.#writerId}${(this.#appendCount++).toString(36)}`;
    stream.unheard.set(unheardKey, token);
    const [oldest] = stream.unheard.keys();
    if (oldest && stream.unheard.size > MAX_UNHEARD_COUNT) stream.unheard.delete(oldest);
    const outcome = await this.#run(APPEND_SCRIPT, streamId, [
      TRACK_KEY_INDEX[track],
      id,
      `${firstKept}-0`,
      token,
      ...encodePart(entry),
    ]);
    // An answer settles this position, and all earlier ones of the track: positions only grow.
    for (const key of stream.unheard.keys()) if (key.startsWith(track)) stream.unheard.delete(key);
    return outcome;
  }

  async #run(script: RedisScript, streamId: string, args: readonly (string | number)[]): Promise<unknown> {
    const { meta, video, audio, control } = logKeys(this.#prefix, streamId);
    try {
      return await script.run(this.#redis, [meta, video, audio, control], args);
    } catch (error) {
      throw liveEdgeProblem(error);
    }
  }

  /**
   * One call after the other per stream. On one connection that costs one round trip per part, and it keeps
   * the order even when the first of two has to be sent again.
   */
  #inTurn<Result>(streamId: string, call: () => Promise<Result>): Promise<Result> {
    const queue = this.#queues.get(streamId) ?? { tail: Promise.resolve(), pendingCount: 0 };
    if (queue.pendingCount >= MAX_PENDING_COUNT)
      return Promise.reject(
        liveEdgeErrors.create('UNREACHABLE', `${queue.pendingCount} calls wait for stream ${streamId}.`),
      );
    queue.pendingCount += 1;
    this.#queues.set(streamId, queue);
    const result = queue.tail.then(call);
    queue.tail = result
      .catch(() => undefined)
      .then(() => {
        queue.pendingCount -= 1;
        if (queue.pendingCount === 0) this.#queues.delete(streamId);
      });
    return result;
  }
}
