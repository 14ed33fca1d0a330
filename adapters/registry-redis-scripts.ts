/**
 * The registry's atomic steps, as Lua that runs inside Redis. Keys are made from the prefix in KEYS[1]: the
 * server is one node or a primary with replicas (cluster mode disabled), where that is allowed.
 *
 * Keys below the prefix:
 * - `streams` zset, all scores 0: the ids in order; `stream:{id}` hash: rev, json
 * - `slots` hash: slot index -> "streamId startId"
 * - `status:{id}` string: the runner's newest report; `samples:{id}` list: "atMs json", newest first
 * - `leases` zset: session id -> end of its lease; `session:{id}` string: JSON
 * - `viewers` set; `viewer:{id}` hash: session id -> number of its panes
 * - `panes` hash: stream id -> panes that show it; `ticket:{jti}` string: the session it was used for
 * - `request:{key}` hash: h(ash), e(nd), a(nswer)
 */
import { RedisScript } from './redis-connection.ts';

/** Sessions that one step may clear away: Redis serves nobody else meanwhile. */
const SWEEP_COUNT_MAX = 100;

const STREAM_FUNCTIONS = `
local p = KEYS[1]
local function streamKey(id) return p .. 'stream:' .. id end
`;

/** ARGV: id, json, recordCountMax. A repeated create of the same record (a lost reply) is the first one. */
export const CREATE_STREAM = new RedisScript(`${STREAM_FUNCTIONS}
local id, json, max = ARGV[1], ARGV[2], tonumber(ARGV[3])
local current = redis.call('HGET', streamKey(id), 'json')
if current == json then return 'created' end
if current then return 'exists' end
if redis.call('ZCARD', p .. 'streams') >= max then return 'limit' end
redis.call('HSET', streamKey(id), 'rev', 1, 'json', json)
redis.call('ZADD', p .. 'streams', 0, id)
return 'created'
`);

/** ARGV: id, json, expected revision. */
export const REPLACE_STREAM = new RedisScript(`${STREAM_FUNCTIONS}
local id, json, expected = ARGV[1], ARGV[2], tonumber(ARGV[3])
local current = redis.call('HMGET', streamKey(id), 'rev', 'json')
local revision = tonumber(current[1])
if revision == expected + 1 and current[2] == json then return 'replaced' end
if revision ~= expected then return 'conflict' end
redis.call('HSET', streamKey(id), 'rev', expected + 1, 'json', json)
return 'replaced'
`);

/** ARGV: id, expected revision. */
export const REMOVE_STREAM = new RedisScript(`${STREAM_FUNCTIONS}
local id, expected = ARGV[1], tonumber(ARGV[2])
if tonumber(redis.call('HGET', streamKey(id), 'rev')) ~= expected then return 'conflict' end
redis.call('DEL', streamKey(id), p .. 'status:' .. id, p .. 'samples:' .. id)
redis.call('ZREM', p .. 'streams', id)
return 'removed'
`);

/** ARGV: id, atMs, json, countMax, ttlMs. A repeated append (a lost reply) finds its own sample, and is late. */
export const APPEND_SAMPLE = new RedisScript(`
local key, atMs = KEYS[1] .. 'samples:' .. ARGV[1], tonumber(ARGV[2])
local newest = redis.call('LINDEX', key, 0)
if newest and tonumber(string.match(newest, '^(%d+) ')) >= atMs then return 'late' end
redis.call('LPUSH', key, ARGV[2] .. ' ' .. ARGV[3])
redis.call('LTRIM', key, 0, tonumber(ARGV[4]) - 1)
redis.call('PEXPIRE', key, ARGV[5])
return 'appended'
`);

/** ARGV: lower end for ZRANGEBYLEX, most entries. Answers rev, json, rev, json ... */
export const LIST_STREAMS = new RedisScript(`${STREAM_FUNCTIONS}
local found = {}
for _, id in ipairs(redis.call('ZRANGEBYLEX', p .. 'streams', ARGV[1], '+', 'LIMIT', 0, tonumber(ARGV[2]))) do
  local record = redis.call('HMGET', streamKey(id), 'rev', 'json')
  if record[1] then
    found[#found + 1] = record[1]
    found[#found + 1] = record[2]
  end
end
return found
`);

