/**
 * What a playlist shows of a rendition, seen through the logs of its tracks. `video` and `audio` are their
 * track; a part of `av` exists once both of its tracks' parts do, and is a gap when either is.
 */
import type { StreamInfo } from '../live-edge.ts';
import { SEED_PROFILE } from '../profile.ts';
import { RENDITIONS, type Rendition, type Track } from '../renditions.ts';
import { audioFramesOfPart, EPOCH_MS, partFromOrdinal, partsPerSegment, ticksToUnixMs } from '../timeline.ts';
import { NO_ORDINAL, type PartLog } from './part-log.ts';

export interface TimelinePart {
  /** In ticks of the rendition's timescale. */
  readonly durationTicks: number;
  readonly independent: boolean;
  readonly gap: boolean;
}

export type TrackLogs = Readonly<Record<Track, PartLog>>;

/** The renditions that a stream has: a stream without sound has no `audio`, and its `av` is its `video`. */
export function renditionsOf(info: Pick<StreamInfo, 'audio'>): readonly Rendition[] {
  return info.audio ? RENDITIONS : RENDITIONS.filter((rendition) => rendition !== 'audio');
}

/** The tracks whose parts make one part of the rendition, in the order in which their bytes are joined. */
export function tracksOf(rendition: Rendition, info: Pick<StreamInfo, 'audio'>): readonly Track[] {
  if (rendition !== 'av') return [rendition];
  return info.audio ? ['video', 'audio'] : ['video'];
}

/** A live view: every property reflects the logs as they are now. */
export class RenditionTimeline {
  readonly rendition: Rendition;
  readonly info: StreamInfo;
  readonly timescaleHz: number;
  readonly #logs: readonly PartLog[];

  constructor(rendition: Rendition, info: StreamInfo, logs: TrackLogs) {
    this.rendition = rendition;
    this.info = info;
    this.timescaleHz =
      rendition === 'audio'
        ? (info.audio?.sampleRateHz ?? SEED_PROFILE.audio.sampleRateHz)
        : info.video.timescaleHz;
    this.#logs = tracksOf(rendition, info).map((track) => logs[track]);
  }

  /** The newest part of the rendition; `NO_ORDINAL` while a track has none. */
  get headOrdinal(): number {
    let head = Number.MAX_SAFE_INTEGER;
    for (const log of this.#logs) head = Math.min(head, log.headOrdinal);
    return head;
  }

  /** The first part of the oldest segment that the window holds whole and that belongs to this broadcast. */
  get firstOrdinal(): number {
    const perSegment = partsPerSegment(this.info);
    let first = this.info.firstMediaSequenceNumber * perSegment;
    for (const log of this.#logs) {
      if (log.firstOrdinal === NO_ORDINAL) return NO_ORDINAL;
      first = Math.max(first, log.firstOrdinal);
    }
    return Math.ceil(first / perSegment) * perSegment;
  }

  /** The part at a position from `firstOrdinal` to `headOrdinal`. */
  part(ordinal: number): TimelinePart {
    let gap = false;
    let independent = true;
    let durationTicks: number | undefined;
    for (const log of this.#logs) {
      const entry = log.entry(ordinal);
      if (!entry || entry.gap) gap = true;
      else independent &&= entry.independent;
      durationTicks ??= entry?.durationTicks;
    }
    return {
      durationTicks: durationTicks ?? this.#nominalTicks(ordinal),
      independent: !gap && independent,
      gap,
    };
  }

  /** The instant at which a part's first frame begins, in Unix milliseconds. */
  startMs(ordinal: number): number {
    if (this.rendition !== 'audio') return EPOCH_MS + ordinal * this.info.partMs;
    const { frameSampleCount } = SEED_PROFILE.audio;
    return ticksToUnixMs(this.#audioFrames(ordinal).firstFrameIndex * frameSampleCount, this.timescaleHz);
  }

  /** The duration of a part that nobody announced: what the grid says it would have been. */
  #nominalTicks(ordinal: number): number {
    if (this.rendition !== 'audio') return (this.timescaleHz * this.info.partMs) / 1000;
    return this.#audioFrames(ordinal).frameCount * SEED_PROFILE.audio.frameSampleCount;
  }

  #audioFrames(ordinal: number): { firstFrameIndex: number; frameCount: number } {
    return audioFramesOfPart(partFromOrdinal(ordinal, this.info), {
      ...SEED_PROFILE,
      segmentMs: this.info.segmentMs,
      partMs: this.info.partMs,
      audio: { ...SEED_PROFILE.audio, sampleRateHz: this.timescaleHz },
    });
  }
}
