import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseRequest } from '../../../origin/request.ts';
import { RequestMemory } from '../../../origin/request-memory.ts';

const LENGTH_MAX = 8_192;
const paths = fc.oneof(
  fc.string(),
  fc.constantFrom(
    '/open/a/av.m3u8?_HLS_msn=5&_HLS_part=1',
    '/open/a/av/7.2.m4s',
    '/live/a/index.m3u8',
    '/open/a/video/00.m4s',
    '/healthz',
  ),
);

test('a URL that was read before is read as it was the first time, whatever the method', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom('GET', 'HEAD', 'POST', 'OPTIONS'), paths)), (asked) => {
      const memory = new RequestMemory(LENGTH_MAX);
      for (const [method, url] of [...asked, ...asked])
        expect(memory.parse(method, url)).toEqual(parseRequest(method, url, LENGTH_MAX));
    }),
  );
});

test('a URL that was read before is not read again', () => {
  const memory = new RequestMemory(LENGTH_MAX);
  const first = memory.parse('GET', '/open/a/av/7.2.m4s');
  expect(memory.parse('GET', '/open/a/av/7.2.m4s')).toBe(first);
});

test('however many URLs are asked for, the newest 512 are remembered, and none that was refused', () => {
  const memory = new RequestMemory(LENGTH_MAX);
  for (let part = 0; part < 2_000; part++) memory.parse('GET', `/open/a/av/${part}.0.m4s`);
  expect(memory.size).toBe(512);
  const newest = memory.parse('GET', '/open/a/av/1999.0.m4s');
  for (let count = 0; count < 600; count++) memory.parse('GET', `/nothing/${count}`);
  expect(memory.parse('GET', '/open/a/av/1999.0.m4s')).toBe(newest);
});

test('a signed URL is a viewer’s own, and not remembered', () => {
  const memory = new RequestMemory(LENGTH_MAX);
  memory.parse('GET', `/live/a/av/7.2.m4s?Policy=${'x'.repeat(200)}`);
  expect(memory.size).toBe(0);
});
