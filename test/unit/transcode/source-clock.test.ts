import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CAPTURE_TO_GRID_MS } from '../../../domain/profile.ts';
import { MAPPING_HYSTERESIS, SourceClock } from '../../../gpu-runner/transcode/source-clock.ts';

const GRID_RATES = [30, 50, 60];
/** From a frame's place to the next, and what a mapping may stay behind at both ends. */
const ONE_SLOT = 1 + 2 * MAPPING_HYSTERESIS;

interface Camera {
  readonly framesPerSecond: number;
  /** When it captured its first picture. */
  readonly startMs: number;
  /** From capture to the decoded picture, when nothing delays it. */
  readonly pathMs: number;
  readonly driftPpm?: number;
  /** Delay of picture `index` beyond the fastest. */
  readonly jitterMs?: (index: number) => number;
  /** What the camera says of when it captured a picture at `captureMs`; absent: nothing. */
  readonly says?: (captureMs: number, index: number) => number | undefined;
}

/** Shows a camera's pictures to a clock. @returns how late each lies on the grid after its capture, and the clock. */
function follow(camera: Camera, durationMs: number, clock: SourceClock) {
  const { framesPerSecond, startMs, pathMs, driftPpm = 0, jitterMs, says } = camera;
  const lagsMs: number[] = [];
  const offsetsMs: number[] = [];
  let lastReadyMs = 0;
  for (let index = 0; (index * 1000) / framesPerSecond < durationMs; index++) {
    const sourceMs = 5_000 + (index * 1000) / framesPerSecond;
    const captureMs = startMs + (index * 1000) / framesPerSecond / (1 + driftPpm * 1e-6);
    const readyMs = Math.max(lastReadyMs, captureMs + pathMs + (jitterMs?.(index) ?? 0));
    lastReadyMs = readyMs;
    clock.observe(sourceMs, readyMs, says?.(captureMs, index));
    lagsMs.push(clock.wallMs(sourceMs) - captureMs);
    offsetsMs.push(clock.wallMs(sourceMs) - sourceMs);
  }
  return { lagsMs, offsetsMs, clock };
}

const gridClock = (frameMs: number) => new SourceClock({ frameMs, captureToGridMs: CAPTURE_TO_GRID_MS });
const spread = (values: readonly number[]) => Math.max(...values) - Math.min(...values);
const last = (values: readonly number[]) => values.at(-1) ?? Number.NaN;

const anyGrid = fc.constantFrom(...GRID_RATES);
const anyStart = fc.double({ min: 1_000_000, max: 1_000_100, noNaN: true });

