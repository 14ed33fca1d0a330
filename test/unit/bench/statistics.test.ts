import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isMet, tableText, targetText } from '../../../bench/result.ts';
import { percentile, slope, summarize } from '../../../bench/statistics.ts';

test('a percentile is a value that occurred, and at least so many percent are not above it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer(), { minLength: 1 }),
      fc.integer({ min: 1, max: 100 }),
      (values, percent) => {
        const found = percentile(values, percent);
        expect(values).toContain(found);
        const notAbove = values.filter((value) => value <= found).length;
        expect(notAbove / values.length).toBeGreaterThanOrEqual(percent / 100 - 1e-9);
        const below = values.filter((value) => value < found).length;
        expect(below / values.length).toBeLessThan(percent / 100);
      },
    ),
  );
});

test('of nothing there is no percentile', () => {
  expect(summarize([])).toEqual({
    count: 0,
    p50: Number.NaN,
    p95: Number.NaN,
    p99: Number.NaN,
    max: Number.NaN,
  });
});

test('the slope of a straight line is its own, with noise that cancels out too', () => {
  const line = [0, 1, 2, 3].map((x) => ({ x, y: 5 + 3 * x }));
  expect(slope(line)).toBeCloseTo(3);
  const noisy = line.map(({ x, y }, index) => ({ x, y: y + [1, -1, -1, 1][index]! }));
  expect(slope(noisy)).toBeCloseTo(3);
  expect(slope([{ x: 1, y: 1 }])).toBe(0);
});

test('a target is met, missed, or absent; nothing measured is a miss', () => {
  expect(isMet({ what: 'a', value: 5, unit: 'ms', atMost: 5 })).toBe(true);
  expect(isMet({ what: 'a', value: 6, unit: 'ms', atMost: 5 })).toBe(false);
  expect(isMet({ what: 'a', value: 6, unit: 'x', atLeast: 7 })).toBe(false);
  expect(isMet({ what: 'a', value: 6, unit: 'x' })).toBeUndefined();
  expect(isMet({ what: 'a', value: Number.NaN, unit: 'ms', atMost: 5 })).toBe(false);
  expect(targetText({ what: 'a', value: 1, unit: 'ms', atMost: 1_500 })).toBe('at most 1,500 ms');
  expect(tableText([{ what: 'a', value: 6, unit: 'ms', atMost: 5 }])).toContain('MISSED');
});
