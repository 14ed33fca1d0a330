/**
 * How the live edge lies in Redis. Per stream, four keys that share one hash tag:
 *
 * - `{prefix:id}:meta` a hash: `info` (StreamInfo as JSON), `first` (first media sequence number), `ended`;
 * - `{prefix:id}:video` and `:audio` streams, one entry per part, id `{msn}-{partIndex + 1}` (0-0 is no id),
 *   so that Redis itself refuses what is not later than the last;
 * - `{prefix:id}:control` a stream of info, ended and removed, each with the last part ids at its moment, so
 *   that a follower puts it between the right two parts.
 *
 * The window is cut by MINID, not by MAXLEN: it is time. `~` leaves up to one node (100 entries) more.
 * Every key expires when nobody wrote for LOG_EXPIRY_MS.
 */
import * as z from 'zod';
import { MirrorError, messageOf } from '../domain/errors.ts';
import { LIVE_EDGE_WINDOW_MS, type PartEntry, type StreamInfo } from '../domain/live-edge.ts';
import type { Track } from '../domain/renditions.ts';
import { liveEdgeErrors } from './errors.ts';
import { RedisScript } from './redis-connection.ts';

/** An abandoned stream (its runner gone, nobody stopped it) disappears after this. */
export const LOG_EXPIRY_MS = 15 * LIVE_EDGE_WINDOW_MS;
/** A removed stream leaves its last word for followers that are just reconnecting. */
const REMOVED_EXPIRY_MS = 60_000;
/** Starts, stops and restarts that a follower may be late for. */
const MAX_CONTROL_COUNT = 100;

export interface LogKeys {
  readonly meta: string;
  readonly video: string;
  readonly audio: string;
  readonly control: string;
}

/** @param prefix names this installation in a Redis that it shares, e.g. `mirror`. */
export function logKeys(prefix: string, streamId: string): LogKeys {
  const tag = `{${prefix}:${streamId}}`;
  return { meta: `${tag}:meta`, video: `${tag}:video`, audio: `${tag}:audio`, control: `${tag}:control` };
}

/** Of a Redis stream entry: milliseconds or media sequence number, then sequence or part index + 1. */
export type EntryId = string;
export const NO_ENTRY: EntryId = '0-0';

export function partEntryId(entry: PartEntry): EntryId {
  return `${entry.mediaSequenceNumber}-${entry.partIndex + 1}`;
}

/** Negative when `a` comes before `b`. */
export function compareEntryIds(a: EntryId, b: EntryId): number {
  const [aFirst = 0, aSecond = 0] = a.split('-').map(Number);
  const [bFirst = 0, bSecond = 0] = b.split('-').map(Number);
  return aFirst - bFirst || aSecond - bSecond;
}

/** One entry as XRANGE and XREAD give it: its id, then field, value, field, value. */
export type RawEntry = readonly [id: EntryId, fields: readonly string[]];

const FLAG = { independent: 1, gap: 2 } as const;

/** Field names are single letters; Redis keeps them once per node anyway. */
export function encodePart(entry: PartEntry): string[] {
  const flags = (entry.independent ? FLAG.independent : 0) | (entry.gap ? FLAG.gap : 0);
  return [String(entry.durationTicks), String(entry.byteCount), String(flags)];
}

/** @throws MirrorError `LIVE_EDGE_BAD_DATA` when somebody else wrote under these keys. */
export function decodePart([id, fields]: RawEntry): PartEntry {
  const [mediaSequenceNumber = Number.NaN, second = Number.NaN] = id.split('-').map(Number);
  const value = (name: string) => Number(fieldOf(fields, name) ?? Number.NaN);
  const [durationTicks, byteCount, flags] = [value('d'), value('b'), value('f')];
  const numbers = [mediaSequenceNumber, second - 1, durationTicks, byteCount, flags];
  if (!numbers.every((number) => Number.isSafeInteger(number) && number >= 0))
    throw liveEdgeErrors.create('BAD_DATA', `Part entry ${id} ${fields.join(' ')}.`);
  return {
    mediaSequenceNumber,
    partIndex: second - 1,
    durationTicks,
    byteCount,
    independent: (flags & FLAG.independent) !== 0,
    gap: (flags & FLAG.gap) !== 0,
  };
}

export type ControlEntry = {
  readonly id: EntryId;
  /** The last part of each track when this was written. */
  readonly after: Readonly<Record<Track, EntryId>>;
} & ({ readonly kind: 'info'; readonly info: StreamInfo } | { readonly kind: 'ended' | 'removed' });

/** @throws MirrorError `LIVE_EDGE_BAD_DATA` when somebody else wrote under these keys. */
export function decodeControl([id, fields]: RawEntry): ControlEntry {
  const after = { video: fieldOf(fields, 'video') ?? NO_ENTRY, audio: fieldOf(fields, 'audio') ?? NO_ENTRY };
  const kind = fieldOf(fields, 'kind');
  if (kind === 'ended' || kind === 'removed') return { id, after, kind };
  if (kind === 'info')
    return { id, after, kind, info: decodeInfo(fieldOf(fields, 'info'), fieldOf(fields, 'first')) };
  throw liveEdgeErrors.create('BAD_DATA', `Control entry ${id} ${fields.join(' ')}.`);
}

