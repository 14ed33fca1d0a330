import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EPOCH_MS } from '../../../domain/timeline.ts';
import { codeRect, decodeClock } from '../../../tools/feeds/clock-code.ts';
import { FLASH_MS, type Planes, Scene } from '../../../tools/feeds/scene.ts';
import { Tone } from '../../../tools/feeds/tone.ts';

const SIZES = [
  [640, 360],
  [1280, 720],
  [720, 576],
  [360, 640],
  [426, 240],
] as const;

describe('scene', () => {
  test('the clock of each frame is read back from its luma, in every size and texture', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...SIZES),
        fc.constantFrom('plain' as const, 'noise' as const),
        fc.integer({ min: 0, max: 255 }),
        fc.array(fc.integer({ min: EPOCH_MS, max: EPOCH_MS + 2 ** 39 }), { minLength: 1, maxLength: 4 }),
        ([widthPx, heightPx], texture, feedNumber, instants) => {
          const scene = new Scene({ widthPx, heightPx, name: 'A', feedNumber, texture });
          const planes = newPlanes(widthPx, heightPx);
          for (const atMs of instants) {
            scene.draw(planes, atMs);
            const picture = { data: planes.data[0], widthPx, heightPx, channels: 1 as const };
            expect(decodeClock(picture, codeRect({ widthPx, heightPx }))).toEqual({ atMs, feedNumber });
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  test('a frame looks the same whatever was drawn before it: the disc leaves no trail', () => {
    const atMs = EPOCH_MS + 123_456;
    const fresh = drawn([atMs]);
    const after = drawn([atMs - 5_000, atMs - 40, atMs]);
    for (const plane of [0, 1, 2] as const)
      expect(Buffer.compare(fresh.data[plane], after.data[plane])).toBe(0);
  });

  test('feeds differ in colour, and rows are written where the stride says', () => {
    const first = drawn([EPOCH_MS], 0);
    const second = drawn([EPOCH_MS], 1);
    expect(Buffer.compare(first.data[1], second.data[1])).not.toBe(0);
    const strideBytes = 704;
    const wide: Planes = {
      data: [new Uint8Array(strideBytes * 360), new Uint8Array(352 * 180), new Uint8Array(352 * 180)],
      strideBytes: [strideBytes, 352, 352],
    };
    new Scene({ widthPx: 640, heightPx: 360, name: 'HARBOUR', feedNumber: 0 }).draw(wide, EPOCH_MS);
    for (let row = 0; row < 360; row++) {
      const expected = first.data[0].subarray(row * 640, (row + 1) * 640);
      expect(
        Buffer.compare(wide.data[0].subarray(row * strideBytes, row * strideBytes + 640), expected),
      ).toBe(0);
    }
  });

  test('the square is white exactly while the beep sounds', () => {
    const scene = new Scene({ widthPx: 640, heightPx: 360, name: 'A', feedNumber: 0 });
    const planes = newPlanes(640, 360);
    const tone = new Tone({ toneHz: 264, sampleRateHz: 48_000, beep: true });
    const samples = new Float32Array(480);
    for (const ms of [0, 30, 90, 110, 500, 990]) {
      scene.draw(planes, EPOCH_MS + 7_000 + ms);
      const square = planes.data[0][30 * 640 + 610] ?? 0;
      tone.read(48 * ms, samples);
      const loud = Math.max(...samples) > 0.3;
      expect(square > 200).toBe(ms < FLASH_MS);
      expect(loud).toBe(ms < FLASH_MS);
    }
  });
});

test('a tone that is read piece by piece is the same as read at once', () => {
  const tone = new Tone({ toneHz: 330, sampleRateHz: 48_000, beep: true });
  const whole = new Float32Array(96_000);
  tone.read(0, whole);
  const piece = new Float32Array(1024);
  for (let first = 0; first + 1024 <= 96_000; first += 1024) {
    tone.read(first, piece);
    expect(piece).toEqual(whole.slice(first, first + 1024));
  }
});

function drawn(instants: readonly number[], feedNumber = 0): Planes {
  const planes = newPlanes(640, 360);
  const scene = new Scene({ widthPx: 640, heightPx: 360, name: 'HARBOUR', feedNumber });
  for (const atMs of instants) scene.draw(planes, atMs);
  return planes;
}

function newPlanes(widthPx: number, heightPx: number): Planes {
  const chroma = () => new Uint8Array((widthPx / 2) * (heightPx / 2));
  return {
    data: [new Uint8Array(widthPx * heightPx), chroma(), chroma()],
    strideBytes: [widthPx, widthPx / 2, widthPx / 2],
  };
}
