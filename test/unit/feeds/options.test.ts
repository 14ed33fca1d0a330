import { describe, expect, test } from 'vitest';
import { parseFrameRate } from '../../../tools/feeds/command.ts';
import { demoFeedCount } from '../../../tools/feeds/demo.ts';
import { parseFeedOptions, srtUrl, startPtsThatWraps } from '../../../tools/feeds/options.ts';

describe('options of a feed', () => {
  test('only the address is needed', () => {
    expect(parseFeedOptions({ to: 'srt://127.0.0.1:9001' })).toMatchObject({
      videoCodec: 'hevc',
      widthPx: 640,
      heightPx: 360,
      frameRate: { num: 30, den: 1 },
      audioCodec: 'aac',
    });
  });

  test.each([
    [{ to: 'http://x' }, 'must begin with srt://'],
    [{ to: 'srt://x', widthPx: 641 }, 'widthPx'],
    [{ to: 'srt://x', interlaced: true }, 'only with h264 and mpeg2'],
    [{ to: 'srt://x', hdr: 'pq' }, 'needs a 10-bit codec'],
    [{ to: 'srt://x', colour: 'blue' }, 'colour'],
  ])('%j is refused and the option named', (input, words) => {
    const attempt = () => parseFeedOptions(input);
    expect(attempt).toThrow(words);
    expect(attempt).toThrow(expect.objectContaining({ code: 'FEED_OPTIONS' }));
  });

  test.each([
    ['30', 30, 1],
    ['29.97', 30_000, 1001],
    ['59.94', 60_000, 1001],
    ['23.976', 24_000, 1001],
    ['12.5', 12_500, 1000],
    ['30000/1001', 30_000, 1001],
  ])('frame rate %s is %i/%i', (text, num, den) => {
    const rate = parseFrameRate(text);
    expect(rate.num / rate.den).toBeCloseTo(num / den, 6);
  });

  test('an SRT address has its latency in microseconds, IPv6 in brackets, and its secrets escaped', () => {
    expect(srtUrl({ port: 9001 })).toBe('srt://127.0.0.1:9001?mode=caller&latency=120000');
    expect(srtUrl({ host: '::1', port: 9001, mode: 'listener', latencyMs: 200 })).toBe(
      'srt://[::1]:9001?mode=listener&latency=200000',
    );
    expect(srtUrl({ port: 1, passphrase: 'a&b=c' })).toContain('passphrase=a%26b%3Dc');
  });

  test('a start that wraps after a second lies a second of ticks before the 33-bit end', () => {
    expect(startPtsThatWraps(1_000)).toBe(2 ** 33 - 90_000);
  });
});

test('demo feeds: at least one, at most six, never fewer on more cores', () => {
  const counts = Array.from({ length: 64 }, (_, index) => demoFeedCount(index + 1));
  expect(counts[0]).toBe(1);
  expect(counts.at(-1)).toBe(6);
  expect([...counts].sort((a, b) => a - b)).toEqual(counts);
});