/** ARGV: holder, slot count. Answers the slot's index, or -1 and then all slots with their holders. */
export const ALLOT_SLOT = new RedisScript(`
local key, holder, count = KEYS[1] .. 'slots', ARGV[1], tonumber(ARGV[2])
local all = redis.call('HGETALL', key)
local taken = {}
for i = 1, #all, 2 do
  if all[i + 1] == holder then return { all[i] } end
  taken[tonumber(all[i])] = true
end
for index = 0, count - 1 do
  if not taken[index] then
    redis.call('HSET', key, index, holder)
    return { tostring(index) }
  end
end
local answer = { '-1' }
for _, value in ipairs(all) do answer[#answer + 1] = value end
return answer
`);

/** ARGV: slot index, holder. */
export const RELEASE_SLOT = new RedisScript(`
local key = KEYS[1] .. 'slots'
if redis.call('HGET', key, ARGV[1]) ~= ARGV[2] then return 'not-held' end
redis.call('HDEL', key, ARGV[1])
return 'released'
`);

/** ARGV: slot index, holder. */
export const CLAIM_SLOT = new RedisScript(`
local key = KEYS[1] .. 'slots'
local current = redis.call('HGET', key, ARGV[1])
if current and current ~= ARGV[2] then return 'taken' end
redis.call('HSET', key, ARGV[1], ARGV[2])
return 'claimed'
`);

const SESSION_FUNCTIONS = `
local p = KEYS[1]
local leases, viewers, panes = p .. 'leases', p .. 'viewers', p .. 'panes'
local function read(id)
  local json = redis.call('GET', p .. 'session:' .. id)
  return json and cjson.decode(json), json
end
local function count(streams, step)
  for _, stream in ipairs(streams) do
    if redis.call('HINCRBY', panes, stream, step) <= 0 then redis.call('HDEL', panes, stream) end
  end
end
local function drop(id)
  local session = read(id)
  redis.call('ZREM', leases, id)
  if not session then return false end
  local viewer = p .. 'viewer:' .. session.viewerId
  redis.call('DEL', p .. 'session:' .. id)
  redis.call('HDEL', viewer, id)
  if redis.call('EXISTS', viewer) == 0 then redis.call('SREM', viewers, session.viewerId) end
  count(session.streamIds, -1)
  return true
end
-- Clears away sessions whose lease is over, some at a time; true when there may be more.
local function sweep(now)
  local expired = redis.call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, ${SWEEP_COUNT_MAX})
  for _, id in ipairs(expired) do drop(id) end
  return #expired == ${SWEEP_COUNT_MAX}
end
local function live(id, now)
  local lease = redis.call('ZSCORE', leases, id)
  if not lease or tonumber(lease) <= now then return nil end
  return read(id)
end
-- Panes of a viewer over all sessions that still live.
local function inUse(viewerId, now)
  local sum = 0
  local all = redis.call('HGETALL', p .. 'viewer:' .. viewerId)
  for i = 1, #all, 2 do
    local lease = redis.call('ZSCORE', leases, all[i])
    if lease and tonumber(lease) > now then sum = sum + tonumber(all[i + 1]) else drop(all[i]) end
  end
  return sum
end
`;

/**
 * ARGV: session JSON, session id, viewer id, lease end, now, ticket id, ms until the ticket may be forgotten,
 * most panes of a viewer, most viewers. `again` asks to be called once more: there was more to clear away.
 */
export const OPEN_SESSION = new RedisScript(`${SESSION_FUNCTIONS}
local json, id, viewerId, leaseEnd, now = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local ticket, ticketMs = p .. 'ticket:' .. ARGV[6], tonumber(ARGV[7])
local streamsMax, viewersMax = tonumber(ARGV[8]), tonumber(ARGV[9])
local more = sweep(now)
local usedFor = redis.call('GET', ticket)
if usedFor == id then return { 'ok' } end
if usedFor then return { 'ticket-used' } end
local session = cjson.decode(json)
local used = inUse(viewerId, now)
if used + #session.streamIds > streamsMax then return { 'viewer-stream-limit', tostring(used) } end
if redis.call('SISMEMBER', viewers, viewerId) == 0 and redis.call('SCARD', viewers) >= viewersMax then
  return { more and 'again' or 'viewer-limit' }
end
redis.call('SET', ticket, id, 'PX', ticketMs)
redis.call('SET', p .. 'session:' .. id, json)
redis.call('ZADD', leases, leaseEnd, id)
redis.call('SADD', viewers, viewerId)
redis.call('HSET', p .. 'viewer:' .. viewerId, id, #session.streamIds)
count(session.streamIds, 1)
return { 'ok' }
`);

