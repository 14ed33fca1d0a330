import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LiveEdgeReader, LiveEdgeSnapshot } from '../../../domain/live-edge.ts';
import { FIRST_MSN, FIRST_ORDINAL, SAMPLE_INFO, samplePart } from '../hls/live-edge-samples.ts';
import { OriginBed, partText, pass, settle } from './origin-bed.ts';

describe('the life of a stream', () => {
  let bed: OriginBed;

  beforeEach(() => {
    vi.useFakeTimers();
    bed = new OriginBed();
  });

  afterEach(async () => {
    await bed.stop();
    vi.useRealTimers();
  });

  it('an unknown stream is 404 with a short body, at once', async () => {
    const response = await bed.get('/live/nobody/av.m3u8');
    expect(response.status).toBe(404);
    expect(response.body).toBe('There is no such stream.\n');
  });

  it('a stream that is opened after it was asked for is found', async () => {
    await bed.get('/live/cam/av.m3u8');
    await bed.open();
    expect((await bed.get('/live/cam/index.m3u8')).status).toBe(200);
  });

  it('a stream without parts: the multivariant playlist at once, a media playlist when it has a segment', async () => {
    await bed.open();
    expect((await bed.get('/live/cam/index.m3u8')).status).toBe(200);
    const playlist = await bed.get('/live/cam/video.m3u8');
    const asked = await bed.get(`/live/cam/video.m3u8?_HLS_msn=${FIRST_MSN}&_HLS_part=1`);
    await bed.publishBoth(FIRST_ORDINAL, FIRST_ORDINAL + 4);
    expect([playlist.waiting, asked.waiting]).toEqual([true, true]);
    await bed.publish('video', FIRST_ORDINAL + 4);
    expect([playlist.status, asked.status]).toEqual([200, 200]);
  });

  it('a stream that shows nothing for 3 s: 503, which players try again, and not 404', async () => {
    await bed.open();
    const playlist = await bed.get('/live/cam/video.m3u8');
    await pass(3_200);
    expect(playlist.status).toBe(503);
  });

  it('a stream that begins within a segment is listed from its first whole segment', async () => {
    await bed.open();
    await bed.publishBoth(FIRST_ORDINAL + 3, FIRST_ORDINAL + 9);
    const playlist = await bed.get('/live/cam/av.m3u8');
    expect(playlist.waiting).toBe(true);
    await bed.publishBoth(FIRST_ORDINAL + 9, FIRST_ORDINAL + 10);
    expect(playlist.body).toContain(`#EXT-X-MEDIA-SEQUENCE:${FIRST_MSN + 1}\n`);
  });

  it('an origin that starts late lists what was there before', async () => {
    await bed.open();
    await bed.publishBoth(FIRST_ORDINAL, FIRST_ORDINAL + 22);
    const playlist = await bed.get('/live/cam/av.m3u8');
    expect(playlist.body).toContain(`#EXT-X-MEDIA-SEQUENCE:${FIRST_MSN}\n`);
    expect(playlist.body).toContain(`av/${FIRST_MSN + 4}.1.m4s`);
    expect((await bed.get(`/live/cam/av/${FIRST_MSN}.0.m4s`)).body).toBe(
      partText('video', FIRST_ORDINAL) + partText('audio', FIRST_ORDINAL),
    );
  });

  it('after a runner was away, what it missed is a gap', async () => {
    await bed.open();
    await bed.publishBoth(FIRST_ORDINAL, FIRST_ORDINAL + 7);
    await bed.get('/live/cam/av.m3u8');
    await bed.liveEdge.open('cam', { ...SAMPLE_INFO, firstMediaSequenceNumber: FIRST_MSN + 4 });
    await bed.publishBoth(FIRST_ORDINAL + 20, FIRST_ORDINAL + 26);
    const { body } = await bed.get('/live/cam/video.m3u8');
    expect(
      body.match(/#EXT-X-GAP\n#EXTINF:0.5,\nvideo\/\d+/g)?.map((match) => Number(match.slice(-8))),
    ).toEqual([FIRST_MSN + 1, FIRST_MSN + 2, FIRST_MSN + 3]);
    expect(body.match(/,GAP=YES/g)).toHaveLength(13);
    expect(body).toContain(`video/${FIRST_MSN + 4}.m4s`);
  });

  it('a delta update is for clients that know what it leaves out; one that was away gets the whole', async () => {
    await bed.open();
    await bed.publishBoth(FIRST_ORDINAL, FIRST_ORDINAL + 120);
    const close = await bed.get(`/live/cam/av.m3u8?_HLS_msn=${FIRST_MSN + 13}&_HLS_skip=YES`);
    expect(close.body).toContain('#EXT-X-SKIP:SKIPPED-SEGMENTS=12\n');
    const away = await bed.get(`/live/cam/av.m3u8?_HLS_msn=${FIRST_MSN + 9}&_HLS_skip=YES`);
    expect(away.body).not.toContain('#EXT-X-SKIP');
    expect(away.body).toContain(`av/${FIRST_MSN}.m4s`);
  });

  it('a blocked request is answered by the first part after a hole', async () => {
    await bed.open();
    await bed.publishBoth(FIRST_ORDINAL, FIRST_ORDINAL + 7);
    const blocked = await bed.get(`/live/cam/video.m3u8?_HLS_msn=${FIRST_MSN + 1}&_HLS_part=2`);
    expect(blocked.waiting).toBe(true);
    await bed.publish('video', FIRST_ORDINAL + 20);
    expect(blocked.status).toBe(200);
  });

  it('after an end and a new start only the new broadcast is listed', async () => {
    await bed.open();
    await bed.publishBoth(FIRST_ORDINAL, FIRST_ORDINAL + 10);
    expect((await bed.get('/live/cam/av.m3u8')).status).toBe(200);
    await bed.liveEdge.end('cam');
    await settle();
    expect((await bed.get('/live/cam/av.m3u8')).body).toContain('#EXT-X-ENDLIST');
    expect((await bed.get('/live/cam/manifest.mpd')).body).toContain(
      'mediaPresentationDuration="PT28133001S"',
    );
    await bed.liveEdge.open('cam', { ...SAMPLE_INFO, firstMediaSequenceNumber: FIRST_MSN + 6 });
    const playlist = await bed.get('/live/cam/av.m3u8');
    expect(playlist.waiting).toBe(true);
    await bed.publishBoth(FIRST_ORDINAL + 30, FIRST_ORDINAL + 35);
    expect(playlist.body).toContain(`#EXT-X-MEDIA-SEQUENCE:${FIRST_MSN + 6}\n`);
    expect(playlist.body).not.toContain('#EXT-X-ENDLIST');
    expect(playlist.body).not.toContain('GAP');
  });

  it('an origin that starts after an end and a new start lists the same', async () => {
    await bed.open();
    await bed.publishBoth(FIRST_ORDINAL, FIRST_ORDINAL + 10);
    await bed.liveEdge.end('cam');
    await bed.liveEdge.open('cam', { ...SAMPLE_INFO, firstMediaSequenceNumber: FIRST_MSN + 6 });
    await bed.publishBoth(FIRST_ORDINAL + 30, FIRST_ORDINAL + 35);
    const { body } = await bed.get('/live/cam/av.m3u8');
    expect(body).toContain(`#EXT-X-MEDIA-SEQUENCE:${FIRST_MSN + 6}\n`);
    expect(body).not.toContain('GAP');
  });

  it('a stream that ended before it had a whole segment shows what it has; one that had nothing is 404', async () => {
    await bed.open();
    const early = await bed.get('/live/cam/video.m3u8');
    await bed.liveEdge.end('cam');
    await settle();
    expect(early.status).toBe(404);
    await bed.open('short');
    await bed.publishBoth(FIRST_ORDINAL, FIRST_ORDINAL + 2, 'short');
    await bed.liveEdge.end('short');
    const { body } = await bed.get('/live/short/video.m3u8');
    expect(body).toContain(`#EXTINF:0.2,\nvideo/${FIRST_MSN}.m4s`);
    expect(body).toContain('#EXT-X-ENDLIST');
  });

  it('a stream that is removed is forgotten, and those who wait are told', async () => {
    await bed.open();
    await bed.publishBoth(FIRST_ORDINAL, FIRST_ORDINAL + 6);
    const blocked = await bed.get(`/live/cam/av.m3u8?_HLS_msn=${FIRST_MSN + 1}`);
    await bed.liveEdge.remove('cam');
    await settle();
    expect(blocked.status).toBe(404);
    expect((await bed.get('/live/cam/av.m3u8')).status).toBe(404);
  });

  it('a stream is followed from its first request and dropped when nobody has asked for a minute', async () => {
    await bed.open();
    await bed.publishBoth(FIRST_ORDINAL, FIRST_ORDINAL + 6);
    expect(bed.origin.metrics().followedStreamCount).toBe(0);
    await bed.get('/live/cam/av.m3u8');
    expect(bed.origin.metrics().followedStreamCount).toBe(1);
    await pass(59_000);
    expect(bed.origin.metrics().followedStreamCount).toBe(1);
    await pass(2_000);
    expect(bed.origin.metrics().followedStreamCount).toBe(0);
    expect((await bed.get('/live/cam/av.m3u8')).status).toBe(200);
  });

  it('stopping answers those who wait with 503 and says no at the health check', async () => {
    await bed.open();
    await bed.publishBoth(FIRST_ORDINAL, FIRST_ORDINAL + 6);
    const blocked = await bed.get(`/live/cam/av.m3u8?_HLS_msn=${FIRST_MSN + 1}`);
    expect((await bed.get('/healthz')).status).toBe(200);
    await bed.stop();
    expect(blocked.status).toBe(503);
    expect((await bed.get('/healthz')).status).toBe(503);
    expect((await bed.get('/live/cam/av.m3u8')).status).toBe(503);
  });
});

describe('a live edge that takes a new snapshot after an outage', () => {
  let listener: Parameters<LiveEdgeReader['follow']>[1];
  let bed: OriginBed;

  beforeEach(async () => {
    vi.useFakeTimers();
    bed = new OriginBed({
      liveEdge: (liveEdge) => ({
        follow: (streamId, given) => {
          listener = given;
          return liveEdge.follow(streamId, given);
        },
      }),
    });
    await bed.open();
    await bed.publishBoth(FIRST_ORDINAL, FIRST_ORDINAL + 7);
    await bed.get('/live/cam/av.m3u8');
  });
  afterEach(async () => {
    await bed.stop();
    vi.useRealTimers();
  });

  const snapshotUpTo = (end: number, firstMediaSequenceNumber = FIRST_MSN): LiveEdgeSnapshot => {
    const ordinals = Array.from({ length: end - FIRST_ORDINAL }, (_, index) => FIRST_ORDINAL + index);
    return {
      info: { ...SAMPLE_INFO, firstMediaSequenceNumber },
      ended: false,
      parts: {
        video: ordinals.map((ordinal) => samplePart('video', ordinal)),
        audio: ordinals.map((ordinal) => samplePart('audio', ordinal)),
      },
    };
  };

  it('answers those who waited for what was announced meanwhile', async () => {
    const blocked = await bed.get(`/live/cam/av.m3u8?_HLS_msn=${FIRST_MSN + 1}&_HLS_part=4`);
    expect(blocked.waiting).toBe(true);
    listener.onSnapshot(snapshotUpTo(FIRST_ORDINAL + 10));
    expect(blocked.status).toBe(200);
  });

  it('takes nothing back that the lost Redis had announced', async () => {
    listener.onSnapshot(snapshotUpTo(FIRST_ORDINAL + 5));
    expect((await bed.get('/live/cam/av.m3u8')).body).toContain(`av/${FIRST_MSN + 1}.1.m4s`);
    expect((await bed.get(`/live/cam/av/${FIRST_MSN + 1}.1.m4s`)).status).toBe(200);
  });

  it('forgets what was announced of another broadcast', async () => {
    listener.onSnapshot(snapshotUpTo(FIRST_ORDINAL + 5, FIRST_MSN - 1));
    expect((await bed.get('/live/cam/av.m3u8')).body).not.toContain(`av/${FIRST_MSN + 1}.1.m4s"\n`);
  });

  it('tells those who wait when the stream is unknown now', async () => {
    const blocked = await bed.get(`/live/cam/av.m3u8?_HLS_msn=${FIRST_MSN + 1}&_HLS_part=4`);
    listener.onSnapshot(undefined);
    expect(blocked.status).toBe(404);
  });
});

describe('what is open to everyone', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is nothing by default: an origin without isOpen serves no stream under /open/', async () => {
    const bed = new OriginBed({ isOpen: () => false });
    await bed.open();
    await bed.publishBoth(FIRST_ORDINAL, FIRST_ORDINAL + 6);
    for (const path of [
      'index.m3u8',
      'av.m3u8',
      `av/${FIRST_MSN}.m4s`,
      'av/init.mp4',
      'manifest.mpd',
      'time',
    ]) {
      expect((await bed.get(`/open/cam/${path}`)).status).toBe(404);
      expect((await bed.get(`/live/cam/${path}`)).status).toBe(200);
    }
    await bed.stop();
  });

  it('a stream that is not open is not even followed for those who ask under /open/', async () => {
    const followed: string[] = [];
    const bed = new OriginBed({
      isOpen: () => false,
      liveEdge: (liveEdge) => ({
        follow: (streamId, listener) => {
          followed.push(streamId);
          return liveEdge.follow(streamId, listener);
        },
      }),
    });
    await bed.open();
    await bed.get('/open/cam/av.m3u8');
    expect(followed).toEqual([]);
    await bed.get('/live/cam/index.m3u8');
    expect(followed).toEqual(['cam']);
    await bed.stop();
  });

  it('an answer that takes time is waited for once, and asked for anew beside the requests after 2 s', async () => {
    const asked: string[] = [];
    let open = true;
    const bed = new OriginBed({
      isOpen: async (streamId) => {
        asked.push(streamId);
        return open;
      },
    });
    await bed.open();
    await bed.publishBoth(FIRST_ORDINAL, FIRST_ORDINAL + 6);
    expect((await bed.get('/open/cam/av.m3u8')).status).toBe(200);
    open = false;
    expect((await bed.get('/open/cam/av.m3u8')).status).toBe(200);
    expect(asked).toEqual(['cam']);
    await pass(2_100);
    expect((await bed.get('/open/cam/av.m3u8')).status).toBe(200);
    expect((await bed.get('/open/cam/av.m3u8')).status).toBe(404);
    expect(asked).toHaveLength(2);
    await bed.stop();
  });

  it('a first check that fails says no', async () => {
    const bed = new OriginBed({ isOpen: () => Promise.reject(new Error('registry away')) });
    await bed.open();
    expect((await bed.get('/open/cam/index.m3u8')).status).toBe(404);
    expect(bed.log.lines.map((line) => line.event)).toContain('open-check-failed');
    await bed.stop();
  });
});

