/** The durations that every playlist of a stream states, derived from the stream's grid (DESIGN: HLS rules). */
import type { StreamInfo } from '../live-edge.ts';
import { SEED_PROFILE } from '../profile.ts';
import type { Rendition } from '../renditions.ts';
import { partsPerSegment } from '../timeline.ts';
import { renditionsOf } from './rendition-timeline.ts';

/**
 * What a playlist lists, at most. A segment that left the playlist must stay available for its own duration
 * and that of the longest playlist that held it (rfc8216bis §6.2.2), and the origin holds 30 s: so 12 s.
 */
export const PLAYLIST_MS = 12_000;

export interface HlsRules {
  readonly partsPerSegment: number;
  /** rfc8216bis §4.4.3.1: no EXTINF, rounded, may exceed it. */
  readonly targetDurationS: number;
  /** rfc8216bis §4.4.3.7: no part may exceed it. */
  readonly partTargetS: Readonly<Record<Rendition, number>>;
  /** rfc8216bis §4.4.3.8: at least three times the part target; the same in every playlist of the stream. */
  readonly partHoldBackS: number;
  /** rfc8216bis §4.4.3.8: at least three times the target duration. */
  readonly holdBackS: number;
  /** rfc8216bis §4.4.3.8: at least six times the target duration. */
  readonly canSkipUntilS: number;
  /** Segments that a playlist lists, the one in the making not counted. */
  readonly segmentCount: number;
}

export function hlsRulesOf(info: StreamInfo): HlsRules {
  const targetDurationS = Math.max(1, Math.ceil(info.segmentMs / 1000));
  const partTargetS = {
    video: info.partMs / 1000,
    av: info.partMs / 1000,
    audio: longestAudioPartS(info),
  };
  const longestPartMs = Math.max(...renditionsOf(info).map((rendition) => partTargetS[rendition] * 1000));
  return {
    partsPerSegment: partsPerSegment(info),
    targetDurationS,
    partTargetS,
    partHoldBackS: partHoldBackS(longestPartMs),
    holdBackS: 3 * targetDurationS,
    canSkipUntilS: 6 * targetDurationS,
    segmentCount: Math.ceil(PLAYLIST_MS / info.segmentMs),
  };
}

/** Three part targets. A client that computes `3 * 0.1` gets a little more than 0.3, and must not find us below. */
function partHoldBackS(longestPartMs: number): number {
  const exactS = Math.round(3 * longestPartMs) / 1000;
  return exactS >= 3 * (longestPartMs / 1000) ? exactS : exactS + 0.001;
}

/**
 * An audio part holds the frames that start in its interval, so it may be longer than the interval by almost
 * one frame: 5 frames of 21.33 ms for 100 ms. Rounded up to whole milliseconds.
 */
function longestAudioPartS(info: StreamInfo): number {
  const { frameSampleCount } = SEED_PROFILE.audio;
  const sampleRateHz = info.audio?.sampleRateHz ?? SEED_PROFILE.audio.sampleRateHz;
  const frameCount = Math.ceil((sampleRateHz * info.partMs) / 1000 / frameSampleCount);
  return Math.ceil((frameCount * frameSampleCount * 1000) / sampleRateHz) / 1000;
}
