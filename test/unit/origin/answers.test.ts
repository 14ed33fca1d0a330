import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { metricsText } from '../../../origin/metrics.ts';
import { FIRST_MSN, FIRST_ORDINAL } from '../hls/live-edge-samples.ts';
import { OriginBed, pass, settle } from './origin-bed.ts';

const HEAD_MSN = FIRST_MSN + 2;

describe('answers', () => {
  let bed: OriginBed;

  beforeEach(async () => {
    vi.useFakeTimers();
    bed = new OriginBed();
    await bed.open();
    await bed.publishBoth(FIRST_ORDINAL, FIRST_ORDINAL + 11);
    await bed.get('/open/cam/av.m3u8');
  });

  afterEach(async () => {
    await bed.stop();
    vi.useRealTimers();
  });

  describe('caching', () => {
    /** What CloudFront takes as "do not collapse": it would send every waiting viewer to the origin. */
    const NO_COLLAPSING = /no-store|no-cache|private|max-age=0/;

    it.each([
      ['a media playlist', 'av.m3u8', 'public, max-age=1'],
      ['a blocking reload', `av.m3u8?_HLS_msn=${HEAD_MSN}&_HLS_part=0`, 'public, max-age=1'],
      ['the multivariant playlist', 'index.m3u8', 'public, max-age=10'],
      ['the MPD', 'manifest.mpd', 'public, max-age=10'],
      ['an init segment', 'av/init.mp4', 'public, max-age=60'],
      ['a part', `av/${FIRST_MSN}.0.m4s`, 'public, max-age=86400, immutable'],
      ['a complete segment', `av/${FIRST_MSN}.m4s`, 'public, max-age=86400, immutable'],
      ['a growing segment', `av/${HEAD_MSN}.m4s`, 'public, max-age=86400, immutable'],
    ])('%s may be cached, and collapsed while it is waited for', async (_name, path, expected) => {
      const response = await bed.get(`/open/cam/${path}`);
      expect(response.status).toBe(200);
      expect(response.headers['cache-control']).toBe(expected);
      expect(response.headers['cache-control']).not.toMatch(NO_COLLAPSING);
    });

    it('what many may wait for in vain is shared for a second: 404 and 503', async () => {
      const missing = await bed.get(`/open/cam/av/${HEAD_MSN + 9}.m4s`);
      const late = await bed.get(`/open/cam/av.m3u8?_HLS_msn=${HEAD_MSN}`);
      await pass(3_200);
      expect([missing.status, late.status]).toEqual([404, 503]);
      for (const { headers } of [missing, late]) {
        expect(headers['cache-control']).toBe('public, max-age=1');
        expect(headers['cache-control']).not.toMatch(NO_COLLAPSING);
      }
    });

    it("what is the request's own fault is never cached: 400, 405, 414, 416", async () => {
      const answers = [
        await bed.get('/open/cam/av.m3u8?_HLS_part=1'),
        await bed.get('/open/cam/av.m3u8', {}, 'POST'),
        await bed.get(`/open/cam/av.m3u8?${'x'.repeat(9000)}`),
        await bed.get(`/open/cam/av/${FIRST_MSN}.m4s`, { range: 'bytes=99999-' }),
      ];
      expect(answers.map(({ status }) => status)).toEqual([400, 405, 414, 416]);
      for (const { headers } of answers) expect(headers['cache-control']).toBe('no-store');
    });

    it('the time is never cached, and is the clock of the origin to the millisecond', async () => {
      const response = await bed.get('/open/cam/time');
      expect(response.headers['cache-control']).toBe('no-store');
      expect(Date.parse(response.body)).toBe(Date.now());
      expect(response.body).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    });
  });

  describe('CORS', () => {
    it('every answer may be read by every page, with Age, Date and Content-Length', async () => {
      for (const path of ['av.m3u8', 'nothing', `av/${FIRST_MSN}.0.m4s`, 'av.m3u8?_HLS_part=1']) {
        const { headers } = await bed.get(`/open/cam/${path}`);
        expect(headers['access-control-allow-origin']).toBe('*');
        expect(headers['access-control-expose-headers']).toBe('Age, Content-Length, Content-Range, Date');
      }
    });

    it('a preflight is answered without touching a stream', async () => {
      const response = await bed.get('/live/other/av.m3u8', {}, 'OPTIONS');
      expect(response.status).toBe(204);
      expect(response.headers['access-control-allow-methods']).toBe('GET, HEAD, OPTIONS, POST');
      expect(response.headers['access-control-allow-headers']).toBe('Range, Content-Type');
      expect(bed.origin.metrics().followedStreamCount).toBe(1);
    });

    it('another method is 405 and says which are allowed', async () => {
      const response = await bed.get('/open/cam/av.m3u8', {}, 'DELETE');
      expect(response.status).toBe(405);
      expect(response.headers['allow']).toBe('GET, HEAD, OPTIONS');
    });
  });

  describe('compression', () => {
    const gzip = { 'accept-encoding': 'br, gzip' };

    it('a playlist is compressed for those who take it, and is the same text', async () => {
      const plain = await bed.get('/live/cam/av.m3u8');
      const compressed = await bed.get('/live/cam/av.m3u8', gzip);
      expect(plain.headers['content-encoding']).toBeUndefined();
      expect(compressed.headers['content-encoding']).toBe('gzip');
      expect(compressed.headers['content-length']).toBe(String(compressed.body.length));
      expect(compressed.body.length).toBeLessThan(plain.body.length / 3);
      expect(gunzipSync(Buffer.from(compressed.body, 'latin1')).toString()).toBe(plain.body);
      for (const { headers } of [plain, compressed]) expect(headers['vary']).toBe('Accept-Encoding');
    });

    it.each(['identity', 'br', 'gzip;q=0', ''])(
      'a client that accepts "%s" gets the plain text',
      async (accepted) => {
        const response = await bed.get('/live/cam/av.m3u8', { 'accept-encoding': accepted });
        expect(response.headers['content-encoding']).toBeUndefined();
      },
    );

    it('a short text and media are not compressed', async () => {
      for (const path of ['index.m3u8', `av/${FIRST_MSN}.m4s`]) {
        const response = await bed.get(`/open/cam/${path}`, gzip);
        expect(response.headers['content-encoding']).toBeUndefined();
      }
    });

    it('the compressed text is made once for all who wait', async () => {
      const waiting = Array.from({ length: 20 }, () =>
        bed.send(`/live/cam/av.m3u8?_HLS_msn=${HEAD_MSN}`, gzip),
      );
      await bed.publishBoth(FIRST_ORDINAL + 11, FIRST_ORDINAL + 15);
      expect(new Set(waiting.map(({ body }) => body)).size).toBe(1);
      expect(waiting[0]?.headers['content-encoding']).toBe('gzip');
    });
  });

  it('playlists under /live/ and /open/ differ only in version, variables and what they add to URIs', async () => {
    const open = await bed.get('/open/cam/av.m3u8');
    const live = await bed.get('/live/cam/av.m3u8');
    const stripped = live.body
      .replaceAll('?Policy={$Policy}&Signature={$Signature}&Key-Pair-Id={$Key-Pair-Id}', '')
      .replaceAll(/#EXT-X-DEFINE.*\n/g, '')
      .replace('VERSION:11', 'VERSION:6');
    expect(stripped).toBe(open.body);
  });

  it('playlists for cookies are those of /open/, and lead to each other', async () => {
    const open = await bed.get('/open/cam/av.m3u8');
    const cookies = await bed.get('/live/cam/av.cookies.m3u8');
    expect(cookies.body).not.toBe(open.body);
    expect(cookies.body.replaceAll('.cookies.m3u8', '.m3u8')).toBe(open.body);
    const index = await bed.get('/live/cam/index.cookies.m3u8');
    expect(index.body).toContain('\nav.cookies.m3u8\n');
    expect(index.body).not.toContain('DEFINE');
  });

  it('metrics are text that a scraper reads', async () => {
    const text = metricsText(bed.origin.metrics());
    expect(text).toContain('# TYPE mirror_origin_request_total counter\nmirror_origin_request_total 1\n');
    expect(text).toContain('# TYPE mirror_origin_waiting_count gauge\nmirror_origin_waiting_count 0\n');
    expect(bed.origin.metrics().windowByteCount).toBeGreaterThan(0);
  });

  it('whatever is asked for gets one answer that is no server error, or waits its 3 s', async () => {
    const piece = fc.constantFrom(
      'index.m3u8',
      'manifest.mpd',
      'av',
      'video',
      'audio',
      'init.mp4',
      '.m3u8',
      '.m4s',
      '/',
      '.',
      '?',
      '&',
      '%2f',
      '..',
      `${FIRST_MSN}`,
      `${HEAD_MSN}`,
      `${HEAD_MSN + 1}`,
      '0',
      '1',
      '7',
      `_HLS_msn=${HEAD_MSN}`,
      '_HLS_part=1',
      '_HLS_skip=YES',
    );
    const path = fc.oneof(
      fc.array(piece, { maxLength: 8 }).map((pieces) => `/live/cam/${pieces.join('')}`),
      fc.string({ unit: 'binary', maxLength: 80 }),
      fc
        .tuple(fc.constantFrom('video', 'audio', 'av'), fc.nat(FIRST_MSN * 2), fc.nat(9))
        .map(([rendition, msn, part]) => `/open/cam/${rendition}/${msn}.${part}.m4s`),
    );
    const responses = fc
      .sample(fc.tuple(path, fc.option(fc.string({ maxLength: 30 }))), 2_000)
      .map(([url, range]) => ({ url, response: bed.send(url, range === null ? {} : { range }) }));
    await settle();
    expect(responses.filter(({ response }) => response.status >= 500)).toEqual([]);
    await pass(3_200);
    expect(responses.filter(({ response }) => response.waiting)).toEqual([]);
    expect(bed.origin.metrics()).toMatchObject({ waitingCount: 0, failedAnswerCount: 0 });
  });
});
