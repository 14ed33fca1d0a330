import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SLOT_HYSTERESIS, SlotFiller } from '../../../gpu-runner/transcode/slot-filler.ts';
import { MAX_SLOT_WAIT_MS, SourceClock } from '../../../gpu-runner/transcode/source-clock.ts';
import { TimestampUnwrapper } from '../../../gpu-runner/transcode/timestamp-unwrapper.ts';
import { type Arrival, type FilledSlot, makeFeed, type Run, runFeed } from './simulated-feed.ts';

const SOURCE_RATES = [24_000 / 1001, 24, 25, 30_000 / 1001, 30, 50, 60_000 / 1001, 60];
const GRID_RATES = [30, 50, 60];

const anyRates = fc.record({
  sourceRate: fc.constantFrom(...SOURCE_RATES),
  frameRate: fc.constantFrom(...GRID_RATES),
});
const anyDrift = fc.integer({ min: -200, max: 200 });
/** A repeatable sequence of delays between 0 and `limitMs`. */
const anyJitter = (limitMs: number) =>
  fc
    .array(fc.double({ min: 0, max: limitMs, noNaN: true }), { minLength: 17, maxLength: 97 })
    .map((delays) => (index: number) => delays[index % delays.length] ?? 0);

/** What must hold for any source whatever. Compared by hand: an `expect` for each slot takes a minute. */
function expectSoundGrid(run: Run, arrivals: readonly Arrival[]) {
  const broken: string[] = [];
  run.slots.forEach((filled, index) => {
    const before = run.slots[index - 1];
    if (before && filled.slot !== before.slot + 1) broken.push(`slot ${filled.slot} after ${before.slot}`);
    if (before && filled.shows < before.shows) broken.push(`slot ${filled.slot} steps back`);
    if (before && filled.atMs < before.atMs) broken.push(`slot ${filled.slot} before its time`);
    if (filled.wallMs === undefined) return;
    if (filled.atMs !== arrivals[filled.shows]?.readyMs) broken.push(`slot ${filled.slot} waited`);
    // Sound follows `wallMs` to the sample, so this is the offset of picture to sound.
    const offsetFrames = Math.abs(filled.slot - filled.wallMs / run.frameMs);
    if (offsetFrames > 0.5 + SLOT_HYSTERESIS + 1e-6)
      broken.push(`slot ${filled.slot} off by ${offsetFrames}`);
  });
  expect(broken).toEqual([]);
}

const afterMs = (run: Run, ms: number): FilledSlot[] =>
  run.slots.filter((filled) => filled.atMs >= (run.slots[0]?.atMs ?? 0) + ms);
const repeatsIn = (slots: readonly FilledSlot[]) => slots.filter((each) => each.wallMs === undefined).length;

