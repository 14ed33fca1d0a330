/**
 * The rendition profile: every number that the runner, the origin and the player must agree on. Change the
 * part duration here and nowhere else.
 */

export interface VideoProfile {
  readonly widthPx: number;
  readonly heightPx: number;
  /** Frames per second on the grid. 25 is absent because it does not divide into 100 ms parts. */
  readonly frameRate: 30 | 50 | 60;
  readonly bitrateBps: number;
  readonly timescaleHz: number;
}

export interface AudioProfile {
  readonly sampleRateHz: number;
  readonly channelCount: number;
  readonly bitrateBps: number;
  /** Samples per AAC-LC access unit (ISO 14496-3 §4.5.1.1). */
  readonly frameSampleCount: number;
}

export interface Profile {
  readonly segmentMs: number;
  readonly partMs: number;
  readonly video: VideoProfile;
  readonly audio: AudioProfile;
}

export const SEED_PROFILE: Profile = {
  segmentMs: 500,
  partMs: 100,
  video: { widthPx: 640, heightPx: 360, frameRate: 30, bitrateBps: 400_000, timescaleHz: 90_000 },
  audio: { sampleRateHz: 48_000, channelCount: 2, bitrateBps: 64_000, frameSampleCount: 1024 },
};

/** How long a picture of the rendition stands. */
export const FRAME_MS = 1000 / SEED_PROFILE.video.frameRate;

/**
 * A picture whose camera tells when it was captured lies on the grid so long after that, in every stream, so that
 * all show the same instant however long each was on its way. It is about what SRT at its usual latency and a
 * decoder take, so that such feeds are in step with those whose cameras tell nothing too. Larger holds slower
 * cameras in step and delays the others by as much: a feed may be 300 ms later than this and is in step still.
 */
export const CAPTURE_TO_GRID_MS = 200;

/** Limits of the product as a whole. */
export const SEED_LIMITS = {
  streamCount: 25,
  viewerCount: 5_000,
  streamsPerViewer: 6,
  srtLatencyMs: 120,
} as const;

export function profileWithFrameRate(frameRate: VideoProfile['frameRate'], base = SEED_PROFILE): Profile {
  return { ...base, video: { ...base.video, frameRate } };
}

/**
 * Checks the relations between the numbers of a profile.
 *
 * @returns the broken relations in words; empty when the profile is sound.
 */
export function profileProblems(profile: Profile): string[] {
  const { segmentMs, partMs, video, audio } = profile;
  const problems: string[] = [];
  const wholePositive = (value: number, name: string) => {
    if (!Number.isSafeInteger(value) || value <= 0)
      problems.push(`${name} must be a whole number above 0, got ${value}`);
  };
  wholePositive(segmentMs, 'segmentMs');
  wholePositive(partMs, 'partMs');
  wholePositive(video.timescaleHz, 'video.timescaleHz');
  wholePositive(audio.sampleRateHz, 'audio.sampleRateHz');
  if (problems.length > 0) return problems;
  if (segmentMs % partMs !== 0)
    problems.push(`a segment of ${segmentMs} ms is not whole parts of ${partMs} ms`);
  if ((video.frameRate * partMs) % 1000 !== 0)
    problems.push(`a part of ${partMs} ms is not whole frames at ${video.frameRate} fps`);
  if (video.timescaleHz % video.frameRate !== 0)
    problems.push(`one frame at ${video.frameRate} fps is not whole ticks of ${video.timescaleHz} Hz`);
  if ((audio.sampleRateHz * partMs) % 1000 !== 0)
    problems.push(`a part of ${partMs} ms is not whole samples at ${audio.sampleRateHz} Hz`);
  return problems;
}