describe('a registry that goes away', () => {
  it('turns nobody out who watches an open stream', async () => {
    vi.useFakeTimers();
    let isAway = false;
    const bed = new OriginBed({
      isOpen: async () => {
        if (isAway) throw new Error('registry away');
        return true;
      },
    });
    await bed.open();
    await bed.publishBoth(FIRST_ORDINAL, FIRST_ORDINAL + 6);
    await bed.get('/open/cam/av.m3u8');
    isAway = true;
    for (let seconds = 0; seconds < 10; seconds += 1) {
      await pass(1_000);
      expect((await bed.get('/open/cam/av.m3u8')).status).toBe(200);
    }
    await bed.stop();
    vi.useRealTimers();
  });
});

describe('limits', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('beyond the number of waiters the answer is 503 with Retry-After, at once', async () => {
    const bed = new OriginBed({ limits: { heldRequestCount: 2 } });
    await bed.open();
    await bed.publishBoth(FIRST_ORDINAL, FIRST_ORDINAL + 6);
    const url = `/live/cam/av.m3u8?_HLS_msn=${FIRST_MSN + 1}`;
    // The snapshot is waited for, so one request first.
    await bed.get('/live/cam/index.m3u8');
    const [first, second, third] = [await bed.get(url), await bed.get(url), await bed.get(url)];
    expect([first.waiting, second.waiting]).toEqual([true, true]);
    expect(third.status).toBe(503);
    expect(third.headers['retry-after']).toBe('1');
    expect(bed.origin.metrics()).toMatchObject({ waitingCount: 2, refusedHoldCount: 1 });
    await bed.stop();
  });

  it('a client that goes away frees its wait', async () => {
    const bed = new OriginBed({ limits: { heldRequestCount: 1 } });
    await bed.open();
    await bed.publishBoth(FIRST_ORDINAL, FIRST_ORDINAL + 6);
    await bed.get('/live/cam/index.m3u8');
    const url = `/live/cam/av.m3u8?_HLS_msn=${FIRST_MSN + 1}`;
    const first = await bed.get(url);
    first.close();
    const second = await bed.get(url);
    expect(second.waiting).toBe(true);
    await bed.publishBoth(FIRST_ORDINAL + 6, FIRST_ORDINAL + 10);
    expect(second.status).toBe(200);
    expect(first.status).toBe(0);
    expect(bed.origin.metrics()).toMatchObject({ waitingCount: 0, abandonedHoldCount: 1 });
    await bed.stop();
  });

  it('a client that goes away during a growing segment is written to no more', async () => {
    const bed = new OriginBed();
    await bed.open();
    await bed.publishBoth(FIRST_ORDINAL, FIRST_ORDINAL + 6);
    const response = await bed.get(`/live/cam/av/${FIRST_MSN + 1}.m4s`);
    expect(response.chunks).toHaveLength(1);
    response.close();
    await bed.publishBoth(FIRST_ORDINAL + 6, FIRST_ORDINAL + 10);
    expect(response.chunks).toHaveLength(1);
    expect(bed.origin.metrics().waitingCount).toBe(0);
    await bed.stop();
  });

  it('guesses at stream ids make room for streams that exist', async () => {
    const bed = new OriginBed({ limits: { streamCount: 3 } });
    await bed.open();
    for (const guess of ['a', 'b', 'c', 'd', 'e'])
      expect((await bed.get(`/live/${guess}/av.m3u8`)).status).toBe(404);
    expect((await bed.get('/live/cam/index.m3u8')).status).toBe(200);
    expect(bed.origin.metrics().followedStreamCount).toBe(3);
    await bed.stop();
  });

  it('reads of the store in flight are bounded', async () => {
    let active = 0;
    let most = 0;
    const bed = new OriginBed({
      limits: { storeReadCount: 2 },
      mediaStore: (store) => ({
        get: async (key, options) => {
          active += 1;
          most = Math.max(most, active);
          await new Promise((resolve) => {
            setTimeout(resolve, 10);
          });
          active -= 1;
          return store.get(key, options);
        },
      }),
    });
    await bed.open();
    await bed.publishBoth(FIRST_ORDINAL, FIRST_ORDINAL + 10);
    const response = await bed.get(`/live/cam/av/${FIRST_MSN}.m4s`);
    await pass(200);
    expect(response.ended).toBe(true);
    expect(most).toBe(2);
    await bed.stop();
  });
});
