import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EPOCH_MS } from '../../../domain/timeline.ts';
import {
  type ClockReading,
  CODE_COLUMNS,
  CODE_ROWS,
  codeRect,
  codeRectInOutput,
  decodeClock,
  encodeCells,
  type PictureSize,
} from '../../../tools/feeds/clock-code.ts';
import { Random } from '../../../tools/feeds/random.ts';

const readings = fc.record({
  atMs: fc.integer({ min: EPOCH_MS, max: EPOCH_MS + 2 ** 40 - 1 }),
  feedNumber: fc.integer({ min: 0, max: 255 }),
});
const sizes = fc.constantFrom<[number, number][]>(
  [640, 360],
  [1920, 1080],
  [3840, 2160],
  [720, 576],
  [1080, 1920],
  [1000, 1000],
  [426, 240],
);

describe('machine-readable clock', () => {
  test('what was written is read, in every size, under noise, dimmed and brightened', () => {
    fc.assert(
      fc.property(
        readings,
        sizes,
        fc.integer({ min: 1, max: 2 ** 31 }),
        fc.double({ min: 0.3, max: 1, noNaN: true }),
        (reading, [widthPx, heightPx], seed, gain) => {
          const picture = paint(reading, { widthPx, heightPx }, { seed, gain, noise: 50 * gain });
          expect(decodeClock(picture, codeRect({ widthPx, heightPx }))).toEqual(reading);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('a source fitted with bars into another size is read at the place that the geometry says', () => {
    fc.assert(
      fc.property(
        readings,
        sizes,
        fc.constantFrom(1, 16 / 11, 12 / 11, 8 / 9),
        (reading, [widthPx, heightPx], sampleAspectRatio) => {
          const source: PictureSize = { widthPx, heightPx, sampleAspectRatio };
          const output: PictureSize = { widthPx: 640, heightPx: 360 };
          const rect = codeRectInOutput(source, output);
          const picture = paintAt(reading, output, rect, { seed: 1, gain: 1, noise: 20 });
          expect(decodeClock(picture, rect)).toEqual(reading);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('RGBA pixels are read like luma', () => {
    const reading = { atMs: EPOCH_MS + 28_000_000_123, feedNumber: 5 };
    const size = { widthPx: 640, heightPx: 360 };
    const luma = paint(reading, size, { seed: 3, gain: 1, noise: 10 }).data;
    const rgba = new Uint8ClampedArray(luma.length * 4);
    for (const [at, level] of luma.entries()) rgba.fill(level, at * 4, at * 4 + 3);
    expect(decodeClock({ data: rgba, ...size, channels: 4 }, codeRect(size))).toEqual(reading);
  });

  test('one wrong cell anywhere makes the picture unreadable instead of wrong', () => {
    const reading = { atMs: EPOCH_MS + 1_234_567_890, feedNumber: 77 };
    const size = { widthPx: 640, heightPx: 360 };
    const rect = codeRect(size);
    for (let cell = 0; cell < CODE_COLUMNS * CODE_ROWS; cell++) {
      const picture = paint(reading, size, { seed: 1, gain: 1, noise: 0, flip: cell });
      expect(decodeClock(picture, rect)).toBeUndefined();
    }
  });

  test('neighbouring milliseconds differ in one cell besides the checksum', () => {
    const at = (atMs: number) => encodeCells({ atMs, feedNumber: 0 }).slice(0, CODE_COLUMNS * 4);
    for (let ms = EPOCH_MS + 5_000; ms < EPOCH_MS + 5_100; ms++) {
      const [before, after] = [at(ms), at(ms + 1)];
      expect(before.reduce((sum, bit, index) => sum + (bit === after[index] ? 0 : 1), 0)).toBe(1);
    }
  });

  test('noise, a flat picture and a rectangle outside the picture hold no code', () => {
    const size = { widthPx: 640, heightPx: 360 };
    const random = new Random(9);
    const noise = Uint8Array.from({ length: 640 * 360 }, () => random.next() * 256);
    expect(decodeClock({ data: noise, ...size, channels: 1 }, codeRect(size))).toBeUndefined();
    const flat = new Uint8Array(640 * 360).fill(90);
    expect(decodeClock({ data: flat, ...size, channels: 1 }, codeRect(size))).toBeUndefined();
    const outside = { x: 600, y: 300, width: 216, height: 72 };
    expect(decodeClock({ data: flat, ...size, channels: 1 }, outside)).toBeUndefined();
  });

  test('instants and feed numbers that do not fit are refused', () => {
    expect(() => encodeCells({ atMs: EPOCH_MS - 1, feedNumber: 0 })).toThrow(RangeError);
    expect(() => encodeCells({ atMs: EPOCH_MS, feedNumber: 256 })).toThrow(RangeError);
  });
});

interface Damage {
  readonly seed: number;
  readonly gain: number;
  /** Greatest change of a level, up or down. */
  readonly noise: number;
  readonly flip?: number;
}

function paint(reading: ClockReading, size: PictureSize, damage: Damage) {
  return paintAt(reading, size, codeRect(size), damage);
}

function paintAt(
  reading: ClockReading,
  { widthPx, heightPx }: PictureSize,
  rect: { x: number; y: number; width: number; height: number },
  { seed, gain, noise, flip }: Damage,
) {
  const cells = encodeCells(reading);
  if (flip !== undefined) cells[flip] = 1 - (cells[flip] ?? 0);
  const random = new Random(seed);
  const data = new Uint8ClampedArray(widthPx * heightPx).fill(60);
  for (let y = Math.floor(rect.y); y < rect.y + rect.height; y++) {
    for (let x = Math.floor(rect.x); x < rect.x + rect.width; x++) {
      const column = Math.floor(((x + 0.5 - rect.x) / rect.width) * CODE_COLUMNS);
      const row = Math.floor(((y + 0.5 - rect.y) / rect.height) * CODE_ROWS);
      if (column < 0 || row < 0 || column >= CODE_COLUMNS || row >= CODE_ROWS) continue;
      const level = (cells[row * CODE_COLUMNS + column] ? 235 : 16) * gain;
      data[y * widthPx + x] = level + (random.next() * 2 - 1) * noise;
    }
  }
  return { data, widthPx, heightPx, channels: 1 as const };
}
