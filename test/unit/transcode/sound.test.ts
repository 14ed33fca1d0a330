import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SampleLine } from '../../../gpu-runner/transcode/sample-line.ts';
import { SoundFitter } from '../../../gpu-runner/transcode/sound-fitter.ts';

const RATE_HZ = 48_000;
const tone = (firstSample: number, count: number, hz = 440) =>
  Float32Array.from({ length: count }, (_, at) =>
    Math.sin((2 * Math.PI * hz * (firstSample + at)) / RATE_HZ),
  );

describe('SampleLine', () => {
  test('any order of writes and reads: what is read is what was written there, and silence elsewhere', () => {
    const anyStep = fc.record({
      gap: fc.integer({ min: -300, max: 600 }),
      count: fc.integer({ min: 1, max: 500 }),
      read: fc.integer({ min: 0, max: 3 }),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 41 }),
        fc.array(anyStep, { maxLength: 30 }),
        (firstSample, steps) => {
          const capacitySamples = 1_000;
          const line = new SampleLine({ channelCount: 2, capacitySamples, firstSample });
          const truth = new Map<number, number>();
          let position = firstSample;
          let readPosition = firstSample;
          let value = 1;
          for (const step of steps) {
            position += step.gap;
            const left = Float32Array.from({ length: step.count }, () => value++);
            line.write(position, [left, left.map((each) => -each)], step.count);
            left.forEach((each, at) => {
              const where = position + at;
              if (where >= readPosition && where < readPosition + capacitySamples) truth.set(where, each);
            });
            position += step.count;
            for (let reads = 0; reads < step.read; reads++) {
              const into = new Float32Array(2 * 64);
              line.read(64, into);
              const wanted = Array.from({ length: 64 }, (_, at) => truth.get(readPosition + at) ?? 0);
              expect([...into.subarray(0, 64)]).toEqual(wanted);
              expect([...into.subarray(64)].map(Math.abs)).toEqual(wanted);
              readPosition += 64;
            }
          }
        },
      ),
    );
  });

  test('samples that were given up are not read later', () => {
    const line = new SampleLine({ channelCount: 1, capacitySamples: 100, firstSample: 0 });
    line.write(0, [tone(0, 100)], 100);
    line.skipTo(150);
    const into = new Float32Array(100);
    line.read(100, into);
    expect([...into].every((sample) => sample === 0)).toBe(true);
    expect(line.readPosition).toBe(250);
  });
});

describe('SoundFitter', () => {
  /** Blocks of a source whose sample clock is off by `driftPpm`, each where it belongs on the wall clock. */
  function feed(driftPpm: number, blockCount: number, blockSamples = 1024) {
    const fitter = new SoundFitter({ sampleRateHz: RATE_HZ });
    return Array.from({ length: blockCount }, (_, index) => {
      const wallSample = 1e9 + (index * blockSamples) / (1 + driftPpm * 1e-6);
      const planes = [tone(index * blockSamples, blockSamples)];
      return { wallSample, block: fitter.fit(wallSample, planes, blockSamples) };
    });
  }

  test('drift of up to 500 ppm: blocks join without gap or overlap and stay within a millisecond of their place', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -500, max: 500 }),
        fc.constantFrom(960, 1024, 1152, 1536),
        (driftPpm, samples) => {
          const blocks = feed(driftPpm, 400, samples);
          const broken = blocks.filter(({ wallSample, block }, index) => {
            const before = blocks[index - 1]?.block;
            const joins = !before || block.firstSample === before.firstSample + before.sampleCount;
            const whole = block.planes[0]?.length === block.sampleCount;
            return !joins || !whole || Math.abs(block.firstSample - wallSample) >= RATE_HZ / 1000;
          });
          expect(broken).toEqual([]);
        },
      ),
      { numRuns: 30 },
    );
  });

  test('a stretched tone stays a tone: no step between samples is larger than the tone itself makes', () => {
    const samples = feed(300, 400).flatMap(({ block }) => [...(block.planes[0] ?? [])]);
    const largestStep = samples.reduce(
      (worst, sample, at) => Math.max(worst, Math.abs(sample - (samples[at - 1] ?? sample))),
      0,
    );
    expect(largestStep).toBeLessThan(((2 * Math.PI * 440) / RATE_HZ) * 1.05);
  });

  test('without drift the samples pass untouched', () => {
    for (const { block } of feed(0, 10)) expect(block.sampleCount).toBe(1024);
  });

  test('a gap of the feed stays a gap, an overlap is laid where it belongs', () => {
    const fitter = new SoundFitter({ sampleRateHz: RATE_HZ });
    const planes = [tone(0, 1024)];
    expect(fitter.fit(1_000_000.4, planes, 1024).firstSample).toBe(1_000_000);
    expect(fitter.fit(1_100_000, planes, 1024).firstSample).toBe(1_100_000);
    expect(fitter.fit(1_050_000, planes, 1024).firstSample).toBe(1_050_000);
  });

  test('a new mapping moves the picture at once, and sound with it; an old one is followed by stretching', () => {
    const fitter = new SoundFitter({ sampleRateHz: RATE_HZ });
    const planes = [tone(0, 1024)];
    const [first, second] = [Symbol('first'), Symbol('second')];
    const slotSamples = RATE_HZ / 30;
    expect(fitter.fit(1_000_000, planes, 1024, first).firstSample).toBe(1_000_000);
    expect(fitter.fit(1_001_024 - slotSamples, planes, 1024, second).firstSample).toBe(
      1_001_024 - slotSamples,
    );
    const placed = fitter.fit(1_002_048, planes, 1024, second);
    expect(placed.firstSample).toBe(1_002_048 - slotSamples);
    expect(placed.sampleCount).toBe(1026);
  });

  test('a new mapping that says the same leaves no seam', () => {
    const fitter = new SoundFitter({ sampleRateHz: RATE_HZ });
    const planes = [tone(0, 1024)];
    fitter.fit(1_000_000, planes, 1024, Symbol('first'));
    expect(fitter.fit(1_001_030, planes, 1024, Symbol('second')).firstSample).toBe(1_001_024);
  });
});
