/**
 * How every Redis adapter connects: by one URL (`redis://` or `rediss://` for TLS, user and password in it),
 * with time-outs on everything, and one log line per outage instead of one per attempt.
 */
import { createHash } from 'node:crypto';
import { Redis } from 'ioredis';
import { messageOf } from '../domain/errors.ts';
import type { Log } from '../domain/log.ts';

const CONNECT_TIMEOUT_MS = 2_000;
const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 1_000;
const KEEP_ALIVE_MS = 5_000;

/** What a Redis adapter is made from. */
export interface RedisConnectionOptions {
  /** `redis[s]://[user:password@]host[:port][/db]`, or the path of a Unix socket. */
  readonly url: string;
  /** PEM of the authority that signed the server's certificate, where it is not a public one. */
  readonly ca?: string;
  readonly log: Pick<Log, 'warn' | 'info'>;
}

/**
 * @param options.name shown by CLIENT LIST.
 * @param options.timeoutMs a command without a reply for so long fails, and its socket is taken for dead.
 * @param options.resendCount how many reconnects a command without a reply survives. 0: it fails at once.
 * @returns a client that connects at its first command and again after every loss.
 */
export function createRedis(
  options: RedisConnectionOptions & {
    readonly name: string;
    readonly timeoutMs: number;
    readonly resendCount: number;
  },
): Redis {
  const { url, ca, log, name, timeoutMs, resendCount } = options;
  const redis = new Redis(url, {
    // RESP2: replies have the shapes that the Redis documentation shows, on every server version.
    protocol: 2,
    ...(ca === undefined ? {} : { tls: { ca } }),
    lazyConnect: true,
    connectionName: name,
    disableClientInfo: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: timeoutMs,
    // A peer that vanished without a FIN (a failed node, a NAT that forgot us) never closes the socket.
    socketTimeout: timeoutMs,
    maxRetriesPerRequest: resendCount,
    keepAlive: KEEP_ALIVE_MS,
    retryStrategy: retryDelayMs,
    // After a failover the name points to the new primary, but this socket leads to the demoted one.
    reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 2 : false),
  });
  let outage = false;
  redis.on('error', (error: unknown) => {
    if (outage) return;
    outage = true;
    log.warn('redis-unreachable', { connection: name, reason: messageOf(error) });
  });
  redis.on('ready', () => {
    if (outage) log.info('redis-back', { connection: name });
    outage = false;
  });
  return redis;
}

/** Doubling, with up to a quarter of jitter, so that 25 runners do not come back in the same millisecond. */
export function retryDelayMs(attempt: number): number {
  const delayMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(attempt - 1, 10), LONGEST_RETRY_MS);
  return Math.round(delayMs * (0.75 + Math.random() * 0.25));
}

/** A Lua script that runs atomically in Redis, sent whole only to a server that has not seen it. */
export class RedisScript {
  readonly #lua: string;
  /** EVALSHA names a script by the SHA-1 of its text. */
  readonly #sha: string;

  constructor(lua: string) {
    this.#lua = lua;
    this.#sha = createHash('sha1').update(lua).digest('hex');
  }

  async run(redis: Redis, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    try {
      return await redis.evalsha(this.#sha, keys.length, ...keys, ...args);
    } catch (error) {
      if (!messageOf(error).startsWith('NOSCRIPT')) throw error;
      return redis.eval(this.#lua, keys.length, ...keys, ...args);
    }
  }
}
