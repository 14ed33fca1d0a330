import { expect, test } from 'vitest';
import { Durations, remember } from '../../../bench/origin-load-sample.ts';

test('durations come out as they came in, and one too many is not lost in silence', () => {
  const durations = new Durations(2);
  durations.add(3);
  durations.add(1);
  expect(durations.toArray()).toEqual([3, 1]);
  expect(() => durations.add(2)).toThrow(RangeError);
});

test('what all clients share is made once for each number, and the oldest is forgotten', () => {
  const made: number[] = [];
  const double = remember((number) => {
    made.push(number);
    return number * 2;
  });
  expect([double(4), double(5), double(4)]).toEqual([8, 10, 8]);
  expect(made).toEqual([4, 5]);
  for (let number = 6; number < 300; number += 1) double(number);
  expect(double(4)).toBe(8);
  expect(made.filter((number) => number === 4)).toHaveLength(2);
});
