import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ORIGIN_LIMITS } from '../../../origin/limits.ts';
import { type ParsedRequest, parseRequest } from '../../../origin/request.ts';
import { byteRangeOf } from '../../../origin/response.ts';

const parse = (url: string, method = 'GET') => parseRequest(method, url, ORIGIN_LIMITS.urlLength);
const live = { access: 'live', streamId: 'cam-1' };

describe('the request parser', () => {
  it.each<[string, unknown]>([
    ['/live/cam-1/index.m3u8', { ...live, kind: 'multivariant' }],
    ['/live/cam-1/manifest.mpd', { ...live, kind: 'manifest' }],
    ['/live/cam-1/time', { ...live, kind: 'time' }],
    ['/live/cam-1/av.m3u8', { ...live, kind: 'playlist', rendition: 'av', directives: { skip: false } }],
    [
      '/live/cam-1/av.cookies.m3u8',
      { ...live, access: 'cookies', kind: 'playlist', rendition: 'av', directives: { skip: false } },
    ],
    ['/live/cam-1/index.cookies.m3u8', { ...live, access: 'cookies', kind: 'multivariant' }],
    ['/live/cam-1/audio/init.mp4', { ...live, kind: 'init', rendition: 'audio' }],
    [
      '/live/cam-1/video/12.m4s',
      { ...live, kind: 'segment', rendition: 'video', mediaSequenceNumber: 12, segmentCount: 1 },
    ],
    [
      '/live/cam-1/video/12-13.m4s',
      { ...live, kind: 'segment', rendition: 'video', mediaSequenceNumber: 12, segmentCount: 2 },
    ],
    [
      '/live/cam-1/video/12.4.m4s',
      { ...live, kind: 'part', rendition: 'video', mediaSequenceNumber: 12, partIndex: 4 },
    ],
    [
      '/open/x/av.m3u8?_HLS_msn=5&_HLS_part=2&_HLS_skip=YES',
      {
        access: 'open',
        streamId: 'x',
        kind: 'playlist',
        rendition: 'av',
        directives: { mediaSequenceNumber: 5, partIndex: 2, skip: true },
      },
    ],
    ['/healthz', { kind: 'health' }],
  ])('%s is understood', (url, expected) => {
    expect(parse(url)).toEqual(expected);
  });

  it('a signature in the query of any resource is no concern of the origin', () => {
    expect(parse('/live/cam-1/av.m3u8?Policy=abc&_HLS_msn=5&Signature=x-_~&Key-Pair-Id=K1')).toEqual({
      ...live,
      kind: 'playlist',
      rendition: 'av',
      directives: { skip: false, mediaSequenceNumber: 5 },
    });
    expect(parse('/live/cam-1/av/1.0.m4s?Policy=abc')).toMatchObject({ kind: 'part' });
  });

  it.each([
    '/',
    '',
    '*',
    '/live',
    '/live/',
    '/live/cam-1',
    '/live/cam-1/',
    '/live/cam-1/index.m3u8/',
    '/live//index.m3u8',
    '/live/-cam/index.m3u8',
    '/live/cam-/index.m3u8',
    '/live/Cam/index.m3u8',
    // Who needs no signature needs no cookies for it.
    '/open/cam-1/av.cookies.m3u8',
    '/live/cam-1/manifest.cookies.m3u8',
    // Joined segments have a grid of their own.
    '/live/cam-1/video/11-12.m4s',
    '/live/cam-1/video/12-14.m4s',
    '/live/cam-1/video/12-12.m4s',
    '/live/cam-1/video/12-.m4s',
    '/live/cam-1/video/-13.m4s',
    '/live/cam-1/video/-.m4s',
    '/live/cam-1/video/012-13.m4s',
    '/live/cam_1/index.m3u8',
    `/live/${'a'.repeat(41)}/index.m3u8`,
    '/live/cam-1/../cam-2/index.m3u8',
    '/live/cam-1/%2e%2e/index.m3u8',
    '/live/..%2fetc/passwd',
    '/live/cam-1/video/../../../../etc/passwd',
    '/live/cam-1/video/%31.m4s',
    '/live/cam%2d1/index.m3u8',
    '/live/cam-1/video/01.m4s',
    '/live/cam-1/video/1.00.m4s',
    '/live/cam-1/video/-1.m4s',
    '/live/cam-1/video/1e3.m4s',
    '/live/cam-1/video/9999999999999999.m4s',
    '/live/cam-1/video/1.10000.m4s',
    '/live/cam-1/subtitles.m3u8',
    '/live/cam-1/index.m3u8%00',
    '/live/cam-1/index.m3u8#x',
    '//live/cam-1/index.m3u8',
    'http://elsewhere/live/cam-1/index.m3u8',
  ])('"%s" is 404: one resource has one spelling', (url) => {
    expect(parse(url)).toMatchObject({ kind: 'rejected', status: 404 });
  });

  it.each(['_HLS_msn=1&_HLS_msn=2', '_HLS_part=1&_HLS_part=1', '_HLS_msn', '_HLS_msn=1%20', '_HLS_part=x'])(
    'the query "%s" is 400',
    (query) => {
      expect(parse(`/live/cam-1/av.m3u8?${query}`)).toMatchObject({ kind: 'rejected', status: 400 });
    },
  );

  it('directives of the future and skip values that are not known are ignored', () => {
    expect(parse('/live/cam-1/av.m3u8?_HLS_push=1&_HLS_skip=v9')).toMatchObject({
      kind: 'playlist',
      directives: { skip: false },
    });
    expect(parse('/live/cam-1/av.m3u8?_HLS_skip=v2')).toMatchObject({ directives: { skip: true } });
  });

  it('an over-long URL is 414, whatever it says', () => {
    expect(parse(`/live/cam-1/av.m3u8?x=${'a'.repeat(9000)}`)).toMatchObject({ status: 414 });
  });

  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'TRACE', 'get', ''])('the method "%s" is 405', (method) => {
    expect(parse('/live/cam-1/av.m3u8', method)).toMatchObject({ status: 405 });
  });

  it('OPTIONS is a preflight for every path', () => {
    expect(parse('/live/cam-1/av.m3u8', 'OPTIONS')).toEqual({ kind: 'options' });
  });
});