/** ARGV: session id, now. Answers JSON and lease end, or nothing. */
export const GET_SESSION = new RedisScript(`${SESSION_FUNCTIONS}
local id, now = ARGV[1], tonumber(ARGV[2])
local session, json = live(id, now)
if not session then return {} end
return { json, redis.call('ZSCORE', leases, id) }
`);

/** ARGV: viewer id, now. Answers JSON and lease end of each session that lives. */
export const LIST_SESSIONS = new RedisScript(`${SESSION_FUNCTIONS}
local found = {}
for _, id in ipairs(redis.call('HKEYS', p .. 'viewer:' .. ARGV[1])) do
  local session, json = live(id, tonumber(ARGV[2]))
  if session then
    found[#found + 1] = json
    found[#found + 1] = redis.call('ZSCORE', leases, id)
  end
end
return found
`);

/** ARGV: session id, new session JSON, expected streams joined by commas, now, lease end, most panes of a viewer. */
export const SWAP_STREAMS = new RedisScript(`${SESSION_FUNCTIONS}
local id, json, expected, now = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local leaseEnd, streamsMax = ARGV[5], tonumber(ARGV[6])
sweep(now)
local session, current = live(id, now)
if not session then return { 'not-found' } end
-- The same swap again, after a lost reply, changes nothing but the lease.
if current ~= json then
  if table.concat(session.streamIds, ',') ~= expected then return { 'conflict' } end
  local changed = cjson.decode(json)
  local used = inUse(session.viewerId, now)
  if used - #session.streamIds + #changed.streamIds > streamsMax then
    return { 'viewer-stream-limit', tostring(used) }
  end
  count(session.streamIds, -1)
  count(changed.streamIds, 1)
  redis.call('SET', p .. 'session:' .. id, json)
  redis.call('HSET', p .. 'viewer:' .. session.viewerId, id, #changed.streamIds)
end
redis.call('ZADD', leases, leaseEnd, id)
return { 'ok' }
`);

/** ARGV: session id, now, lease end. Answers the session's JSON, or nothing. */
export const RENEW_SESSION = new RedisScript(`${SESSION_FUNCTIONS}
local id, now, leaseEnd = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local session, json = live(id, now)
if not session then return {} end
redis.call('ZADD', leases, leaseEnd, id)
return { json }
`);

/** ARGV: session id, now. */
export const CLOSE_SESSION = new RedisScript(`${SESSION_FUNCTIONS}
local id, now = ARGV[1], tonumber(ARGV[2])
local session = live(id, now)
drop(id)
return session and 'closed' or 'not-found'
`);

/** ARGV: now. Answers `again`, or viewers, sessions, and then stream ids with their panes. */
export const COUNT_VIEWERS = new RedisScript(`${SESSION_FUNCTIONS}
if sweep(tonumber(ARGV[1])) then return { 'again' } end
local answer = { tostring(redis.call('SCARD', viewers)), tostring(redis.call('ZCARD', leases)) }
for _, value in ipairs(redis.call('HGETALL', panes)) do answer[#answer + 1] = value end
return answer
`);

/** ARGV: key, request hash, now, lock ms. */
export const BEGIN_REQUEST = new RedisScript(`
local key, hash, now, lockMs = KEYS[1] .. 'request:' .. ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local entry = redis.call('HMGET', key, 'h', 'e', 'a')
if entry[1] and tonumber(entry[2]) > now then
  if entry[1] ~= hash then return { 'mismatch' } end
  if entry[3] then return { 'done', entry[3] } end
  return { 'in-progress' }
end
redis.call('DEL', key)
redis.call('HSET', key, 'h', hash, 'e', now + lockMs)
redis.call('PEXPIRE', key, lockMs)
return { 'first' }
`);

/** ARGV: key, request hash, answer, now, ttl ms. */
export const FINISH_REQUEST = new RedisScript(`
local key, hash, answer, now, ttlMs = KEYS[1] .. 'request:' .. ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local current = redis.call('HGET', key, 'h')
if current and current ~= hash then return 'other' end
redis.call('HSET', key, 'h', hash, 'e', now + ttlMs, 'a', answer)
redis.call('PEXPIRE', key, ttlMs)
return 'kept'
`);

/** ARGV: key, request hash. */
export const ABANDON_REQUEST = new RedisScript(`
local key, hash = KEYS[1] .. 'request:' .. ARGV[1], ARGV[2]
local entry = redis.call('HMGET', key, 'h', 'a')
if entry[1] == hash and not entry[2] then redis.call('DEL', key) end
return 'ok'
`);
