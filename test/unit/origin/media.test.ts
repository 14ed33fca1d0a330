import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { joinInitSegments } from '../../../domain/cmaf/join-init-segments.ts';
import { FIRST_MSN, FIRST_ORDINAL, SILENT_INFO, samplePart } from '../hls/live-edge-samples.ts';
import { sampleInit } from './init-samples.ts';
import { OriginBed, partText, pass, settle } from './origin-bed.ts';

const HEAD_MSN = FIRST_MSN + 2;

/** The bytes of a whole segment of a track, or of both for `av`. */
function segmentText(
  msn: number,
  tracks: readonly ('video' | 'audio')[],
  partIndices = [0, 1, 2, 3, 4],
): string {
  return partIndices
    .map((partIndex) => tracks.map((track) => partText(track, msn * 5 + partIndex)).join(''))
    .join('');
}

describe('media', () => {
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

  describe('parts', () => {
    it('a part that is out is answered whole with its length', async () => {
      const response = await bed.get(`/open/cam/video/${FIRST_MSN}.3.m4s`);
      expect(response.status).toBe(200);
      expect(response.body).toBe(partText('video', FIRST_ORDINAL + 3));
      expect(response.headers['content-length']).toBe(String(response.body.length));
      expect(response.headers['content-type']).toBe('video/mp4');
    });

    it('an av part is the video part followed by the audio part', async () => {
      const response = await bed.get(`/open/cam/av/${FIRST_MSN}.3.m4s`);
      expect(response.body).toBe(partText('video', FIRST_ORDINAL + 3) + partText('audio', FIRST_ORDINAL + 3));
    });

    it('a hinted part is held and answered whole when it is there', async () => {
      const response = await bed.get(`/open/cam/video/${HEAD_MSN}.1.m4s`);
      expect(response.waiting).toBe(true);
      await bed.publish('video', FIRST_ORDINAL + 11);
      expect(response.status).toBe(200);
      expect(response.chunks).toEqual([partText('video', FIRST_ORDINAL + 11)]);
      expect(response.headers['content-length']).toBe(String(response.body.length));
    });

    it('a hinted av part waits for both tracks', async () => {
      const response = await bed.get(`/open/cam/av/${HEAD_MSN}.1.m4s`);
      await bed.publish('audio', FIRST_ORDINAL + 11);
      expect(response.waiting).toBe(true);
      await bed.publish('video', FIRST_ORDINAL + 11);
      expect(response.body).toBe(
        partText('video', FIRST_ORDINAL + 11) + partText('audio', FIRST_ORDINAL + 11),
      );
    });

    it('a held part that turns out to be a gap is 404', async () => {
      const response = await bed.get(`/open/cam/video/${HEAD_MSN}.1.m4s`);
      await bed.gap('video', FIRST_ORDINAL + 11);
      expect(response.status).toBe(404);
    });

    it('a held part that is passed over is 404', async () => {
      const response = await bed.get(`/open/cam/video/${HEAD_MSN}.1.m4s`);
      await bed.publish('video', FIRST_ORDINAL + 12);
      expect(response.status).toBe(404);
    });

    it('an av part is 404 when one of its tracks is a gap', async () => {
      await bed.publish('video', FIRST_ORDINAL + 11);
      await bed.gap('audio', FIRST_ORDINAL + 11);
      expect((await bed.get(`/open/cam/av/${HEAD_MSN}.1.m4s`)).status).toBe(404);
      expect((await bed.get(`/open/cam/video/${HEAD_MSN}.1.m4s`)).status).toBe(200);
    });

    it('a part two segments ahead is held, three ahead is 404', async () => {
      expect((await bed.get(`/open/cam/video/${HEAD_MSN + 2}.0.m4s`)).waiting).toBe(true);
      expect((await bed.get(`/open/cam/video/${HEAD_MSN + 3}.0.m4s`)).status).toBe(404);
    });

    it('a part that does not come within 3 s is 503', async () => {
      const response = await bed.get(`/open/cam/video/${HEAD_MSN}.1.m4s`);
      await pass(3_200);
      expect(response.status).toBe(503);
    });

    it('a part index that no segment has is 404', async () => {
      expect((await bed.get(`/open/cam/video/${FIRST_MSN}.5.m4s`)).status).toBe(404);
    });

    it('a part after the end is 404', async () => {
      const held = await bed.get(`/open/cam/video/${HEAD_MSN}.1.m4s`);
      await bed.liveEdge.end('cam');
      await settle();
      expect(held.status).toBe(404);
      expect((await bed.get(`/open/cam/video/${HEAD_MSN}.2.m4s`)).status).toBe(404);
    });
  });

  describe('segments', () => {
    it('a complete segment is its parts in order, with its length', async () => {
      for (const [rendition, tracks] of [
        ['video', ['video']],
        ['audio', ['audio']],
        ['av', ['video', 'audio']],
      ] as const) {
        const response = await bed.get(`/open/cam/${rendition}/${FIRST_MSN}.m4s`);
        expect(response.body).toBe(segmentText(FIRST_MSN, tracks));
        expect(response.headers['content-length']).toBe(String(response.body.length));
      }
    });

    it('a segment in the making is answered at once and grows with each part', async () => {
      const response = await bed.get(`/open/cam/video/${HEAD_MSN}.m4s`);
      expect(response.status).toBe(200);
      expect(response.headers['content-length']).toBeUndefined();
      expect(response.chunks).toEqual([partText('video', FIRST_ORDINAL + 10)]);
      for (const partIndex of [1, 2, 3]) {
        await bed.publish('video', FIRST_ORDINAL + 10 + partIndex);
        expect(response.chunks).toHaveLength(partIndex + 1);
        expect(response.waiting).toBe(true);
      }
      await bed.publish('video', FIRST_ORDINAL + 14);
      expect(response.ended).toBe(true);
      expect(response.body).toBe(segmentText(HEAD_MSN, ['video']));
    });

    it('a growing segment and the complete one have the same bytes', async () => {
      const growing = await bed.get(`/open/cam/av/${HEAD_MSN}.m4s`);
      await bed.publishBoth(FIRST_ORDINAL + 11, FIRST_ORDINAL + 16);
      const complete = await bed.get(`/open/cam/av/${HEAD_MSN}.m4s`);
      expect(growing.body).toBe(complete.body);
      expect(growing.ended).toBe(true);
    });

    it('the next segment is waited for, and begins with its first part', async () => {
      const response = await bed.get(`/open/cam/video/${HEAD_MSN + 1}.m4s`);
      await bed.publishBoth(FIRST_ORDINAL + 11, FIRST_ORDINAL + 15);
      expect(response.status).toBe(0);
      await bed.publish('video', FIRST_ORDINAL + 15);
      expect(response.chunks).toEqual([partText('video', FIRST_ORDINAL + 15)]);
    });

    it('a growing segment may last longer than 3 s as long as parts come', async () => {
      const response = await bed.get(`/open/cam/video/${HEAD_MSN}.m4s`);
      for (const partIndex of [1, 2, 3]) {
        await pass(2_000);
        await bed.publish('video', FIRST_ORDINAL + 10 + partIndex);
      }
      await pass(2_000);
      expect(response.waiting).toBe(true);
    });

    it('a growing segment that stops growing is broken off, so that no cache takes it for complete', async () => {
      const response = await bed.get(`/open/cam/video/${HEAD_MSN}.m4s`);
      await pass(3_200);
      expect(response.destroyed).toBe(true);
      expect(response.ended).toBe(false);
    });

    it('a gap in a growing segment is left out', async () => {
      const response = await bed.get(`/open/cam/video/${HEAD_MSN}.m4s`);
      await bed.gap('video', FIRST_ORDINAL + 11);
      for (const partIndex of [2, 3, 4]) await bed.publish('video', FIRST_ORDINAL + 10 + partIndex);
      expect(response.ended).toBe(true);
      expect(response.body).toBe(segmentText(HEAD_MSN, ['video'], [0, 2, 3, 4]));
    });

    it('a segment that is all gap is 404', async () => {
      for (let ordinal = FIRST_ORDINAL + 11; ordinal < FIRST_ORDINAL + 15; ordinal += 1)
        await bed.publish('video', ordinal);
      await bed.publish('video', FIRST_ORDINAL + 20);
      expect((await bed.get(`/open/cam/video/${HEAD_MSN + 1}.m4s`)).status).toBe(404);
    });

    it('two finished segments are one body, the same however it was asked for', async () => {
      const first = FIRST_MSN + (FIRST_MSN % 2);
      const last = (first + 2) * 5;
      const url = `/open/cam/video/${first}-${first + 1}.m4s`;
      const growing = await bed.get(url);
      await bed.publishBoth(FIRST_ORDINAL + 12, last + 1);
      const complete = await bed.get(url);
      const whole = segmentText(first, ['video']) + segmentText(first + 1, ['video']);
      expect(complete.headers['content-length']).toBe(String(complete.body.length));
      expect([complete.body, growing.body, (await bed.get(url)).body]).toEqual([whole, whole, whole]);
      expect((await bed.get(`/open/cam/video/${first}.m4s`)).body).toBe(segmentText(first, ['video']));
    });

    it('the last segment of a broadcast may be short, and is complete', async () => {
      const growing = await bed.get(`/open/cam/video/${HEAD_MSN}.m4s`);
      await bed.publish('video', FIRST_ORDINAL + 11);
      await bed.liveEdge.end('cam');
      await settle();
      expect(growing.ended).toBe(true);
      const complete = await bed.get(`/open/cam/video/${HEAD_MSN}.m4s`);
      expect(complete.body).toBe(segmentText(HEAD_MSN, ['video'], [0, 1]));
      expect(complete.headers['content-length']).toBe(String(complete.body.length));
    });
  });

  describe('what is older than the window', () => {
    beforeEach(async () => {
      // 31 s on: the first segments have left the 30 s of memory.
      for (let ordinal = FIRST_ORDINAL + 11; ordinal < FIRST_ORDINAL + 310; ordinal += 1) {
        await bed.publish('video', ordinal);
        await bed.publish('audio', ordinal);
      }
    });

    it('is read from the media store', async () => {
      expect((await bed.get(`/open/cam/video/${FIRST_MSN}.1.m4s`)).body).toBe(
        partText('video', FIRST_ORDINAL + 1),
      );
      const segment = await bed.get(`/open/cam/av/${FIRST_MSN}.m4s`);
      expect(segment.body).toBe(segmentText(FIRST_MSN, ['video', 'audio']));
      expect(segment.headers['content-length']).toBe(String(segment.body.length));
      expect(bed.origin.metrics().windowMissCount).toBe(11);
    });

    it('is 404 when the store does not have it', async () => {
      expect((await bed.get(`/open/cam/av/${FIRST_MSN - 10}.m4s`)).status).toBe(404);
      expect((await bed.get(`/open/cam/video/${FIRST_MSN - 10}.0.m4s`)).status).toBe(404);
    });
  });

  describe('init segments', () => {
    it('of one track are what was stored', async () => {
      const response = await bed.get('/open/cam/audio/init.mp4');
      expect(response.body).toBe(Buffer.from(sampleInit('audio')).toString('latin1'));
      expect(response.headers['content-type']).toBe('audio/mp4');
    });

    it('of av hold both tracks', async () => {
      const response = await bed.get('/open/cam/av/init.mp4');
      const joined = joinInitSegments(sampleInit('video'), sampleInit('audio'));
      expect(response.body).toBe(Buffer.from(joined).toString('latin1'));
    });

    it('of a stream without sound: av is video, and audio is 404', async () => {
      await bed.open('silent', SILENT_INFO);
      for (let ordinal = FIRST_ORDINAL; ordinal < FIRST_ORDINAL + 6; ordinal += 1)
        await bed.publish('video', ordinal, {}, 'silent');
      const video = await bed.get('/open/silent/video/init.mp4');
      expect((await bed.get('/open/silent/av/init.mp4')).body).toBe(video.body);
      expect((await bed.get('/open/silent/audio/init.mp4')).status).toBe(404);
      expect((await bed.get('/open/silent/audio.m3u8')).status).toBe(404);
      expect((await bed.get(`/open/silent/av/${FIRST_MSN}.m4s`)).body).toBe(
        segmentText(FIRST_MSN, ['video']),
      );
    });
  });

  describe('ranges of complete objects', () => {
    it.each([
      ['bytes=0-3', 0, 3],
      ['bytes=5-', 5, undefined],
      ['bytes=-4', -4, undefined],
      ['bytes=2-99999', 2, undefined],
    ])('%s is 206 with its length', async (range, from, last) => {
      const whole = partText('video', FIRST_ORDINAL);
      const expected =
        from < 0 ? whole.slice(from) : whole.slice(from, last === undefined ? undefined : last + 1);
      const response = await bed.get(`/open/cam/video/${FIRST_MSN}.0.m4s`, { range });
      expect(response.status).toBe(206);
      expect(response.body).toBe(expected);
      expect(response.headers['content-length']).toBe(String(expected.length));
      const start = whole.length - (from < 0 ? -from : whole.length - from);
      expect(response.headers['content-range']).toBe(
        `bytes ${start}-${start + expected.length - 1}/${whole.length}`,
      );
    });

    it.each(['bytes=9999-', 'bytes=-0'])('%s is 416 with the length', async (range) => {
      const response = await bed.get(`/open/cam/video/${FIRST_MSN}.0.m4s`, { range });
      expect(response.status).toBe(416);
      expect(response.headers['content-range']).toBe(`bytes */${partText('video', FIRST_ORDINAL).length}`);
    });

    it.each(['bytes=0-1,3-4', 'bytes=4-2', 'lines=1-2', 'bytes=', 'bytes=-', 'nonsense'])(
      '%s is answered whole',
      async (range) => {
        const response = await bed.get(`/open/cam/video/${FIRST_MSN}.0.m4s`, { range });
        expect(response.status).toBe(200);
        expect(response.body).toBe(partText('video', FIRST_ORDINAL));
      },
    );

    it('a range of a growing segment is answered with the whole, as it grows', async () => {
      const response = await bed.get(`/open/cam/video/${HEAD_MSN}.m4s`, { range: 'bytes=0-3' });
      expect(response.status).toBe(200);
      expect(response.body).toBe(partText('video', FIRST_ORDINAL + 10));
    });
  });

  describe('HEAD', () => {
    it('has the headers of GET and no body', async () => {
      for (const path of [
        'av.m3u8',
        'index.m3u8',
        'av/init.mp4',
        `av/${FIRST_MSN}.m4s`,
        `video/${FIRST_MSN}.0.m4s`,
      ]) {
        const get = await bed.get(`/open/cam/${path}`);
        const head = await bed.get(`/open/cam/${path}`, {}, 'HEAD');
        expect(head.headers).toEqual(get.headers);
        expect(head.body).toBe('');
        expect(head.ended).toBe(true);
      }
    });

    it('of a growing segment ends with the headers', async () => {
      const head = await bed.get(`/open/cam/video/${HEAD_MSN}.m4s`, {}, 'HEAD');
      expect(head.status).toBe(200);
      expect(head.ended).toBe(true);
      expect(head.body).toBe('');
    });
  });
});

