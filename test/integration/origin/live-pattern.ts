/**
 * A live stream of real H.264 and AAC without a camera: 8 s are encoded once and repeated on the grid for ever,
 * through the real packager, store first and announce second, each part when its interval ends.
 */
import type { LiveEdgeWriter } from '../../../domain/live-edge.ts';
import { initKey, type MediaStoreWriter, partKey } from '../../../domain/media-store.ts';
import { SEED_PROFILE } from '../../../domain/profile.ts';
import { TRACKS } from '../../../domain/renditions.ts';
import {
  partAt,
  partFromOrdinal,
  partOfTicks,
  partOrdinal,
  partStartMs,
  partStartTicks,
} from '../../../domain/timeline.ts';
import type { EncodedFrame, PackagedPart } from '../../../gpu-runner/media.ts';
import { Packager } from '../../../gpu-runner/packager/packager.ts';
import { encodePattern, type PatternMedia } from '../runner/pattern-frames.ts';

/** Segments and AAC frames begin together every 16 segments: a round of this many can follow itself. */
const ROUND_SEGMENT_COUNT = 16;
const NEVER = new AbortController().signal;
const PARTS_PER_ROUND = ROUND_SEGMENT_COUNT * 5;

export interface LivePatternDependencies {
  readonly streamId: string;
  readonly liveEdge: LiveEdgeWriter;
  readonly mediaStore: MediaStoreWriter;
}

/** What was encoded, cut into parts of the round; shared by all streams of a test. */
export interface Rehearsed {
  readonly media: PatternMedia;
  readonly framesOfPart: readonly (readonly EncodedFrame[])[];
}

export async function rehearse(): Promise<Rehearsed> {
  const media = await encodePattern({
    profile: SEED_PROFILE,
    firstMediaSequenceNumber: 0,
    segmentCount: ROUND_SEGMENT_COUNT,
  });
  const framesOfPart: EncodedFrame[][] = Array.from({ length: PARTS_PER_ROUND }, () => []);
  for (const frame of media.frames) {
    const position = partOfTicks(frame.decodeTimeTicks, timescaleOf(frame), SEED_PROFILE);
    framesOfPart[partOrdinal(position, SEED_PROFILE)]?.push(frame);
  }
  return { media, framesOfPart };
}

export class LivePattern {
  readonly #dependencies: LivePatternDependencies;
  readonly #rehearsed: Rehearsed;
  readonly #packager: Packager;

  constructor(dependencies: LivePatternDependencies, rehearsed: Rehearsed) {
    this.#dependencies = dependencies;
    this.#rehearsed = rehearsed;
    this.#packager = new Packager({ profile: SEED_PROFILE, encoder: rehearsed.media.encoder });
  }

  /** Publishes until the signal; what was published stays. */
  async run(signal: AbortSignal): Promise<void> {
    const { streamId, liveEdge, mediaStore } = this.#dependencies;
    for (const track of TRACKS)
      await mediaStore.put(initKey(streamId, track), this.#packager.initSegments[track], { signal: NEVER });
    const first = partAt(Date.now(), SEED_PROFILE).mediaSequenceNumber + 1;
    await liveEdge.open(streamId, this.#packager.streamInfo(first));
    let ordinal = partOrdinal({ mediaSequenceNumber: first, partIndex: 0 }, SEED_PROFILE);
    while (!signal.aborted) {
      const end = partStartMs(partFromOrdinal(ordinal + 1, SEED_PROFILE), SEED_PROFILE);
      await new Promise((resolve) => {
        setTimeout(resolve, Math.max(0, end - Date.now()));
      });
      for (const frame of this.#framesAt(ordinal))
        for (const part of this.#packager.push(frame, Date.now())) await this.#publish(part);
      ordinal += 1;
    }
  }

  /** The frames of a part of the round, moved to where they are wanted. */
  #framesAt(ordinal: number): readonly EncodedFrame[] {
    const round = Math.floor(ordinal / PARTS_PER_ROUND);
    const frames = this.#rehearsed.framesOfPart[ordinal - round * PARTS_PER_ROUND] ?? [];
    const roundStart = partFromOrdinal(round * PARTS_PER_ROUND, SEED_PROFILE);
    return frames.map((frame) => ({
      ...frame,
      decodeTimeTicks: frame.decodeTimeTicks + partStartTicks(roundStart, timescaleOf(frame), SEED_PROFILE),
    }));
  }

  async #publish(part: PackagedPart): Promise<void> {
    const { streamId, liveEdge, mediaStore } = this.#dependencies;
    const { track, mediaSequenceNumber, partIndex, durationTicks, independent, bytes } = part;
    if (bytes) await mediaStore.put(partKey(streamId, track, part), bytes, { signal: NEVER });
    await liveEdge.append(streamId, track, {
      mediaSequenceNumber,
      partIndex,
      durationTicks,
      independent,
      byteCount: bytes?.byteLength ?? 0,
      gap: bytes === undefined,
    });
  }
}

function timescaleOf(frame: EncodedFrame): number {
  return frame.track === 'video' ? SEED_PROFILE.video.timescaleHz : SEED_PROFILE.audio.sampleRateHz;
}
