import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Log } from '../../../domain/log.ts';
import { SEED_PROFILE } from '../../../domain/profile.ts';
import { transcodeErrors } from '../../../gpu-runner/transcode/errors.ts';
import { chooseHardware } from '../../../gpu-runner/transcode/hardware.ts';
import { drawNoSignal, slatePicture } from '../../../gpu-runner/transcode/no-signal.ts';
import { fitInto } from '../../../gpu-runner/transcode/picture-graph.ts';
import { RateMeter } from '../../../gpu-runner/transcode/rate-meter.ts';
import { SerialQueue } from '../../../gpu-runner/transcode/serial-queue.ts';

const TARGET = SEED_PROFILE.video;

describe('fitInto', () => {
  test.each([
    { name: '16:9', source: { widthPx: 1920, heightPx: 1080, pixelAspect: 1 }, fit: [640, 360, 0, 0] },
    { name: '4:3', source: { widthPx: 640, heightPx: 480, pixelAspect: 1 }, fit: [480, 360, 80, 0] },
    {
      name: 'PAL with wide pixels',
      source: { widthPx: 720, heightPx: 576, pixelAspect: 64 / 45 },
      fit: [640, 360, 0, 0],
    },
    { name: 'portrait', source: { widthPx: 1080, heightPx: 1920, pixelAspect: 1 }, fit: [202, 360, 218, 0] },
    { name: 'cinema', source: { widthPx: 2048, heightPx: 858, pixelAspect: 1 }, fit: [640, 268, 0, 46] },
  ])('$name', ({ source, fit }) => {
    const { widthPx, heightPx, leftPx, topPx } = fitInto(source, TARGET);
    expect([widthPx, heightPx, leftPx, topPx]).toEqual(fit);
  });

  test('any size and pixel shape: even numbers, inside the frame, one side filled, shape kept', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 16, max: 8192 }),
        fc.integer({ min: 16, max: 8192 }),
        fc.double({ min: 0.3, max: 3, noNaN: true }),
        (widthPx, heightPx, pixelAspect) => {
          const fit = fitInto({ widthPx, heightPx, pixelAspect }, TARGET);
          for (const value of [fit.widthPx, fit.heightPx, fit.leftPx, fit.topPx])
            expect(Math.abs(value % 2)).toBe(0);
          expect(fit.leftPx).toBeGreaterThanOrEqual(0);
          expect(fit.topPx).toBeGreaterThanOrEqual(0);
          expect(fit.leftPx + fit.widthPx).toBeLessThanOrEqual(TARGET.widthPx);
          expect(fit.topPx + fit.heightPx).toBeLessThanOrEqual(TARGET.heightPx);
          expect(fit.widthPx === TARGET.widthPx || fit.heightPx === TARGET.heightPx).toBe(true);
          const aspect = (widthPx * pixelAspect) / heightPx;
          const exactWidth = Math.min(TARGET.widthPx, TARGET.heightPx * aspect);
          const exactHeight = Math.min(TARGET.heightPx, TARGET.widthPx / aspect);
          expect(Math.abs(fit.widthPx - Math.max(2, exactWidth))).toBeLessThanOrEqual(1.01);
          expect(Math.abs(fit.heightPx - Math.max(2, exactHeight))).toBeLessThanOrEqual(1.01);
        },
      ),
    );
  });
});

