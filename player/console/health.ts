/**
 * How a stream is doing, from its state and from what its counters did during the last minute. Pure: the page
 * gives it each list of the API.
 */
import type { ListedStream } from '../../domain/control/api.ts';
import type { RefusedFeed, RunnerCounters, StreamState } from '../../domain/stream.ts';
import { type RunnerReport, runnerReport } from './runner-report.ts';

/** The time over which errors are counted. */
export const HEALTH_WINDOW_MS = 60_000;
/** One list a second, and a little more. */
const REPORTS_MAX = 90;
/** Repeated or dropped frames in a minute that nobody notices: one in a hundred, of 1,800. */
const HARMLESS_FRAME_COUNT = 18;

/** Counters of trouble, with the words for what they count. */
const TROUBLES = [
  { name: 'continuityErrorCount', one: 'packet gap', many: 'packet gaps', harmlessCount: 0 },
  { name: 'decodeErrorCount', one: 'broken frame', many: 'broken frames', harmlessCount: 0 },
  { name: 'gapCount', one: 'missing part', many: 'missing parts', harmlessCount: 0 },
  { name: 'storeErrorCount', one: 'failed upload', many: 'failed uploads', harmlessCount: 0 },
  { name: 'timestampJumpCount', one: 'timestamp jump', many: 'timestamp jumps', harmlessCount: 0 },
  {
    name: 'lostObjectCount',
    one: 'lost piece of the recording',
    many: 'lost pieces of the recording',
    harmlessCount: 0,
  },
  {
    name: 'repeatedFrameCount',
    one: 'repeated frame',
    many: 'repeated frames',
    harmlessCount: HARMLESS_FRAME_COUNT,
  },
  {
    name: 'droppedFrameCount',
    one: 'dropped frame',
    many: 'dropped frames',
    harmlessCount: HARMLESS_FRAME_COUNT,
  },
  {
    name: 'rejectedConnectionCount',
    one: 'refused connection',
    many: 'refused connections',
    harmlessCount: 0,
  },
] as const satisfies readonly {
  name: keyof RunnerCounters;
  one: string;
  many: string;
  harmlessCount: number;
}[];

export type Tone = 'good' | 'quiet' | 'warn' | 'bad';

export interface Health {
  readonly tone: Tone;
  /** One or two words, for a badge. */
  readonly badge: string;
  /** What is wrong, or why the state is what it is. */
  readonly words: string | undefined;
  /** Packet gaps, broken frames and missing parts of the last minute. */
  readonly errorCount: number;
}

/** Remembers the last minute of each stream's counters. */
export class HealthWatch {
  readonly #reports = new Map<string, RunnerReport[]>();

  /** @returns the health of each stream by its id. */
  take(streams: readonly ListedStream[], nowMs: number): ReadonlyMap<string, Health> {
    const known = new Set(streams.map(({ id }) => id));
    for (const id of this.#reports.keys()) if (!known.has(id)) this.#reports.delete(id);
    return new Map(streams.map((stream) => [stream.id, this.#healthOf(stream, nowMs)]));
  }

  #healthOf(stream: ListedStream, nowMs: number): Health {
    const report = runnerReport(stream.runner);
    if (!report) {
      this.#reports.delete(stream.id);
      return healthOf(stream, {});
    }
    const kept = (this.#reports.get(stream.id) ?? []).filter(
      ({ reportedAtMs }) => nowMs - reportedAtMs < HEALTH_WINDOW_MS,
    );
    const newest = kept.at(-1);
    if (!newest || newest.reportedAtMs < report.reportedAtMs) kept.push(report);
    this.#reports.set(stream.id, kept.slice(-REPORTS_MAX));
    return healthOf(stream, increases(kept), report.refusedFeed);
  }
}

/** What each counter went up by; a counter that went down began anew at zero. */
export function increases(reports: readonly RunnerReport[]): Partial<RunnerCounters> {
  const sums: Record<string, number> = {};
  for (const [index, { counters }] of reports.entries()) {
    const before = reports[index - 1]?.counters;
    if (!before) continue;
    for (const { name } of TROUBLES) {
      const [from, to] = [before[name] ?? 0, counters[name] ?? 0];
      sums[name] = (sums[name] ?? 0) + (to >= from ? to - from : to);
    }
  }
  return sums;
}

const STATE_BADGES: Readonly<Record<StreamState, { tone: Tone; badge: string }>> = {
  created: { tone: 'quiet', badge: 'Not started' },
  starting: { tone: 'quiet', badge: 'Starting' },
  waiting: { tone: 'quiet', badge: 'Waiting for feed' },
  live: { tone: 'good', badge: 'Live' },
  interrupted: { tone: 'bad', badge: 'Signal lost' },
  stopping: { tone: 'quiet', badge: 'Stopping' },
  stopped: { tone: 'quiet', badge: 'Stopped' },
  failed: { tone: 'bad', badge: 'Failed' },
};

export function healthOf(
  { state, reason }: Pick<ListedStream, 'state' | 'reason'>,
  lastMinute: Partial<RunnerCounters>,
  refusedFeed?: RefusedFeed,
): Health {
  const { continuityErrorCount = 0, decodeErrorCount = 0, gapCount = 0 } = lastMinute;
  const errorCount = continuityErrorCount + decodeErrorCount + gapCount;
  const troubles = TROUBLES.flatMap(({ name, one, many, harmlessCount }) => {
    // Without a feed frames are repeated on purpose; a knock at the door that is refused always matters.
    const count = state === 'live' || name === 'rejectedConnectionCount' ? (lastMinute[name] ?? 0) : 0;
    return count > harmlessCount ? [`${count} ${count === 1 ? one : many}`] : [];
  });
  const trouble = troubles.length === 0 ? undefined : `${troubles.join(', ')} in the last minute`;
  // What keeps an encoder out is what an operator who waits for it wants to know.
  const refusal =
    (lastMinute.rejectedConnectionCount ?? 0) > 0 && refusedFeed !== undefined
      ? `Refused: ${refusedFeed.reason}. ${refusedFeed.remedy}`
      : undefined;
  if (state === 'live' && trouble !== undefined)
    return {
      tone: 'warn',
      badge: 'Live, ill',
      words: refusal === undefined ? `${trouble}.` : `${trouble}. ${refusal}`,
      errorCount,
    };
  // That a feed is on air is what the badge says.
  const why = state === 'live' ? undefined : reason;
  const words = [why, trouble && `${trouble}.`, refusal].filter((part) => part !== undefined).join(' ');
  return { ...STATE_BADGES[state], words: words === '' ? undefined : words, errorCount };
}

/** True for streams that a person should look at. */
export function needsAttention({ tone }: Health): boolean {
  return tone === 'warn' || tone === 'bad';
}
