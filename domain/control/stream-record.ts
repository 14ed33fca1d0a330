/** The record of one stream: what the registry keeps and what the tags of its ECS service carry. */
import * as z from 'zod';
import { HARDWARE, STREAM_STATES, type StreamState, streamIdSchema } from '../stream.ts';
import { streamIngestSchema } from './ingest-request.ts';
import { CONTROL_LIMITS } from './limits.ts';
import { plainText } from './text.ts';

/** Open streams need no session and play at /open/{id}/; premium ones are signed and play at /live/{id}/. */
export const ACCESS = ['premium', 'open'] as const;
export type Access = (typeof ACCESS)[number];

export const stateChangeSchema = z.object({
  state: z.enum(STREAM_STATES),
  /** The last time, of a state that the stream came back to again and again. */
  atMs: z.number(),
  reason: z.string().optional(),
  /** How often the stream came into this state from the one before, each time within a minute of the last. */
  times: z.int().min(2).optional(),
});
export type StateChange = z.output<typeof stateChangeSchema>;

/** What a stream holds while it runs: given out by start, given back by stop. */
export const streamRunSchema = z.object({
  /** Unique per start: names the ECS service, because a deleted service's name is unusable while it drains. */
  startId: z.string().regex(/^[a-z0-9]{8,32}$/),
  slotIndex: z.int().min(0),
  /** Name of the passphrase in the secret store; absent for ingests without one. */
  secretId: z.string().optional(),
  startedAtMs: z.number(),
});
export type StreamRun = z.output<typeof streamRunSchema>;

export const streamRecordSchema = z.object({
  id: streamIdSchema,
  name: plainText(CONTROL_LIMITS.nameCharCountMax),
  access: z.enum(ACCESS),
  ingest: streamIngestSchema,
  frameRate: z.union([z.literal(30), z.literal(50), z.literal(60)]),
  hardware: z.enum(HARDWARE),
  record: z.boolean(),
  signalLoss: z.enum(['last-picture', 'slate']),
  createdAtMs: z.number(),
  /** Oldest first, never empty; the last one is the state that holds now. */
  history: z.array(stateChangeSchema).min(1),
  run: streamRunSchema.optional(),
  /** A caller's passphrase, given at create and kept until delete. */
  callerSecretId: z.string().optional(),
  /** The start or stop that is in progress, and when it counts as dead. */
  operation: z
    .object({ kind: z.enum(['start', 'stop']), id: z.string(), expiresAtMs: z.number() })
    .optional(),
});
export type StreamRecord = z.output<typeof streamRecordSchema>;

/** A record with the count of its changes, which a writer must name to replace it. */
export interface VersionedRecord {
  readonly record: StreamRecord;
  readonly revision: number;
}

export function stateOf(record: StreamRecord): StateChange {
  const last = record.history.at(-1);
  if (!last) throw new RangeError(`the record of stream ${record.id} has no history`);
  return last;
}

/** Which states may follow which. A state may always follow itself (its reason may change). */
const NEXT_STATES: Readonly<Record<StreamState, readonly StreamState[]>> = {
  created: ['starting'],
  starting: ['waiting', 'live', 'interrupted', 'stopping', 'stopped', 'failed', 'created'],
  waiting: ['starting', 'live', 'interrupted', 'stopping', 'failed'],
  live: ['starting', 'waiting', 'interrupted', 'stopping', 'failed'],
  interrupted: ['starting', 'waiting', 'live', 'stopping', 'failed'],
  stopping: ['stopped', 'failed'],
  stopped: ['starting'],
  // A failed stream whose service still stands may come back: ECS goes on trying.
  failed: ['starting', 'waiting', 'live', 'interrupted', 'stopping', 'stopped'],
};

export function mayFollow(from: StreamState, to: StreamState): boolean {
  return from === to || NEXT_STATES[from].includes(to);
}

/** True in the states in which a runner exists or is on its way. */
export function isRunning(state: StreamState): boolean {
  return state === 'starting' || state === 'waiting' || state === 'live' || state === 'interrupted';
}

/**
 * The record in a new state.
 *
 * @returns undefined when the state may not follow, or when state and reason are what they were.
 */
export function withState(
  record: StreamRecord,
  change: { readonly state: StreamState; readonly atMs: number; readonly reason?: string | undefined },
): StreamRecord | undefined {
  const now = stateOf(record);
  if (!mayFollow(now.state, change.state)) return undefined;
  if (now.state === change.state && now.reason === change.reason) return undefined;
  const entry: StateChange = {
    state: change.state,
    atMs: Math.max(change.atMs, now.atMs),
    ...(change.reason === undefined ? {} : { reason: boundedReason(change.reason) }),
  };
  return { ...record, history: folded([...record.history, entry]).slice(-CONTROL_LIMITS.historyCountMax) };
}

/** What a sick feed does to a stream; all else is somebody's doing, and worth an entry each time. */
const FEED_STATES: ReadonlySet<StreamState> = new Set(['waiting', 'live', 'interrupted']);
const FOLDED_WITHIN_MS = 60_000;

/**
 * A feed that comes and goes each second would push everything else out of the history: of two states that alternate
 * quickly each is one entry, and the later one counts.
 */
function folded(history: readonly StateChange[]): readonly StateChange[] {
  const [from, to, back, again] = history.slice(-4);
  if (!from || !to || !back || !again) return history;
  const alternates = from.state === back.state && to.state === again.state && from.state !== to.state;
  const isQuick = again.atMs - to.atMs < FOLDED_WITHIN_MS;
  if (!alternates || !isQuick || !FEED_STATES.has(from.state) || !FEED_STATES.has(to.state)) return history;
  return [...history.slice(0, -3), { ...again, times: (to.times ?? 1) + 1 }];
}

/** A reason as one bounded line: reasons come from other systems and end in answers and logs. */
export function boundedReason(reason: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is removed here
  const line = reason.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim();
  return line.length <= CONTROL_LIMITS.reasonCharCountMax
    ? line
    : `${line.slice(0, CONTROL_LIMITS.reasonCharCountMax - 1)}…`;
}