const url = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.webUrl({ withQueryParameters: true, withFragments: true }),
  // Near misses: right pieces in any order.
  fc
    .array(
      fc.constantFrom(
        '/',
        'live',
        'open',
        'cam',
        'av',
        'video',
        'index',
        'init',
        '.m3u8',
        '.mp4',
        '.m4s',
        '.',
        '..',
        '%2e',
        '%',
        '1',
        '0',
        '99999999999999999999',
        '?',
        '&',
        '=',
        '_HLS_msn',
        '_HLS_part',
        '_HLS_skip',
        'YES',
        '\u0000',
        '#',
        ';',
      ),
      { maxLength: 16 },
    )
    .map((pieces) => `/live/cam/${pieces.join('')}`),
);

describe('the request parser over anything', () => {
  it('never throws and answers with something that is defined', () => {
    fc.assert(
      fc.property(url, fc.constantFrom('GET', 'HEAD', 'OPTIONS', 'POST', 'X'), (text, method) => {
        const parsed: ParsedRequest = parseRequest(method, text, ORIGIN_LIMITS.urlLength);
        if (parsed.kind === 'rejected') return [400, 404, 405, 414].includes(parsed.status);
        return !('mediaSequenceNumber' in parsed) || Number.isSafeInteger(parsed.mediaSequenceNumber);
      }),
      { numRuns: 5_000 },
    );
  });

  it('takes time in proportion to the length at most', () => {
    // Inputs that make a backtracking expression explode.
    for (const text of [
      '/live/' + 'a-'.repeat(4000),
      '/live/cam/av/' + '1.'.repeat(4000),
      `/live/cam/av.m3u8?${'&='.repeat(4000)}`,
    ]) {
      const startMs = performance.now();
      for (let round = 0; round < 100; round += 1) parseRequest('GET', text, 100_000);
      expect(performance.now() - startMs).toBeLessThan(500);
    }
  });

  it('a byte range is always inside the object', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc
            .tuple(fc.option(fc.nat(300)), fc.option(fc.nat(300)))
            .map(([a, b]) => `bytes=${a ?? ''}-${b ?? ''}`),
        ),
        fc.nat(200),
        (header, byteCount) => {
          const range = byteRangeOf(header, byteCount);
          fc.pre(range.kind === 'range');
          return range.first >= 0 && range.last >= range.first && range.last < byteCount;
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