const streamInfoSchema = z.object({
  segmentMs: z.number(),
  partMs: z.number(),
  video: z.object({
    codecs: z.string(),
    widthPx: z.number(),
    heightPx: z.number(),
    frameRate: z.number(),
    timescaleHz: z.number(),
    bitrateBps: z.number(),
  }),
  audio: z
    .object({
      codecs: z.string(),
      sampleRateHz: z.number(),
      channelCount: z.number(),
      bitrateBps: z.number(),
    })
    .exactOptional(),
  firstMediaSequenceNumber: z.number(),
});

/** @throws MirrorError `LIVE_EDGE_BAD_DATA` when it is no StreamInfo. */
export function decodeInfo(json: string | undefined, first: string | undefined): StreamInfo {
  try {
    const value: unknown = JSON.parse(json ?? '');
    return streamInfoSchema.parse({ ...Object(value), firstMediaSequenceNumber: Number(first) });
  } catch (error) {
    throw liveEdgeErrors.create('BAD_DATA', `Stream info ${json}.`, { cause: error });
  }
}

function fieldOf(fields: readonly string[], name: string): string | undefined {
  for (let index = 0; index + 1 < fields.length; index += 2) {
    if (fields[index] === name) return fields[index + 1];
  }
  return undefined;
}

/** Redis answered with an error, or did not answer. */
export function liveEdgeProblem(error: unknown): MirrorError {
  if (error instanceof MirrorError) return error;
  const refused = error instanceof Error && error.name === 'ReplyError';
  return liveEdgeErrors.create(refused ? 'REFUSED' : 'UNREACHABLE', `${messageOf(error)}.`, { cause: error });
}

/** KEYS of every script: meta, video, audio, control. */
const LUA_COMMON = `
  local function lastId(key)
    local last = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)
    return last[1] and last[1][1] or '${NO_ENTRY}'
  end
  local function control(...)
    redis.call('XADD', KEYS[4], 'MAXLEN', '~', ${MAX_CONTROL_COUNT}, '*',
      'video', lastId(KEYS[2]), 'audio', lastId(KEYS[3]), ...)
  end
  local function touch()
    for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ${LOG_EXPIRY_MS}) end
  end
`;

/** ARGV: info JSON, first media sequence number. The rule of `reopenedInfo`, where it is atomic. */
export const OPEN_SCRIPT = new RedisScript(`${LUA_COMMON}
  local before = redis.call('HMGET', KEYS[1], 'first', 'ended')
  local first = ARGV[2]
  if before[1] and before[2] ~= '1' and tonumber(before[1]) < tonumber(first) then first = before[1] end
  redis.call('HSET', KEYS[1], 'info', ARGV[1], 'first', first, 'ended', '0')
  control('kind', 'info', 'info', ARGV[1], 'first', first)
  touch()
`);

/**
 * ARGV: index of the track's key, id, oldest id kept, token, duration, bytes, flags. The token tells the
 * writer's own entry, sent twice because a reply was lost, from another writer's.
 *
 * Returns `appended`, `duplicate`, `removed` (by an operator) or `lost` (Redis forgot the stream).
 */
export const APPEND_SCRIPT = new RedisScript(`
  if redis.call('EXISTS', KEYS[1]) == 0 then
    local last = redis.call('XREVRANGE', KEYS[4], '+', '-', 'COUNT', 1)
    if last[1] then
      for _, field in ipairs(last[1][2]) do if field == 'removed' then return 'removed' end end
    end
    return 'lost'
  end
  local key = KEYS[tonumber(ARGV[1])]
  local id = ARGV[2]
  local reply = redis.pcall('XADD', key, 'MINID', '~', ARGV[3], id,
    'd', ARGV[5], 'b', ARGV[6], 'f', ARGV[7], 't', ARGV[4])
  if type(reply) == 'table' and reply.err then
    if not string.find(reply.err, 'equal or smaller', 1, true) then return reply end
    local there = redis.call('XRANGE', key, id, id)
    if there[1] and there[1][2][8] == ARGV[4] then return 'appended' end
    return 'duplicate'
  end
  for _, touched in ipairs({KEYS[1], key, KEYS[4]}) do redis.call('PEXPIRE', touched, ${LOG_EXPIRY_MS}) end
  return 'appended'
`);

export const END_SCRIPT = new RedisScript(`${LUA_COMMON}
  if redis.call('HGET', KEYS[1], 'ended') ~= '0' then return end
  redis.call('HSET', KEYS[1], 'ended', '1')
  control('kind', 'ended')
  touch()
`);

export const REMOVE_SCRIPT = new RedisScript(`${LUA_COMMON}
  local existed = redis.call('EXISTS', KEYS[1])
  redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
  if existed == 1 then control('kind', 'removed') end
  redis.call('PEXPIRE', KEYS[4], ${REMOVED_EXPIRY_MS})
`);
