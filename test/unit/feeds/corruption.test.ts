import { expect, test } from 'vitest';
import { Corruption } from '../../../tools/feeds/corruption.ts';

const PACKETS = Buffer.concat(Array.from({ length: 100 }, () => Buffer.alloc(188, 0x47)));

test('without damage the bytes pass as they are', () => {
  const corruption = new Corruption({ garbageRate: 0, truncateRate: 0, seed: 1 });
  expect(corruption.apply(PACKETS)).toBe(PACKETS);
});

test('garbage keeps the length and changes about as many packets as asked', () => {
  const damaged = new Corruption({ garbageRate: 0.2, truncateRate: 0, seed: 3 }).apply(PACKETS);
  expect(damaged.length).toBe(PACKETS.length);
  let changedCount = 0;
  for (let at = 0; at < damaged.length; at += 188)
    if (!damaged.subarray(at, at + 188).equals(PACKETS.subarray(at, at + 188))) changedCount += 1;
  expect(changedCount).toBeGreaterThan(8);
  expect(changedCount).toBeLessThan(35);
});

test('truncation makes the stream shorter, so that packets no longer lie in steps of 188 bytes', () => {
  const damaged = new Corruption({ garbageRate: 0, truncateRate: 0.1, seed: 3 }).apply(PACKETS);
  expect(damaged.length).toBeLessThan(PACKETS.length);
  expect(damaged.length % 188).not.toBe(0);
});

test('the same seed makes the same damage', () => {
  const damage = (seed: number) =>
    new Corruption({ garbageRate: 0.1, truncateRate: 0.1, seed }).apply(PACKETS);
  expect(damage(5).equals(damage(5))).toBe(true);
  expect(damage(5).equals(damage(6))).toBe(false);
});

test('the original bytes are left alone', () => {
  const before = Buffer.from(PACKETS);
  new Corruption({ garbageRate: 1, truncateRate: 0, seed: 1 }).apply(PACKETS);
  expect(PACKETS.equals(before)).toBe(true);
});