describe('a media store that fails', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('an announced part is tried again, and comes', async () => {
    let failures = 2;
    const bed = new OriginBed({
      mediaStore: (store) => ({
        get: async (key, options) => {
          if (key.endsWith('.3.m4s') && failures > 0) {
            failures -= 1;
            throw new Error('throttled');
          }
          return store.get(key, options);
        },
      }),
    });
    await bed.open();
    await bed.get('/open/cam/time');
    await bed.publishBoth(FIRST_ORDINAL, FIRST_ORDINAL + 4);
    const response = await bed.get(`/open/cam/video/${FIRST_MSN}.3.m4s`);
    expect(response.waiting).toBe(true);
    await pass(200);
    expect(response.body).toBe(partText('video', FIRST_ORDINAL + 3));
    expect(bed.log.lines.filter((line) => line.event === 'media-store-read-failed')).toHaveLength(2);
    await bed.stop();
  });

  it('a store that hangs gives 503, and the next request tries again', async () => {
    let hangs = true;
    const bed = new OriginBed({
      limits: { storeTryCount: 1 },
      mediaStore: (store) => ({
        get: (key, options) =>
          hangs && key.endsWith('.m4s') ? new Promise(() => undefined) : store.get(key, options),
      }),
    });
    await bed.open();
    await bed.get('/open/cam/time');
    await bed.publishBoth(FIRST_ORDINAL, FIRST_ORDINAL + 1);
    const response = await bed.get(`/open/cam/video/${FIRST_MSN}.0.m4s`);
    await pass(2_100);
    expect(response.status).toBe(503);
    hangs = false;
    await pass(600);
    expect((await bed.get(`/open/cam/video/${FIRST_MSN}.0.m4s`)).status).toBe(200);
    await bed.stop();
  });

  it('a part that was announced but is not there is 404 in the end', async () => {
    const bed = new OriginBed();
    await bed.open();
    await bed.get('/open/cam/time');
    await bed.liveEdge.append('cam', 'video', samplePart('video', FIRST_ORDINAL));
    const response = await bed.get(`/open/cam/video/${FIRST_MSN}.0.m4s`);
    await pass(500);
    expect(response.status).toBe(404);
    await bed.stop();
  });

  it('each announced part is read once, however many ask', async () => {
    const reads = new Map<string, number>();
    const bed = new OriginBed({
      mediaStore: (store) => ({
        get: async (key, options) => {
          reads.set(key, (reads.get(key) ?? 0) + 1);
          return store.get(key, options);
        },
      }),
    });
    await bed.open();
    await bed.get('/open/cam/time');
    const early = Array.from({ length: 5 }, () => bed.send(`/open/cam/av/${FIRST_MSN}.0.m4s`));
    await bed.publishBoth(FIRST_ORDINAL, FIRST_ORDINAL + 5);
    const late = Array.from({ length: 5 }, () => bed.send(`/open/cam/av/${FIRST_MSN}.m4s`));
    await settle();
    expect([...early, ...late].every((response) => response.status === 200 && response.ended)).toBe(true);
    expect([...reads.values()]).toEqual(Array.from({ length: 10 }, () => 1));
    await bed.stop();
  });
});
