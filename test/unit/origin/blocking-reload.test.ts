import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FIRST_MSN, FIRST_ORDINAL } from '../hls/live-edge-samples.ts';
import { OriginBed, pass, settle } from './origin-bed.ts';

/** Two whole segments and part 0 of the third are out. */
const HEAD_MSN = FIRST_MSN + 2;

describe('blocking playlist reload', () => {
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

  it('a request without directives is answered at once', async () => {
    const response = await bed.get('/open/cam/video.m3u8');
    expect(response.status).toBe(200);
    expect(response.body).toContain(`#EXT-X-MEDIA-SEQUENCE:${FIRST_MSN}\n`);
  });

  it('msn and part that are out are answered at once', async () => {
    const response = await bed.get(`/open/cam/video.m3u8?_HLS_msn=${HEAD_MSN}&_HLS_part=0`);
    expect(response.status).toBe(200);
  });

  it('a past msn is answered at once with the newest playlist', async () => {
    const response = await bed.get(`/open/cam/video.m3u8?_HLS_msn=${FIRST_MSN - 400}`);
    expect(response.status).toBe(200);
    expect(response.body).toContain(`video/${HEAD_MSN}.0.m4s`);
  });

  it('the next part is waited for and answered in the tick of its announcement', async () => {
    const response = await bed.get(`/open/cam/video.m3u8?_HLS_msn=${HEAD_MSN}&_HLS_part=1`);
    expect(response.waiting).toBe(true);
    const announced = bed.liveEdge.append('cam', 'video', {
      mediaSequenceNumber: HEAD_MSN,
      partIndex: 1,
      durationTicks: 9000,
      independent: false,
      byteCount: 100,
      gap: false,
    });
    // Not a single promise reaction has run since.
    expect(response.status).toBe(200);
    expect(response.body).toContain(`video/${HEAD_MSN}.1.m4s`);
    await announced;
  });

  it('msn alone waits for the whole segment', async () => {
    const response = await bed.get(`/open/cam/video.m3u8?_HLS_msn=${HEAD_MSN}`);
    for (const partIndex of [1, 2, 3]) {
      await bed.publish('video', FIRST_ORDINAL + 10 + partIndex);
      expect(response.waiting).toBe(true);
    }
    await bed.publish('video', FIRST_ORDINAL + 14);
    expect(response.status).toBe(200);
    expect(response.body).toContain(`video/${HEAD_MSN}.m4s\n`);
  });

  it('a part index past the last part waits for part 0 of the next segment', async () => {
    const response = await bed.get(`/open/cam/video.m3u8?_HLS_msn=${HEAD_MSN}&_HLS_part=5`);
    await bed.publishBoth(FIRST_ORDINAL + 11, FIRST_ORDINAL + 15);
    expect(response.waiting).toBe(true);
    await bed.publish('video', FIRST_ORDINAL + 15);
    expect(response.body).toContain(`video/${HEAD_MSN + 1}.0.m4s`);
  });

  it('a part without msn is 400', async () => {
    const response = await bed.get('/open/cam/video.m3u8?_HLS_part=1');
    expect(response.status).toBe(400);
    expect(response.body).toBe('_HLS_part needs _HLS_msn.\n');
  });

  it.each(['abc', '', '-1', '1.5', '99999999999999999999', '1e3', '%31'])(
    'the msn "%s" is 400',
    async (value) => {
      expect((await bed.get(`/open/cam/video.m3u8?_HLS_msn=${value}`)).status).toBe(400);
    },
  );

  it('msn two ahead waits, three ahead is 400', async () => {
    expect((await bed.get(`/open/cam/video.m3u8?_HLS_msn=${HEAD_MSN + 2}`)).waiting).toBe(true);
    expect((await bed.get(`/open/cam/video.m3u8?_HLS_msn=${HEAD_MSN + 3}`)).status).toBe(400);
  });

  it('a wait of 3 s ends in 503 with Retry-After', async () => {
    const response = await bed.get(`/open/cam/video.m3u8?_HLS_msn=${HEAD_MSN}&_HLS_part=1`);
    await pass(2_900);
    expect(response.waiting).toBe(true);
    await pass(200);
    expect(response.status).toBe(503);
    expect(response.headers['retry-after']).toBe('1');
  });

  it('av waits until both tracks have the part', async () => {
    const response = await bed.get(`/open/cam/av.m3u8?_HLS_msn=${HEAD_MSN}&_HLS_part=1`);
    await bed.publish('video', FIRST_ORDINAL + 11);
    expect(response.waiting).toBe(true);
    await bed.publish('audio', FIRST_ORDINAL + 11);
    expect(response.body).toContain(`av/${HEAD_MSN}.1.m4s`);
  });

  it('a playlist of av is written once per part, not once per track', async () => {
    const before = bed.origin.metrics().playlistWriteCount;
    for (let ordinal = FIRST_ORDINAL + 11; ordinal < FIRST_ORDINAL + 16; ordinal += 1) {
      await bed.publish('video', ordinal);
      await bed.get('/open/cam/av.m3u8');
      await bed.publish('audio', ordinal);
      await bed.get('/open/cam/av.m3u8');
    }
    expect(bed.origin.metrics().playlistWriteCount - before).toBe(5);
  });

  it('directives are ignored after the end', async () => {
    const waiting = await bed.get(`/open/cam/av.m3u8?_HLS_msn=${HEAD_MSN}&_HLS_part=1`);
    await bed.liveEdge.end('cam');
    await settle();
    expect(waiting.body).toContain('#EXT-X-ENDLIST');
    for (const query of [
      `_HLS_msn=${HEAD_MSN + 50}`,
      '_HLS_part=1',
      `_HLS_msn=${HEAD_MSN + 1}&_HLS_skip=YES`,
    ]) {
      const response = await bed.get(`/open/cam/av.m3u8?${query}`);
      expect(response.status).toBe(200);
      expect(response.body).toContain('#EXT-X-ENDLIST');
      expect(response.body).not.toContain('#EXT-X-SKIP');
    }
  });

  it('one text serves every waiter of a part', async () => {
    const query = `_HLS_msn=${HEAD_MSN}&_HLS_part=1`;
    const waiting = Array.from({ length: 50 }, () => bed.send(`/open/cam/video.m3u8?${query}`));
    const before = bed.origin.metrics().playlistWriteCount;
    await bed.publish('video', FIRST_ORDINAL + 11);
    expect(waiting.every((response) => response.status === 200)).toBe(true);
    expect(bed.origin.metrics().playlistWriteCount - before).toBe(1);
  });
});