describe('cameras that tell no time', () => {
  test('on equal paths they come to lie within a slot and a little of each other, however late each one’s first pictures were', () => {
    const anyCamera = fc.record({
      framesPerSecond: fc.constantFrom(15, 30),
      startMs: anyStart,
      busyMs: fc.double({ min: 0, max: 400, noNaN: true }),
    });
    fc.assert(
      fc.property(
        anyGrid,
        fc.array(anyCamera, { minLength: 2, maxLength: 6 }),
        fc.array(fc.double({ min: 0, max: 2, noNaN: true }), { minLength: 7, maxLength: 31 }),
        (frameRate, cameras, jitters) => {
          const frameMs = 1000 / frameRate;
          const lags = cameras.map((camera) => {
            // The machine is busy while everything starts, and less so picture by picture.
            const jitterMs = (index: number) =>
              Math.max(0, camera.busyMs - index * 4) + (jitters[index % jitters.length] ?? 0);
            return last(follow({ ...camera, pathMs: 160, jitterMs }, 20_000, gridClock(frameMs)).lagsMs);
          });
          expect(spread(lags)).toBeLessThanOrEqual(ONE_SLOT * frameMs + 2);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('the mapping of a feed at the grid’s rate moves by whole frames only, and a drifting one is followed', () => {
    fc.assert(
      fc.property(anyGrid, anyStart, fc.integer({ min: -200, max: 200 }), (frameRate, startMs, driftPpm) => {
        const frameMs = 1000 / frameRate;
        const camera = { framesPerSecond: frameRate, startMs, pathMs: 160, driftPpm };
        const { offsetsMs, lagsMs } = follow(camera, 300_000, gridClock(frameMs));
        const [first = 0] = offsetsMs;
        const broken = offsetsMs.filter((offsetMs) => {
          const frames = (offsetMs - first) / frameMs;
          return Math.abs(frames - Math.round(frames)) > 1e-6;
        });
        expect(broken).toEqual([]);
        // Ready at 160, so in the slot that begins at or before it. The fastest of the last eight seconds may be
        // behind the drift by as much as that makes in this time: 200 ppm are 1.6 ms.
        expect(Math.max(...lagsMs)).toBeLessThanOrEqual(160 + MAPPING_HYSTERESIS * frameMs + 2);
        expect(Math.min(...lagsMs)).toBeGreaterThanOrEqual(160 - (1 + MAPPING_HYSTERESIS) * frameMs - 2);
      }),
      { numRuns: 20 },
    );
  });
});

describe('cameras that tell when they captured', () => {
  test('on paths between 40 and 480 ms they lie within a slot and a little of each other, as late as the grid says', () => {
    const anyCamera = fc.record({
      framesPerSecond: fc.constantFrom(15, 30_000 / 1001, 30, 60),
      startMs: anyStart,
      pathMs: fc.double({ min: 40, max: 480, noNaN: true }),
    });
    fc.assert(
      fc.property(
        anyGrid,
        fc.array(anyCamera, { minLength: 2, maxLength: 6 }),
        fc.array(fc.double({ min: 0, max: 60, noNaN: true }), { minLength: 7, maxLength: 31 }),
        (frameRate, cameras, jitters) => {
          const frameMs = 1000 / frameRate;
          for (const camera of cameras) {
            const jitterMs = (index: number) => jitters[index % jitters.length] ?? 0;
            const { lagsMs, clock } = follow(
              { ...camera, jitterMs, says: (captureMs) => captureMs },
              4_000,
              gridClock(frameMs),
            );
            const settled = lagsMs.slice(10);
            expect(Math.max(...settled) - CAPTURE_TO_GRID_MS).toBeLessThanOrEqual((ONE_SLOT / 2) * frameMs);
            expect(CAPTURE_TO_GRID_MS - Math.min(...settled)).toBeLessThanOrEqual((ONE_SLOT / 2) * frameMs);
            expect(clock.capture?.inStep).toBe(true);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test('its pictures are expected when they come, not when the grid has a place for them', () => {
    const { clock } = follow(
      { framesPerSecond: 30, startMs: 1_000_000, pathMs: 350, says: (captureMs) => captureMs },
      4_000,
      gridClock(1000 / 30),
    );
    expect(clock.behindMs).toBeGreaterThan(350 - CAPTURE_TO_GRID_MS - 20);
    expect(clock.behindMs).toBeLessThan(350 - CAPTURE_TO_GRID_MS + 20);
    expect(clock.capture?.delayMs).toBeCloseTo(350, 0);
  });

  test('a timecode, which counts whole frames, does as well to within one of them', () => {
    const says = (captureMs: number) => Math.floor(captureMs / (1000 / 30)) * (1000 / 30);
    const { lagsMs } = follow(
      { framesPerSecond: 30, startMs: 1_000_020, pathMs: 90, driftPpm: 30, says },
      60_000,
      gridClock(1000 / 30),
    );
    for (const lagMs of lagsMs.slice(300)) {
      expect(lagMs).toBeLessThan(CAPTURE_TO_GRID_MS + (ONE_SLOT / 2) * (1000 / 30));
      expect(lagMs).toBeGreaterThan(CAPTURE_TO_GRID_MS - (ONE_SLOT / 2 + 1) * (1000 / 30));
    }
  });

  test('one that is too late for the grid is mapped as if it told nothing, and says so', () => {
    const { lagsMs, clock } = follow(
      { framesPerSecond: 30, startMs: 1_000_000, pathMs: 900, says: (captureMs) => captureMs },
      4_000,
      gridClock(1000 / 30),
    );
    expect(clock.capture).toMatchObject({ inStep: false });
    expect(clock.capture?.delayMs).toBeCloseTo(900, 0);
    expect(last(lagsMs)).toBeGreaterThan(900 - 1000 / 30 - 1);
  });

  test.each([
    { name: 'ahead of ours', says: (captureMs: number) => captureMs + 5_000 },
    { name: 'of yesterday', says: (captureMs: number) => captureMs - 86_400_000 },
    { name: 'that stands still', says: () => 1_000_000 },
    { name: 'that leaps about', says: (ms: number, index: number) => ms - ((index * 7919) % 13) * 100 },
  ])('a clock $name is not believed', ({ says }) => {
    const camera = { framesPerSecond: 30, startMs: 1_000_000, pathMs: 90, says };
    const { lagsMs, clock } = follow(camera, 4_000, gridClock(1000 / 30));
    expect(clock.capture).toBeUndefined();
    expect(last(lagsMs)).toBeLessThanOrEqual(90);
  });

  test('a clock that is set anew while the feed runs is believed again, and the mapping goes with it', () => {
    const says = (captureMs: number, index: number) => (index < 90 ? captureMs - 400 : captureMs);
    const { lagsMs } = follow(
      { framesPerSecond: 30, startMs: 1_000_000, pathMs: 60, says },
      8_000,
      gridClock(1000 / 30),
    );
    expect(lagsMs[60]).toBeLessThan(CAPTURE_TO_GRID_MS - 380);
    expect(Math.abs(last(lagsMs) - CAPTURE_TO_GRID_MS)).toBeLessThan(22);
  });

  test('a reading that is damaged now and then does not move it', () => {
    const says = (captureMs: number, index: number) => (index % 9 === 4 ? captureMs - 3_000 : captureMs);
    const { lagsMs } = follow(
      { framesPerSecond: 30, startMs: 1_000_000, pathMs: 60, says },
      8_000,
      gridClock(1000 / 30),
    );
    expect(spread(lagsMs.slice(30))).toBeLessThan(1e-6);
  });
});
