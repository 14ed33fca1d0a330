import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { profileProblems, profileWithFrameRate, SEED_PROFILE } from '../../../domain/profile.ts';
import {
  audioFramesOfPart,
  EPOCH_MS,
  nextPart,
  partAt,
  partFromOrdinal,
  partOfTicks,
  partOrdinal,
  partStartMs,
  partStartTicks,
  programDateTime,
  segmentStartMs,
  ticksAt,
  ticksToUnixMs,
} from '../../../domain/timeline.ts';

/** Instants from 2026 to 2126. */
const instantMs = fc.integer({ min: EPOCH_MS, max: EPOCH_MS + 100 * 366 * 86_400_000 });
const ordinal = fc.integer({ min: 0, max: 32_000_000_000 });
const { video, audio } = SEED_PROFILE;

describe('the grid', () => {
  test('segment 0 begins at 2026-01-01T00:00:00Z', () => {
    expect(programDateTime(segmentStartMs(0, SEED_PROFILE))).toBe('2026-01-01T00:00:00.000Z');
    expect(partAt(EPOCH_MS, SEED_PROFILE)).toEqual({ mediaSequenceNumber: 0, partIndex: 0 });
  });

  test('the last millisecond of a segment belongs to its last part', () => {
    expect(partAt(EPOCH_MS + 499, SEED_PROFILE)).toEqual({ mediaSequenceNumber: 0, partIndex: 4 });
    expect(partAt(EPOCH_MS + 500, SEED_PROFILE)).toEqual({ mediaSequenceNumber: 1, partIndex: 0 });
  });

  test('every instant lies within the part that is named for it', () => {
    fc.assert(
      fc.property(instantMs, (unixMs) => {
        const startMs = partStartMs(partAt(unixMs, SEED_PROFILE), SEED_PROFILE);
        expect(startMs).toBeLessThanOrEqual(unixMs);
        expect(unixMs).toBeLessThan(startMs + SEED_PROFILE.partMs);
      }),
    );
  });

  test('ordinals count parts without a hole across segments', () => {
    fc.assert(
      fc.property(ordinal, (n) => {
        const position = partFromOrdinal(n, SEED_PROFILE);
        expect(partOrdinal(position, SEED_PROFILE)).toBe(n);
        expect(partOrdinal(nextPart(position, SEED_PROFILE), SEED_PROFILE)).toBe(n + 1);
      }),
    );
  });

  test('a part begins at the same instant in milliseconds, video ticks and audio samples', () => {
    fc.assert(
      fc.property(ordinal, (n) => {
        const position = partFromOrdinal(n, SEED_PROFILE);
        const startMs = partStartMs(position, SEED_PROFILE);
        for (const timescaleHz of [video.timescaleHz, audio.sampleRateHz]) {
          const ticks = partStartTicks(position, timescaleHz, SEED_PROFILE);
          expect(Number.isSafeInteger(ticks)).toBe(true);
          expect(ticksToUnixMs(ticks, timescaleHz)).toBeCloseTo(startMs, 3);
          expect(ticksAt(startMs, timescaleHz)).toBe(ticks);
          expect(partOfTicks(ticks, timescaleHz, SEED_PROFILE)).toEqual(position);
          expect(partOfTicks(ticks - 1, timescaleHz, SEED_PROFILE)).toEqual(
            partFromOrdinal(n - 1, SEED_PROFILE),
          );
        }
      }),
    );
  });
});

describe('audio frames of a part', () => {
  test('a part holds the frames that start in it, 4 or 5, and each frame lies in exactly one part', () => {
    fc.assert(
      fc.property(ordinal, (n) => {
        const here = audioFramesOfPart(partFromOrdinal(n, SEED_PROFILE), SEED_PROFILE);
        const next = audioFramesOfPart(partFromOrdinal(n + 1, SEED_PROFILE), SEED_PROFILE);
        expect([4, 5]).toContain(here.frameCount);
        expect(here.firstFrameIndex + here.frameCount).toBe(next.firstFrameIndex);
        for (let k = 0; k < here.frameCount; k++) {
          const startTicks = (here.firstFrameIndex + k) * audio.frameSampleCount;
          expect(partOrdinal(partOfTicks(startTicks, audio.sampleRateHz, SEED_PROFILE), SEED_PROFILE)).toBe(
            n,
          );
        }
      }),
    );
  });
});

describe('the relations of a profile', () => {
  test('the seed profile is sound at 30, 50 and 60 fps', () => {
    for (const frameRate of [30, 50, 60] as const) {
      expect(profileProblems(profileWithFrameRate(frameRate))).toEqual([]);
    }
  });

  test('a segment that is not whole parts is refused in words', () => {
    expect(profileProblems({ ...SEED_PROFILE, segmentMs: 450 })).toEqual([
      'a segment of 450 ms is not whole parts of 100 ms',
    ]);
  });

  test('a part that is not whole frames is refused, as 25 fps would be', () => {
    const at25 = { ...SEED_PROFILE, video: { ...video, frameRate: 25 as unknown as 30 } };
    expect(profileProblems(at25)).toEqual(['a part of 100 ms is not whole frames at 25 fps']);
  });

  test('a part of 0 ms is refused before anything is divided by it', () => {
    expect(profileProblems({ ...SEED_PROFILE, partMs: 0 })).toEqual([
      'partMs must be a whole number above 0, got 0',
    ]);
  });
});
