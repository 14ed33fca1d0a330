/** Streams and parts for tests: the seed profile's grid, and parts as the runner announces them. */
import type { PartEntry, StreamInfo } from '../../../domain/live-edge.ts';
import { SEED_PROFILE } from '../../../domain/profile.ts';
import type { Track } from '../../../domain/renditions.ts';
import { audioFramesOfPart, partFromOrdinal } from '../../../domain/timeline.ts';

export const PARTS_PER_SEGMENT = 5;
/** 2026-11-22, about: numbers as large as they are in life. */
export const FIRST_MSN = 56_266_000;
export const FIRST_ORDINAL = FIRST_MSN * PARTS_PER_SEGMENT;

export const SAMPLE_INFO: StreamInfo = {
  segmentMs: 500,
  partMs: 100,
  video: {
    codecs: 'avc1.42c01e',
    widthPx: 640,
    heightPx: 360,
    frameRate: 30,
    timescaleHz: 90_000,
    bitrateBps: 400_000,
  },
  audio: { codecs: 'mp4a.40.2', sampleRateHz: 48_000, channelCount: 2, bitrateBps: 64_000 },
  firstMediaSequenceNumber: FIRST_MSN,
};

const { audio: _audio, ...withoutAudio } = SAMPLE_INFO;
export const SILENT_INFO: StreamInfo = withoutAudio;

export function samplePart(track: Track, ordinal: number, overrides: Partial<PartEntry> = {}): PartEntry {
  const position = partFromOrdinal(ordinal, SAMPLE_INFO);
  const durationTicks =
    track === 'video' ? 9_000 : audioFramesOfPart(position, SEED_PROFILE).frameCount * 1024;
  return {
    ...position,
    durationTicks,
    independent: track === 'audio' || position.partIndex === 0,
    byteCount: 100,
    gap: false,
    ...overrides,
  };
}

export function sampleGap(track: Track, ordinal: number): PartEntry {
  return samplePart(track, ordinal, { gap: true, byteCount: 0, independent: false });
}
