import { Frame } from 'node-av/lib';
import { describe, expect, test } from 'vitest';
import type { Log } from '../../../domain/log.ts';
import { SEED_PROFILE } from '../../../domain/profile.ts';
import type { EncodedFrame } from '../../../gpu-runner/media.ts';
import { PictureOutput } from '../../../gpu-runner/transcode/picture-output.ts';

const FRAME_MS = 1000 / SEED_PROFILE.video.frameRate;
const silent: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
};

/** An output whose encoder takes as long as the test says. */
function makeOutput(encode: () => Promise<void>) {
  const frames: EncodedFrame[] = [];
  const skips: number[] = [];
  const counters = { repeatedFrameCount: 0, droppedFrameCount: 0, skippedPartCount: 0 };
  const output = new PictureOutput(0, {
    profile: SEED_PROFILE,
    encoder: {
      encode: async (_picture, slot) => {
        await encode();
        return { slot, keyframe: slot % 15 === 0, bytes: new Uint8Array(1) };
      },
    },
    signalLoss: 'last-picture',
    log: silent,
    counters,
    onFrame: (frame) => frames.push(frame),
    onSkip: (toMs) => skips.push(toMs),
    onError: (error) => {
      throw error;
    },
  });
  return { output, frames, skips, counters };
}

function newPicture(): Frame {
  const frame = new Frame();
  frame.alloc();
  return frame;
}

const slotsOf = (frames: readonly EncodedFrame[]) =>
  frames.map((frame) => (frame.decodeTimeTicks * 30) / 90_000);
const settle = async () => {
  for (let turns = 0; turns < 500; turns++) await Promise.resolve();
};

describe('PictureOutput', () => {
  test('a repeat that falls due while a picture is still being scaled comes after it', async () => {
    const { output, frames, counters } = makeOutput(() => Promise.resolve());
    const first = output.place(0);
    output.fill(3 * FRAME_MS, false, (filler) => (filler.nextSlot + 1) * FRAME_MS);
    await settle();
    expect(frames).toHaveLength(0);
    first?.fulfil(newPicture());
    await settle();
    expect(slotsOf(frames)).toEqual([0, 1, 2]);
    expect(counters.repeatedFrameCount).toBe(2);
    await output.close();
  });

  test('an encoder that stands still: whole parts are given up to a segment start, and counted', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { output, frames, skips, counters } = makeOutput(() => held);
    output.place(0)?.fulfil(newPicture());
    const due = (filler: { nextSlot: number }) => (filler.nextSlot + 1) * FRAME_MS;
    for (let nowMs = 0; nowMs <= 1_600; nowMs += 10) output.fill(nowMs, false, due);
    expect(skips).toHaveLength(1);
    expect(skips[0]).toBe(1_500);
    // Slot 0 is in the encoder; all that waited behind it is given up.
    expect(counters.skippedPartCount).toBeGreaterThanOrEqual(14);
    release();
    await settle();
    for (let nowMs = 1_600; nowMs <= 2_000; nowMs += 10) output.fill(nowMs, false, due);
    await settle();
    const slots = slotsOf(frames);
    expect(slots.slice(0, 3)).toEqual([0, 45, 46]);
    expect(slots).toEqual([...slots].sort((a, b) => a - b));
    expect(frames[1]?.independent).toBe(true);
    await output.close();
  });

  test('a place that gets no picture after all shows the last one', async () => {
    const { output, frames } = makeOutput(() => Promise.resolve());
    output.place(0)?.fulfil(newPicture());
    output.place(FRAME_MS)?.fulfil(undefined);
    await settle();
    expect(slotsOf(frames)).toEqual([0, 1]);
    await output.close();
  });
});
