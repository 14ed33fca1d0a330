import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TimestampUnwrap } from '../../../gpu-runner/ingest/timestamp-unwrap.ts';

const WRAP = 2n ** 33n;

test('a wrap after 26.5 hours is no event', () => {
  const unwrap = new TimestampUnwrap();
  expect([WRAP - 3000n, 0n, 3000n].map((ticks) => unwrap.unwrap(ticks))).toEqual([
    WRAP - 3000n,
    WRAP,
    WRAP + 3000n,
  ]);
});

test('a jump back stays a jump back', () => {
  const unwrap = new TimestampUnwrap();
  unwrap.unwrap(900_000n);
  expect(unwrap.unwrap(90_000n)).toBe(90_000n);
});

test('a picture before the wrap that arrives after it keeps its place', () => {
  const unwrap = new TimestampUnwrap();
  unwrap.unwrap(WRAP - 3000n);
  unwrap.unwrap(3000n);
  expect(unwrap.unwrap(WRAP - 1n)).toBe(WRAP - 1n);
});

test('whatever the steps are, while each is under half a wrap, the true count comes out', () => {
  const steps = fc.array(fc.bigInt({ min: -(2n ** 32n) + 1n, max: 2n ** 32n - 1n }), { maxLength: 50 });
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: WRAP - 1n }), steps, (start, moves) => {
      const unwrap = new TimestampUnwrap();
      let truth = start;
      expect(unwrap.unwrap(start)).toBe(start);
      for (const move of moves) {
        truth += move;
        const written = ((truth % WRAP) + WRAP) % WRAP;
        expect(unwrap.unwrap(written)).toBe(truth);
      }
    }),
  );
});
