/** Frames that no encoder made: real parameter sets, and slices whose content nobody decodes. */
import { type Profile, SEED_PROFILE } from '../../../domain/profile.ts';
import { partStartTicks } from '../../../domain/timeline.ts';
import type { EncodedFrame, EncoderConfig } from '../../../gpu-runner/media.ts';

/** x264, High profile, level 3.0, 640x360. */
export const SPS_HEX = '6764001eacb405017fcb08000003000800000301e478b175';
export const PPS_HEX = '68ef3cb0';

export const ENCODER: EncoderConfig = {
  videoExtradata: Buffer.from(`00000001${SPS_HEX}00000001${PPS_HEX}`, 'hex'),
  // AAC-LC, 48 kHz, stereo, with the sync extension that FFmpeg writes.
  audioSpecificConfig: Buffer.from('119056e500', 'hex'),
};

export const PROFILE = SEED_PROFILE;
export const FIRST_SEGMENT = 56_000_000;

/** Annex B with one slice. `tag` makes the bytes of two frames differ. */
export function sliceAccessUnit(independent: boolean, tag: number): Uint8Array {
  return Uint8Array.of(0, 0, 0, 1, independent ? 0x65 : 0x41, 0x88, tag & 0xff, (tag >> 8) & 0xff, 0x80);
}

/** The video frame `index` after the start of FIRST_SEGMENT; one IDR a segment. */
export function videoFrame(index: number, profile: Profile = PROFILE): EncodedFrame {
  const { timescaleHz, frameRate } = profile.video;
  const durationTicks = timescaleHz / frameRate;
  const start = partStartTicks({ mediaSequenceNumber: FIRST_SEGMENT, partIndex: 0 }, timescaleHz, profile);
  const independent = (index * 1000) % (frameRate * profile.segmentMs) === 0;
  return {
    track: 'video',
    decodeTimeTicks: start + index * durationTicks,
    durationTicks,
    independent,
    bytes: sliceAccessUnit(independent, index),
  };
}

/** The audio frame `index` of those that start at or after the start of FIRST_SEGMENT. */
export function audioFrame(index: number, profile: Profile = PROFILE): EncodedFrame {
  const { sampleRateHz, frameSampleCount } = profile.audio;
  const start = partStartTicks({ mediaSequenceNumber: FIRST_SEGMENT, partIndex: 0 }, sampleRateHz, profile);
  return {
    track: 'audio',
    decodeTimeTicks: (Math.ceil(start / frameSampleCount) + index) * frameSampleCount,
    durationTicks: frameSampleCount,
    independent: true,
    bytes: Uint8Array.of(0x21, index & 0xff, (index >> 8) & 0xff, 0x1c),
  };
}

export function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
