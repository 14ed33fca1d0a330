import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CONTROL_INTERVAL_MS,
  correct,
  LATENCY_LIMITS,
  LatencyNeed,
  PICTURE_TOLERANCE,
  RATE_MAX,
  RATE_MIN,
  SEEK_BEYOND_MS,
  SOUND_TOLERANCE,
  sharedLatencyMs,
  skewMs,
} from '../../../player/latency-controller.ts';

const FRAME_MS = 1000 / 30;

describe('correction of one pane', () => {
  it.each([
    [0, 1],
    [2, 1],
    [-2, 1],
    [3, 1.005],
    [60, 1.06],
    [900, RATE_MAX],
    [-30, 0.97],
    [-900, RATE_MIN],
  ])('%i ms off target plays at %f', (errorMs, playbackRate) => {
    expect(correct(errorMs)).toEqual({ kind: 'rate', playbackRate });
  });

  it('a pane that is being corrected is brought nearer than where correcting begins', () => {
    for (const tolerance of [PICTURE_TOLERANCE, SOUND_TOLERANCE]) {
      const { inStepMs, correctedMs } = tolerance;
      expect(correct(inStepMs, false, tolerance)).toEqual({ kind: 'rate', playbackRate: 1 });
      expect(correct(inStepMs, true, tolerance)).toEqual({ kind: 'rate', playbackRate: 1.005 });
      expect(correct(correctedMs, true, tolerance)).toEqual({ kind: 'rate', playbackRate: 1 });
    }
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
  /** Parts of 100 ms, each in hand `delayMs` after its end. */
  function fed(delaysMs: readonly number[]): LatencyNeed {
    const need = new LatencyNeed();
    // The first second is catching up and does not count.
    for (let index = -10; index < delaysMs.length; index++)
      need.arrived(index * 100 + (delaysMs[index] ?? delaysMs[0] ?? 0), index * 100);
    return need;
  }

  it('nothing arrived yet, nothing is known', () => {
    expect(new LatencyNeed().latencyMs).toBeUndefined();
  });

  it('parts that are in hand 50 ms after their end must last until the next, 150 ms after it', () => {
    expect(fed(Array.from({ length: 80 }, () => 50)).latencyMs).toBe(150 + LATENCY_LIMITS.marginMs);
  });

  it('jitter is covered up to its usual worst', () => {
    const need = fed(Array.from({ length: 80 }, (_, index) => 50 + (index % 10) * 11));
    expect(need.latencyMs).toBeGreaterThanOrEqual(100 + 50 + LATENCY_LIMITS.marginMs);
    expect(need.latencyMs).toBeLessThanOrEqual(100 + 150 + LATENCY_LIMITS.marginMs);
  });

  it('one late part among many moves nothing', () => {
    const need = fed(Array.from({ length: 80 }, (_, index) => (index === 40 ? 90 : 50)));
    expect(need.latencyMs).toBe(150 + LATENCY_LIMITS.marginMs);
  });

  it('what was there before the connection says nothing', () => {
    const need = new LatencyNeed();
    for (let index = 0; index < 6; index++) need.arrived(10_000 + index, 9_000 + index * 100);
    expect(need.latencyMs).toBeUndefined();
  });

  it('a feed that was gone for long does not push the latency up', () => {
    const need = fed(Array.from({ length: 50 }, () => 50));
    need.arrived(60_000, 59_950);
    expect(need.latencyMs).toBe(150 + LATENCY_LIMITS.marginMs);
  });

  it('a feed that is always so late is waited for, once that is the rule', () => {
    const need = fed(Array.from({ length: 50 }, () => 2_500));
    expect(need.latencyMs).toBe(2_600 + LATENCY_LIMITS.marginMs);
  });

  it('a machine that catches up in one go has not found a new rule', () => {
    const need = fed(Array.from({ length: 50 }, () => 50));
    // Nothing for 8 s, and then 80 parts within a quarter of a second.
    for (let index = 0; index < 55; index++) need.arrived(13_000 + index * 3, 5_000 + index * 100);
    expect(need.latencyMs).toBe(150 + LATENCY_LIMITS.marginMs);
  });

  it('a stall widens the margin up to its maximum, and quiet time narrows it again', () => {
    const need = fed(Array.from({ length: 50 }, () => 50));
    for (let count = 0; count < 50; count++) need.stalled();
    expect(need.latencyMs).toBe(150 + LATENCY_LIMITS.marginMaxMs);
    need.arrived(600_000, 599_950);
    expect(need.latencyMs).toBe(150 + LATENCY_LIMITS.marginMs);
  });
});

describe('the latency that all panes share', () => {
  it('is what the most needy pane needs, in whole frames when there are several', () => {
    expect(sharedLatencyMs([520], undefined)).toBe(520);
    expect(sharedLatencyMs([400, 520, 380], undefined)).toBeCloseTo(16 * FRAME_MS);
    expect(sharedLatencyMs([400, 500], undefined)).toBeCloseTo(500);
  });

  it('a pane that needs a second more than the others does not hold them back', () => {
    expect(sharedLatencyMs([400, 420, 2_600], undefined)).toBeCloseTo(13 * FRAME_MS);
  });

  it('rises at once and falls slowly', () => {
    expect(sharedLatencyMs([700], { latencyMs: 400, ageMs: 100 })).toBe(700);
    expect(sharedLatencyMs([680], { latencyMs: 700, ageMs: 500 })).toBeCloseTo(693.8);
    expect(sharedLatencyMs([400], { latencyMs: 700, ageMs: 1_000 })).toBeCloseTo(654);
  });

  it('stays where it is while needs move by a few milliseconds, so that no pane has to change its pace', () => {
    let latencyMs = 500;
    let isFalling = false;
    const seen = new Set<number>();
    for (let beat = 0; beat < 600; beat++) {
      const needMs = 380 + 6 * Math.sin(beat / 7) + (beat % 3);
      const next: number = sharedLatencyMs([needMs], { latencyMs, ageMs: 100, isFalling }) ?? Number.NaN;
      isFalling = next < latencyMs;
      latencyMs = next;
      if (beat >= 300) seen.add(latencyMs);
    }
    expect(seen.size).toBe(1);
    expect(latencyMs).toBeLessThan(380 + 8 + 15);
  });

  it('of several panes stays for 40 ms of gain and 15 ms of need, and then moves by whole frames', () => {
    const at = (needMs: number) => sharedLatencyMs([needMs, 100], { latencyMs: 500, ageMs: 10_000 });
    expect(at(461)).toBe(500);
    expect(at(514)).toBe(500);
    expect(at(516)).toBeCloseTo(16 * FRAME_MS);
    expect(at(459)).toBeCloseTo(14 * FRAME_MS);
  });

  it('of several panes comes to rest on whole frames wherever it fell from', () => {
    let current = { latencyMs: 957, ageMs: 100, isFalling: false };
    for (let beat = 0; beat < 1_000; beat++) {
      const latencyMs = sharedLatencyMs([301, 290], current) ?? Number.NaN;
      current = { latencyMs, ageMs: 100, isFalling: latencyMs < current.latencyMs };
    }
    expect(current.latencyMs).toBeCloseTo(10 * FRAME_MS);
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
