/** What happens once, before the first part of a runner is announced. */
import { MirrorError } from '../../domain/errors.ts';
import type { LiveEdgeWriter, StreamInfo } from '../../domain/live-edge.ts';
import type { MediaStoreReader, MediaStoreWriter } from '../../domain/media-store.ts';
import { initKey, partKey } from '../../domain/media-store.ts';
import type { Profile } from '../../domain/profile.ts';
import { TRACKS, type Track } from '../../domain/renditions.ts';
import {
  type Clock,
  type PartPosition,
  partFromOrdinal,
  partOrdinal,
  partStartMs,
} from '../../domain/timeline.ts';
import { retry } from '../retry.ts';
import { publishErrors } from './errors.ts';
import type { PublishLimits } from './limits.ts';
import { putOnce } from './put-once.ts';

export interface OpenStreamOptions {
  readonly streamId: string;
  readonly profile: Profile;
  readonly store: MediaStoreWriter & MediaStoreReader;
  readonly liveEdge: Pick<LiveEdgeWriter, 'open'>;
  readonly clock: Clock;
  readonly initSegments: Readonly<Record<Track, Uint8Array>>;
  readonly streamInfo: (firstMediaSequenceNumber: number) => StreamInfo;
  readonly limits: PublishLimits;
  /** The first part that this runner will publish. */
  readonly first: PartPosition;
  /** When this runner began: what was published for instants after it, was published by another. */
  readonly startedAtMs: number;
  readonly signal: AbortSignal;
  readonly onTrouble: (error: unknown) => void;
}

/**
 * Looks for another runner, stores the init segments, opens the live edge; tries again while a service does
 * not answer.
 *
 * @throws MirrorError `PUBLISH_SECOND_RUNNER`, `PUBLISH_INIT_CONFLICT`, `PUBLISH_NOT_STARTED`.
 */
export async function openStream(options: OpenStreamOptions): Promise<void> {
  const { limits, clock } = options;
  const result = await retry(
    async (signal) => {
      await listen(options, signal);
      await Promise.all(TRACKS.map((track) => storeInitSegment(options, track, signal)));
      await options.liveEdge.open(options.streamId, options.streamInfo(options.first.mediaSequenceNumber));
    },
    {
      deadlineMs: clock.nowMs() + limits.openDeadlineMs,
      // Four requests one after the other.
      attemptTimeoutMs: limits.attemptTimeoutMs * 4,
      firstBackoffMs: limits.openBackoffMs,
      backoffFactor: 1,
    },
    {
      nowMs: () => clock.nowMs(),
      signal: options.signal,
      onFailure: options.onTrouble,
      isRetryable: (error) => !isFinal(error),
    },
  );
  if (result.kind === 'done') return;
  if (isFinal(result.error)) throw result.error;
  throw publishErrors.create('NOT_STARTED', undefined, { cause: result.error });
}

function isFinal(error: unknown): boolean {
  if (publishErrors.is(error, 'SECOND_RUNNER') || publishErrors.is(error, 'INIT_CONFLICT')) return true;
  return error instanceof MirrorError && !error.retryable;
}

/**
 * Listening before talking: while this process was alive it has published nothing yet, so a part for that
 * time is another runner's, and that one is alive.
 */
async function listen(options: OpenStreamOptions, signal: AbortSignal): Promise<void> {
  const { profile, store, streamId } = options;
  const firstOrdinal = partOrdinal(options.first, profile);
  const positions = Array.from({ length: options.limits.listenPartCount }, (_, index) =>
    partFromOrdinal(firstOrdinal - 1 - index, profile),
  ).filter((position) => partStartMs(position, profile) >= options.startedAtMs);
  await Promise.all(
    positions.map(async (position) => {
      const found = await store.get(partKey(streamId, 'video', position), { signal });
      if (!found) return;
      const { mediaSequenceNumber, partIndex } = position;
      throw publishErrors.create('SECOND_RUNNER', `It published part ${mediaSequenceNumber}.${partIndex}.`);
    }),
  );
}

/** @throws MirrorError `PUBLISH_INIT_CONFLICT`, and what the store throws. */
export async function storeInitSegment(
  { store, streamId, initSegments }: Pick<OpenStreamOptions, 'store' | 'streamId' | 'initSegments'>,
  track: Track,
  signal: AbortSignal,
): Promise<void> {
  const key = initKey(streamId, track);
  const outcome = await putOnce(store, key, initSegments[track], signal);
  if (outcome === 'taken') throw publishErrors.create('INIT_CONFLICT', `Key ${key}.`);
}
