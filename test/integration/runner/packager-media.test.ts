/** The packager's bytes before two independent judges: FFmpeg and mp4box. */
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../../domain/cmaf/box.ts';
import { joinInitSegments } from '../../../domain/cmaf/join-init-segments.ts';
import { type Profile, profileWithFrameRate } from '../../../domain/profile.ts';
import type { Track } from '../../../domain/renditions.ts';
import { partOrdinal, partStartTicks } from '../../../domain/timeline.ts';
import type { PackagedPart } from '../../../gpu-runner/media.ts';
import { Packager } from '../../../gpu-runner/packager/packager.ts';
import { encodePattern, judge } from './pattern-frames.ts';

const FIRST_SEGMENT = 56_000_000;
const SEGMENT_COUNT = 4;

async function packagePattern(profile: Profile) {
  const media = await encodePattern({
    profile,
    firstMediaSequenceNumber: FIRST_SEGMENT,
    segmentCount: SEGMENT_COUNT,
  });
  const packager = new Packager({ profile, encoder: media.encoder });
  const parts = media.frames.flatMap((frame) => packager.push(frame, 0));
  return { media, packager, parts };
}

function bytesOf(parts: readonly PackagedPart[], track: Track): Uint8Array[] {
  return parts
    .filter((part) => part.track === track)
    .map((part) => {
      if (!part.bytes) throw new Error('a gap where none was expected');
      return part.bytes;
    });
}

it('the judge is awake: it complains of a damaged part', async () => {
  const { packager, parts } = await packagePattern(profileWithFrameRate(30));
  const [first = new Uint8Array(), ...rest] = bytesOf(parts, 'video');
  first.fill(0xa5, 400, 900);
  const judgement = await judge(concatBytes([packager.initSegments.video, first, ...rest]));
  expect(judgement.complaints).not.toEqual([]);
});

describe.each([30, 50, 60] as const)('at %i fps', (frameRate) => {
  const profile = profileWithFrameRate(frameRate);

  it('FFmpeg reads and decodes each track without a warning, at the times of the grid', async () => {
    const { media, packager, parts } = await packagePattern(profile);
    for (const track of ['video', 'audio'] as const) {
      const judgement = await judge(concatBytes([packager.initSegments[track], ...bytesOf(parts, track)]));
      const frames = media.frames.filter((frame) => frame.track === track);
      expect(judgement.complaints).toEqual([]);
      expect(judgement.tracks[track]).toEqual({
        frameCount: frames.length,
        packetCount: frames.length,
        firstPtsTicks: frames[0]?.decodeTimeTicks,
        lastPtsTicks: frames.at(-1)?.decodeTimeTicks,
      });
    }
  });

  it('FFmpeg opens the joined rendition with both tracks in step', async () => {
    const { media, packager, parts } = await packagePattern(profile);
    const ordered = [...parts].sort(
      (one, other) =>
        partOrdinal(one, profile) - partOrdinal(other, profile) || (one.track === 'video' ? -1 : 1),
    );
    const init = joinInitSegments(packager.initSegments.video, packager.initSegments.audio);
    const judgement = await judge(
      concatBytes([init, ...ordered.map((part) => part.bytes ?? new Uint8Array())]),
    );
    expect(judgement.complaints).toEqual([]);
    for (const track of ['video', 'audio'] as const) {
      const frames = media.frames.filter((frame) => frame.track === track);
      expect(judgement.tracks[track]?.frameCount).toBe(frames.length);
      expect(judgement.tracks[track]?.firstPtsTicks).toBe(frames[0]?.decodeTimeTicks);
    }
    const { timescaleHz } = profile.video;
    expect(judgement.tracks.video?.firstPtsTicks).toBe(
      partStartTicks({ mediaSequenceNumber: FIRST_SEGMENT, partIndex: 0 }, timescaleHz, profile),
    );
  });
});