describe('NO SIGNAL', () => {
  const size = { widthPx: 640, heightPx: 360 };
  const lumaCount = size.widthPx * size.heightPx;

  test('the last picture is dimmed to a third of its contrast and loses its colour', () => {
    const bytes = new Uint8Array(lumaCount * 1.5).fill(235, 0, lumaCount).fill(200, lumaCount);
    drawNoSignal({ ...size, bytes });
    expect(bytes[0]).toBe(Math.floor(16 + 219 * 0.3));
    expect(bytes[lumaCount]).toBe(Math.floor(128 + 72 * 0.3));
  });

  test('the words are bright, centred and two thirds of the width', () => {
    const { bytes } = slatePicture(size);
    const bright: number[] = [];
    for (let at = 0; at < lumaCount; at++) if (bytes[at] === 235) bright.push(at);
    const columns = bright.map((at) => at % size.widthPx);
    const rows = bright.map((at) => Math.floor(at / size.widthPx));
    const [left, right] = [
      columns.reduce((a, b) => Math.min(a, b)),
      columns.reduce((a, b) => Math.max(a, b)),
    ];
    const [top, bottom] = [rows.reduce((a, b) => Math.min(a, b)), rows.reduce((a, b) => Math.max(a, b))];
    expect(Math.abs(left + right + 1 - size.widthPx)).toBeLessThanOrEqual(2);
    expect(Math.abs(top + bottom + 1 - size.heightPx)).toBeLessThanOrEqual(2);
    expect((right - left) / size.widthPx).toBeGreaterThan(0.55);
    expect((right - left) / size.widthPx).toBeLessThan(0.7);
  });

  test('the words read NO SIGNAL', () => {
    const { bytes } = slatePicture({ widthPx: 80, heightPx: 7 });
    const rows = Array.from({ length: 7 }, (_, row) =>
      Array.from({ length: 80 }, (__, column) => (bytes[row * 80 + column] === 235 ? '#' : '.')).join(''),
    );
    expect(rows[0]?.replace(/^\.+|\.+$/g, '')).toBe('#...#..###.........####..###...####.#...#..###..#');
  });
});

describe('RateMeter', () => {
  test.each([
    { periodMs: 1001 / 30, rate: 29.97 },
    { periodMs: 1000 / 30, rate: 30 },
    { periodMs: 40, rate: 25 },
    { periodMs: 1001 / 24, rate: 23.976 },
    { periodMs: 80, rate: 12.5 },
  ])('pictures every $periodMs ms are $rate a second', ({ periodMs, rate }) => {
    const meter = new RateMeter();
    for (let index = 0; index < 70; index++) meter.add(Math.round(index * periodMs * 90) / 90);
    expect(meter.framesPerSecond).toBe(rate);
  });
});

describe('SerialQueue', () => {
  test('one item at a time, in order; what does not fit is refused; an error does not stop the next', async () => {
    const done: number[] = [];
    const errors: unknown[] = [];
    let inWork = 0;
    const queue = new SerialQueue<number>({
      limit: 3,
      handle: async (item) => {
        inWork++;
        expect(inWork).toBe(1);
        await Promise.resolve();
        inWork--;
        if (item === 2) throw new Error('two');
        done.push(item);
      },
      onError: (error) => errors.push(error),
    });
    expect([1, 2, 3, 4, 5].map((item) => queue.push(item))).toEqual([true, true, true, true, false]);
    await queue.idle();
    expect(done).toEqual([1, 3, 4]);
    expect(errors).toHaveLength(1);
    expect(queue.push(6)).toBe(true);
    await queue.idle();
    expect(done).toEqual([1, 3, 4, 6]);
  });
});

describe('hardware', () => {
  const lines: string[] = [];
  const write = (event: string, fields?: object) => void lines.push(`${event} ${JSON.stringify(fields)}`);
  const log: Log = { debug: write, info: write, warn: write, error: write, child: () => log };
  const tryEncoder = async () => {
    throw new Error('this card has no encoder');
  };

  test('nvidia asked for and not usable: one error that says what to do', async () => {
    const choice = chooseHardware({ wanted: 'nvidia', log, tryEncoder });
    await expect(choice).rejects.toSatisfy((error) => transcodeErrors.is(error, 'NO_NVIDIA'));
  });

  test('auto without a usable GPU: the CPU, and the log says why', async () => {
    lines.length = 0;
    expect(await chooseHardware({ wanted: 'auto', log, tryEncoder })).toEqual({ kind: 'cpu' });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/hardware-chosen .*"cpu".*(No CUDA device|no encoder)/);
  });
});
