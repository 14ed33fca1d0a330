import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { DeviceClock } from '../../../tools/feeds/device-clock.ts';

test('a clock without drift waits exactly until the instant', () => {
  let nowMs = 500;
  const clock = new DeviceClock({
    startMs: 10_000,
    driftPpm: 0,
    monotonicNowMs: () => nowMs,
    wallNowMs: () => 10_000,
  });
  expect(clock.untilMs(40)).toBe(40);
  nowMs = 530;
  expect(clock.untilMs(40)).toBe(10);
  nowMs = 550;
  expect(clock.untilMs(40)).toBe(-10);
  expect(clock.wallMs(40)).toBe(10_040);
});

test('a start in the future is waited for', () => {
  const clock = new DeviceClock({
    startMs: 13_000,
    driftPpm: 0,
    monotonicNowMs: () => 0,
    wallNowMs: () => 10_000,
  });
  expect(clock.untilMs(0)).toBe(3_000);
  clock.restart(11_000);
  expect(clock.untilMs(0)).toBe(1_000);
  expect(clock.startMs).toBe(11_000);
});

test('a clock that is fast by some ppm reaches each of its instants that much earlier', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -5_000, max: 5_000 }),
      fc.integer({ min: 0, max: 1e8 }),
      (driftPpm, deviceMs) => {
        const clock = new DeviceClock({
          startMs: 0,
          driftPpm,
          monotonicNowMs: () => 0,
          wallNowMs: () => 0,
        });
        expect(clock.untilMs(deviceMs) * (1 + driftPpm / 1e6)).toBeCloseTo(deviceMs, 3);
      },
    ),
  );
});
