import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CONTROL_INTERVAL_MS,
  correct,
  LATENCY_LIMITS,
  LatencyNeed,
  RATE_MAX,
  RATE_MIN,
  SEEK_BEYOND_MS,
  sharedLatencyMs,
  skewMs,
} from '../../../player/latency-controller.ts';

describe('correction of one pane', () => {
  it.each([
    [0, 1],
    [8, 1],
    [-8, 1],
    [100, 1.05],
    [900, RATE_MAX],
    [-60, 0.97],
    [-900, RATE_MIN],
  ])('%i ms off target plays at %f', (errorMs, playbackRate) => {
    expect(correct(errorMs)).toEqual({ kind: 'rate', playbackRate });
  });

  it('more than a second off is one seek', () => {
    expect(correct(SEEK_BEYOND_MS + 1)).toEqual({ kind: 'seek' });
    expect(correct(-SEEK_BEYOND_MS - 1)).toEqual({ kind: 'seek' });
  });

  it('whatever the start, rates alone bring a pane into step and keep it there', () => {
    fc.assert(
      fc.property(fc.double({ min: -1000, max: 1000, noNaN: true }), (startErrorMs) => {
        let errorMs = startErrorMs;
        for (let tick = 0; tick < 400; tick++) {
          const correction = correct(errorMs);
          if (correction.kind === 'seek') throw new Error('a seek within reach of the rates');
          errorMs -= (correction.playbackRate - 1) * CONTROL_INTERVAL_MS;
        }
        expect(Math.abs(errorMs)).toBeLessThanOrEqual(10);
      }),
    );
  });
});

describe('what a pane needs', () => {
  it('nothing arrived yet, nothing is known', () => {
    expect(new LatencyNeed().latencyMs).toBeUndefined();
  });

  it('parts that arrive 200 to 300 ms old need 300 ms and the margin', () => {
    const need = new LatencyNeed();
    for (let index = 0; index < 80; index++) need.sample(index * 100, index * 100 - 200 - (index % 10) * 11);
    expect(need.latencyMs).toBeGreaterThanOrEqual(290 + LATENCY_LIMITS.marginMs);
    expect(need.latencyMs).toBeLessThanOrEqual(300 + LATENCY_LIMITS.marginMs);
  });

  it('one late part among many moves nothing', () => {
    const need = new LatencyNeed();
    for (let index = 0; index < 80; index++)
      need.sample(index * 100, index * 100 - (index === 40 ? 900 : 250));
    expect(need.latencyMs).toBe(250 + LATENCY_LIMITS.marginMs);
  });

  it('a feed that is gone does not push the latency up without end', () => {
    const need = new LatencyNeed();
    for (let index = 0; index < 200; index++) need.sample(index * 100, 0);
    expect(need.latencyMs).toBeLessThanOrEqual(3_000 + LATENCY_LIMITS.marginMs);
  });

  it('a stall widens the margin up to its maximum, and quiet time narrows it again', () => {
    const need = new LatencyNeed();
    need.sample(0, -250);
    for (let count = 0; count < 50; count++) need.stalled();
    expect(need.latencyMs).toBe(250 + LATENCY_LIMITS.marginMaxMs);
    need.sample(600_000, 600_000 - 250);
    expect(need.latencyMs).toBe(250 + LATENCY_LIMITS.marginMs);
  });
});

describe('the latency that all panes share', () => {
  it('is what the most needy pane needs', () => {
    expect(sharedLatencyMs([400, 520, 380], undefined)).toBe(520);
  });

  it('a pane that needs a second more than the others does not hold them back', () => {
    expect(sharedLatencyMs([400, 420, 2_600], undefined)).toBe(420);
  });

  it('rises at once and falls slowly', () => {
    expect(sharedLatencyMs([700], { latencyMs: 400, ageMs: 100 })).toBe(700);
    expect(sharedLatencyMs([400], { latencyMs: 700, ageMs: 1_000 })).toBe(690);
  });

  it('without panes the last one is kept', () => {
    expect(sharedLatencyMs([], undefined)).toBeUndefined();
    expect(sharedLatencyMs([], { latencyMs: 480, ageMs: 100 })).toBe(480);
  });

  it('stays within its limits, whatever is asked', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1 }), (needs) => {
        const latencyMs = sharedLatencyMs(needs, undefined) ?? Number.NaN;
        expect(latencyMs).toBeGreaterThanOrEqual(LATENCY_LIMITS.latencyMinMs);
        expect(latencyMs).toBeLessThanOrEqual(LATENCY_LIMITS.latencyMaxMs);
      }),
    );
  });
});

describe('skew', () => {
  it('is the distance between the earliest and the latest pane', () => {
    expect(skewMs([])).toBe(0);
    expect(skewMs([5])).toBe(0);
    expect(skewMs([100, 130, 90])).toBe(40);
  });
});
