/**
 * What a runner that was started again finds of the one before it: its newest part, from which it goes on. The
 * keys of parts follow from the clock, so the media store alone says when a stream was last on air.
 */
import { concatBytes } from '../../domain/cmaf/box.ts';
import { initKey, type MediaStoreReader, partKey } from '../../domain/media-store.ts';
import type { Profile } from '../../domain/profile.ts';
import { type Clock, partAt, partStartMs, partsPerSegment } from '../../domain/timeline.ts';

export const EARLIER_LIFE_LIMITS = {
  /** A stream that was silent for longer has lost its viewers: it waits for its feed as after any start. */
  lookBackMs: 120_000,
  /** Segments that are asked for at the same time. */
  segmentsAtOnceCount: 16,
  /** A runner that lives has announced its newest part within 0.3 s. After this silence it is dead. */
  deadAfterMs: 600,
  /** So often the newest part is looked for, should it be young. If it still is, another runner lives. */
  lookCount: 4,
} as const;

export interface EarlierLifeOptions {
  readonly streamId: string;
  readonly profile: Pick<Profile, 'segmentMs' | 'partMs'>;
  readonly store: MediaStoreReader;
  readonly clock: Clock;
  /** When the operator started the stream, in Unix milliseconds: what is older belongs to an earlier run. */
  readonly startedAtMs: number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
}

/** The last that a stream showed. */
export interface EarlierLife {
  /** The end of its newest part, in Unix milliseconds. */
  readonly endedAtMs: number;
  /** The video's init segment and the parts of its newest segment, the first of which begins with a keyframe. */
  readonly video: Uint8Array;
}

/**
 * @returns undefined when this start has published nothing lately, or when somebody publishes the stream now.
 * @throws MirrorError `STORE_*`
 */
export async function findEarlierLife(options: EarlierLifeOptions): Promise<EarlierLife | undefined> {
  const { streamId, store, clock, signal, sleep } = options;
  const { deadAfterMs, lookCount } = EARLIER_LIFE_LIMITS;
  const init = await store.get(initKey(streamId, 'video'), { signal });
  if (!init) return undefined;
  for (let look = 0; look < lookCount; look++) {
    const newest = await newestSegment(options);
    if (!newest) return undefined;
    const silenceMs = clock.nowMs() - newest.endedAtMs;
    if (silenceMs >= deadAfterMs)
      return { endedAtMs: newest.endedAtMs, video: concatBytes([init, ...newest.parts]) };
    await sleep(deadAfterMs - silenceMs, signal);
    if (signal.aborted) return undefined;
  }
  return undefined;
}

interface StoredSegment {
  readonly endedAtMs: number;
  readonly parts: readonly Uint8Array[];
}

async function newestSegment(options: EarlierLifeOptions): Promise<StoredSegment | undefined> {
  const { profile, clock, startedAtMs } = options;
  const { lookBackMs, segmentsAtOnceCount } = EARLIER_LIFE_LIMITS;
  const nowMs = clock.nowMs();
  const newest = partAt(nowMs, profile).mediaSequenceNumber;
  // The segment in which the stream was started may begin with the last parts of an earlier run.
  const started = partAt(startedAtMs, profile).mediaSequenceNumber + 1;
  const oldest = Math.max(started, partAt(nowMs - lookBackMs, profile).mediaSequenceNumber);
  for (let from = newest; from >= oldest; from -= segmentsAtOnceCount) {
    const count = Math.min(segmentsAtOnceCount, from - oldest + 1);
    const firsts = await Promise.all(
      Array.from({ length: count }, (_, back) => storedPart(options, from - back, 0)),
    );
    const back = firsts.findIndex((first) => first !== undefined);
    const first = firsts[back];
    if (first) return segmentWith(options, from - back, first);
  }
  return undefined;
}

async function segmentWith(
  options: EarlierLifeOptions,
  mediaSequenceNumber: number,
  first: Uint8Array,
): Promise<StoredSegment> {
  const { profile } = options;
  const others = await Promise.all(
    Array.from({ length: partsPerSegment(profile) - 1 }, (_, index) =>
      storedPart(options, mediaSequenceNumber, index + 1),
    ),
  );
  const parts = [first];
  // Behind a hole nothing can be decoded, but its time counts: the runner lived then.
  for (const part of others) {
    if (!part) break;
    parts.push(part);
  }
  const lastIndex = others.findLastIndex((part) => part !== undefined) + 1;
  const endedAtMs = partStartMs({ mediaSequenceNumber, partIndex: lastIndex }, profile) + profile.partMs;
  return { endedAtMs, parts };
}

async function storedPart(
  { streamId, store, signal }: EarlierLifeOptions,
  mediaSequenceNumber: number,
  partIndex: number,
): Promise<Uint8Array | undefined> {
  return store.get(partKey(streamId, 'video', { mediaSequenceNumber, partIndex }), { signal });
}