describe('any source', () => {
  test('drifting and jittering: every slot is filled once, in order, and no picture steps back', () => {
    fc.assert(
      fc.property(anyRates, anyDrift, anyJitter(250), ({ sourceRate, frameRate }, driftPpm, jitterMs) => {
        const arrivals = makeFeed({ sourceRate, durationMs: 4_000, driftPpm, jitterMs });
        expectSoundGrid(runFeed(frameRate, arrivals), arrivals);
      }),
      { numRuns: 100 },
    );
  });

  test('jumping and stopping: every slot is filled once, in order, and output keeps up with the clock', () => {
    const anyPiece = fc.record({
      sourceRate: fc.constantFrom(...SOURCE_RATES),
      durationMs: fc.integer({ min: 50, max: 2_000 }),
      pauseMs: fc.integer({ min: 0, max: 4_000 }),
      jumpMs: fc.integer({ min: -100_000_000, max: 100_000_000 }),
    });
    fc.assert(
      fc.property(
        fc.constantFrom(...GRID_RATES),
        fc.array(anyPiece, { minLength: 1, maxLength: 6 }),
        (frameRate, pieces) => {
          const arrivals: Arrival[] = [];
          let startMs = 5_000_000;
          let firstSourceMs = 200_000_000;
          for (const piece of pieces) {
            arrivals.push(...makeFeed({ ...piece, startMs, firstSourceMs }));
            startMs += piece.durationMs + piece.pauseMs;
            firstSourceMs = 200_000_000 + piece.jumpMs;
          }
          if (arrivals.length === 0) return;
          const endMs = startMs + 3_000;
          const run = runFeed(frameRate, arrivals, endMs);
          expectSoundGrid(run, arrivals);
          const lastMs = (run.slots.at(-1)?.slot ?? 0) * run.frameMs;
          expect(endMs - lastMs).toBeLessThan(3 * run.frameMs);
          // However long a stop: no slot is later than the longest wait plus one frame and the loss limit.
          const latestMs = Math.max(...run.slots.map((filled) => filled.atMs - filled.slot * run.frameMs));
          expect(latestMs).toBeLessThan(500 + MAX_SLOT_WAIT_MS + 3 * run.frameMs);
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('a clean feed', () => {
  test('any rate and drift, jitter of 3 ms: a picture is shown in a slot less than one frame from when it came', () => {
    fc.assert(
      fc.property(anyRates, anyDrift, anyJitter(3), ({ sourceRate, frameRate }, driftPpm, jitterMs) => {
        const arrivals = makeFeed({ sourceRate, durationMs: 20_000, driftPpm, jitterMs });
        const run = runFeed(frameRate, arrivals);
        const offsetsMs = afterMs(run, 1_000)
          .filter((filled) => filled.wallMs !== undefined)
          .map((filled) => Math.abs(filled.slot * run.frameMs - (arrivals[filled.shows]?.readyMs ?? 0)));
        expect(Math.max(0, ...offsetsMs)).toBeLessThan(1.7 * run.frameMs + 4);
      }),
      { numRuns: 40 },
    );
  });

  test.each([-200, -50, 0, 50, 200])(
    '30 fps drifting by %i ppm for ten minutes: at most one repeat or drop for each frame of drift',
    (driftPpm) => {
      const durationMs = 600_000;
      const arrivals = makeFeed({
        sourceRate: 30,
        durationMs,
        driftPpm,
        jitterMs: (index) => (index * 7919) % 3,
      });
      const run = runFeed(30, arrivals);
      expectSoundGrid(run, arrivals);
      const settled = afterMs(run, 1_000);
      const driftFrames = (Math.abs(driftPpm) * 1e-6 * durationMs) / run.frameMs;
      expect(repeatsIn(settled)).toBeLessThanOrEqual(Math.ceil(driftFrames));
      expect(repeatsIn(settled)).toBeGreaterThanOrEqual(driftPpm < 0 ? Math.floor(driftFrames) - 1 : 0);
      const shown = new Set(settled.map((each) => each.shows));
      const skipped = (settled.at(-1)?.shows ?? 0) - (settled[0]?.shows ?? 0) + 1 - shown.size;
      expect(skipped).toBeLessThanOrEqual(Math.ceil(driftFrames));
    },
  );

  test.each([
    { sourceRate: 25, frameRate: 50, repeatShare: 1 / 2, dropShare: 0 },
    { sourceRate: 24, frameRate: 30, repeatShare: 1 / 5, dropShare: 0 },
    { sourceRate: 25, frameRate: 30, repeatShare: 1 / 6, dropShare: 0 },
    { sourceRate: 30_000 / 1001, frameRate: 30, repeatShare: 1 / 1001, dropShare: 0 },
    { sourceRate: 60_000 / 1001, frameRate: 60, repeatShare: 1 / 1001, dropShare: 0 },
    { sourceRate: 60, frameRate: 30, repeatShare: 0, dropShare: 1 / 2 },
    { sourceRate: 50, frameRate: 30, repeatShare: 0, dropShare: 2 / 5 },
    { sourceRate: 60_000 / 1001, frameRate: 30, repeatShare: 0, dropShare: 1 - 30.03 / 60 },
  ])(
    '$sourceRate fps in $frameRate: repeats and drops are what the rates ask for, and no more',
    ({ sourceRate, frameRate, repeatShare, dropShare }) => {
      const arrivals = makeFeed({ sourceRate, durationMs: 100_000, jitterMs: (index) => (index * 31) % 2 });
      const settled = afterMs(runFeed(frameRate, arrivals), 1_000);
      expect(Math.abs(repeatsIn(settled) - settled.length * repeatShare)).toBeLessThanOrEqual(3);
      const seen = settled.length - repeatsIn(settled);
      const came = (settled.at(-1)?.shows ?? 0) - (settled[0]?.shows ?? 0) + 1;
      expect(Math.abs(came - seen - came * dropShare)).toBeLessThanOrEqual(3);
    },
  );

  test('25 fps in 50: every picture stands for exactly two slots', () => {
    const run = runFeed(50, makeFeed({ sourceRate: 25, durationMs: 10_000 }));
    const settled = afterMs(run, 1_000).filter(
      (each, index, all) => each.shows !== all[0]?.shows && index < all.length - 3,
    );
    const counts = new Map<number, number>();
    for (const each of settled) counts.set(each.shows, (counts.get(each.shows) ?? 0) + 1);
    expect([...counts.values()].slice(0, -1).every((count) => count === 2)).toBe(true);
  });
});

describe('trouble', () => {
  test('jitter up to 90 ms: the mapping does not move with it', () => {
    const jitterMs = (index: number) => [0, 90, 60, 30, 5, 0][index % 6] ?? 0;
    const arrivals = makeFeed({ sourceRate: 30, durationMs: 30_000, jitterMs });
    const run = runFeed(30, arrivals);
    const offsets = run.wallMs
      .slice(60)
      .map((wallMs, index) => wallMs - (arrivals[index + 60]?.sourceMs ?? 0));
    expect(Math.max(...offsets) - Math.min(...offsets)).toBeLessThan(1);
    expect(repeatsIn(afterMs(run, 2_000))).toBeLessThanOrEqual(1);
  });

  test('a jump of timestamps by a day is counted once and costs no more than two slots', () => {
    const before = makeFeed({ sourceRate: 30, durationMs: 3_000 });
    const after = makeFeed({
      sourceRate: 30,
      durationMs: 3_000,
      startMs: 1_003_000.25,
      firstSourceMs: 86_400_000,
    });
    const run = runFeed(30, [...before, ...after]);
    expect(run.jumpCount).toBe(1);
    expect(repeatsIn(afterMs(run, 0))).toBeLessThanOrEqual(2);
  });

  test('a feed whose path becomes 300 ms longer for good is shown in every slot again within a second', () => {
    const jitterMs = (index: number) => (index >= 90 ? 300 : 0);
    const arrivals = makeFeed({ sourceRate: 30, durationMs: 8_000, jitterMs });
    const run = runFeed(30, arrivals);
    expect(repeatsIn(afterMs(run, 3_700))).toBe(0);
  });

  test('the burst after a connection was made does not leave its delay behind', () => {
    // Half a second of pictures comes at once, as a demuxer gives them that had to look into the feed first.
    const jitterMs = (index: number) => Math.max(0, 500 - index * (1000 / 30));
    const arrivals = makeFeed({ sourceRate: 30, durationMs: 4_000, jitterMs });
    const run = runFeed(30, arrivals);
    for (const filled of afterMs(run, 500)) {
      if (filled.wallMs === undefined) continue;
      expect(filled.slot * run.frameMs - (arrivals[filled.shows]?.readyMs ?? 0)).toBeLessThan(run.frameMs);
    }
  });

  test('a source that stands still for half a minute and goes on is mapped anew', () => {
    const before = makeFeed({ sourceRate: 30, durationMs: 2_000 });
    const after = makeFeed({
      sourceRate: 30,
      durationMs: 2_000,
      startMs: 1_032_000.25,
      firstSourceMs: 9_000,
    });
    const run = runFeed(30, [...before, ...after]);
    expect(run.jumpCount).toBe(1);
    const last = run.slots.at(-1);
    expect(Math.abs((last?.slot ?? 0) * run.frameMs - (after.at(-1)?.readyMs ?? 0))).toBeLessThan(
      2 * run.frameMs,
    );
  });

  test('the mapping never moves faster than 500 ppm once it has settled', () => {
    fc.assert(
      fc.property(anyDrift, anyJitter(60), (driftPpm, jitterMs) => {
        const clock = new SourceClock();
        let last: { offsetMs: number; readyMs: number } | undefined;
        let worst = 0;
        for (const [index, arrival] of makeFeed({
          sourceRate: 30,
          durationMs: 20_000,
          driftPpm,
          jitterMs,
        }).entries()) {
          clock.observe(arrival.sourceMs, arrival.readyMs);
          const offsetMs = clock.wallMs(arrival.sourceMs) - arrival.sourceMs;
          const stepMs = last && index > 30 ? Math.abs(offsetMs - last.offsetMs) : 0;
          worst = Math.max(worst, stepMs - 500e-6 * (arrival.readyMs - (last?.readyMs ?? 0)));
          last = { offsetMs, readyMs: arrival.readyMs };
        }
        expect(worst).toBeLessThanOrEqual(1e-6);
      }),
      { numRuns: 30 },
    );
  });
});

test('pictures that tremble on the border between two slots fill one slot each, without repeat or drop', () => {
  const frameMs = 1000 / 30;
  const filler = new SlotFiller({ frameRate: 30, firstSlot: 100 });
  for (let index = 0; index < 100; index++) {
    // Half a slot late, and 8% of a slot to and fro: timestamps that were rounded to whole milliseconds.
    const position = 100 + index + 0.5 + (index % 2 === 0 ? -0.08 : 0.08);
    expect(filler.place(position * frameMs)).toEqual({ kind: 'fill', slot: 100 + index, repeatCount: 0 });
  }
});

describe('33-bit timestamps', () => {
  test('forward over the wrap and back again, the count goes on', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 33 - 1 }),
        fc.array(fc.integer({ min: -9_000, max: 90_000 })),
        (first, steps) => {
          const unwrapper = new TimestampUnwrapper();
          let truth = first;
          const base = unwrapper.unwrap(first);
          for (const step of steps) {
            truth += step;
            const wrapped = ((truth % 2 ** 33) + 2 ** 33) % 2 ** 33;
            expect(unwrapper.unwrap(wrapped) - base).toBe(truth - first);
          }
        },
      ),
    );
  });

  test('a jump of an hour stays a jump', () => {
    const unwrapper = new TimestampUnwrapper();
    unwrapper.unwrap(1_000_000);
    expect(unwrapper.unwrap(1_000_000 + 3600 * 90_000)).toBe(1_000_000 + 3600 * 90_000);
  });
});
