import { describe, expect, test } from 'vitest';
import { SEED_PROFILE } from '../../../domain/profile.ts';
import { audioFramesOfPart, partOfTicks } from '../../../domain/timeline.ts';
import type { EncodedSound } from '../../../gpu-runner/transcode/audio-encoder.ts';
import { SoundOutput } from '../../../gpu-runner/transcode/sound-output.ts';

const { sampleRateHz, frameSampleCount } = SEED_PROFILE.audio;
const FRAME_MS = (frameSampleCount * 1000) / sampleRateHz;

const FIRST_SEGMENT = 1_000;
/** The first frame that starts in that segment. */
const FIRST_FRAME = audioFramesOfPart(
  { mediaSequenceNumber: FIRST_SEGMENT, partIndex: 0 },
  SEED_PROFILE,
).firstFrameIndex;

/** An output with an encoder that hands out each access unit one frame late. */
function makeOutput() {
  const delivered: number[] = [];
  const output = new SoundOutput(FIRST_SEGMENT, {
    profile: SEED_PROFILE,
    encoder: {
      encode: (_samples: Float32Array, frameIndex: number): EncodedSound => ({
        frameIndex: frameIndex - 1,
        bytes: new Uint8Array(1),
      }),
    },
    onFrame: (frame) => delivered.push(frame.decodeTimeTicks / frameSampleCount),
    onError: (error) => {
      throw error;
    },
  });
  const write = (frame: number, nowMs: number) =>
    output.write(
      {
        firstSample: frame * frameSampleCount,
        planes: [new Float32Array(frameSampleCount), new Float32Array(frameSampleCount)],
        sampleCount: frameSampleCount,
      },
      nowMs,
    );
  return { output, delivered, write };
}

/** The last frame of the part in which this one starts. */
function lastFrameOfPart(frame: number): number {
  const part = partOfTicks(frame * frameSampleCount, sampleRateHz, SEED_PROFILE);
  const { firstFrameIndex, frameCount } = audioFramesOfPart(part, SEED_PROFILE);
  return firstFrameIndex + frameCount - 1;
}

describe('SoundOutput', () => {
  test('a part is encoded in one run, the moment that the frame after its last is there', () => {
    const { output, delivered, write } = makeOutput();
    const deliveredWith: { frame: number; frames: number[] }[] = [];
    for (let frame = FIRST_FRAME - 1; frame < FIRST_FRAME + 200; frame++) {
      const nowMs = (frame + 1) * FRAME_MS;
      write(frame, nowMs);
      output.fill(nowMs, true);
      if (delivered.length > 0) deliveredWith.push({ frame, frames: delivered.splice(0) });
    }
    expect(deliveredWith.length).toBeGreaterThan(40);
    expect(deliveredWith.flatMap(({ frames }) => frames)).toEqual(
      Array.from({ length: (deliveredWith.at(-1)?.frame ?? 0) - FIRST_FRAME }, (_, at) => FIRST_FRAME + at),
    );
    for (const { frame, frames } of deliveredWith) {
      expect(frames.at(-1)).toBe(frame - 1);
      expect(lastFrameOfPart(frames[0] ?? 0)).toBe(frame - 1);
    }
  });

  test('sound that stays away holds its part no longer than the feed usually is late', () => {
    const { output, delivered, write } = makeOutput();
    const latenessMs = 30;
    for (let frame = FIRST_FRAME - 1; frame < FIRST_FRAME + 10; frame++)
      write(frame, (frame + 1) * FRAME_MS + latenessMs);
    const dueMs = output.fill((FIRST_FRAME + 10) * FRAME_MS + latenessMs, true);
    const last = delivered.at(-1) ?? 0;
    const missing = lastFrameOfPart(last + 1);
    // The frame after it ends there: its samples would have come by then.
    const endMs = (missing + 2) * FRAME_MS;
    expect(dueMs).toBeGreaterThan(endMs + latenessMs);
    expect(dueMs).toBeLessThan(endMs + latenessMs + 50);
    output.fill(dueMs - 1, true);
    expect(delivered.at(-1)).toBe(last);
    output.fill(dueMs, true);
    expect(delivered.at(-1)).toBe(missing);
  });

  test('silence is known in advance: a part of it is there before it ends', () => {
    const { output, delivered } = makeOutput();
    const last = lastFrameOfPart(FIRST_FRAME + 40);
    output.fill((last + 1) * FRAME_MS, false);
    expect(delivered.at(-1)).toBeGreaterThanOrEqual(last);
  });
});
