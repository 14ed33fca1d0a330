/** Feeds that change, or are cut in ways that FFmpeg's own muxer never cuts them. */
import { expect, test } from 'vitest';
import { codecName } from '../../../gpu-runner/ingest/accepted-codecs.ts';
import { srtUrl } from '../../../tools/feeds/options.ts';
import { freePort, IngestUnderTest } from './ingest-under-test.ts';
import { encodePictures, pushOverSrt, STREAM_TYPES, TransportStream } from './transport-stream.ts';

const HEVC = { pid: 0x100, streamType: STREAM_TYPES.hevc, version: 0 };
const H264 = { pid: 0x200, streamType: STREAM_TYPES.h264, version: 1 };

async function listening(): Promise<{ ingest: IngestUnderTest; url: string }> {
  const port = await freePort();
  return { ingest: new IngestUnderTest({ protocol: 'srt-listener', port }), url: srtUrl({ port }) };
}

function videoCodecs(ingest: IngestUnderTest): string[] {
  return ingest
    .connections()
    .map(({ event }) => event.tracks.map(({ codecParameters }) => codecName(codecParameters.codecId)).join());
}

test('the program map moves to another PID and codec: the feed is taken anew without a new connection', async () => {
  const { ingest, url } = await listening();
  const stream = new TransportStream();
  const hevc = await encodePictures({ videoCodec: 'hevc', gopMs: 500 }, 30);
  const h264 = await encodePictures({ videoCodec: 'h264', gopMs: 500 }, 60);
  const before = hevc.map((each) => Buffer.concat([stream.tables(HEVC), stream.pes(HEVC.pid, each)]));
  const after = h264.map((each) => Buffer.concat([stream.tables(H264), stream.pes(H264.pid, each)]));
  await pushOverSrt(url, [...before, ...after]);
  await ingest.until('the end', () => ingest.losses().length === 2);
  expect(videoCodecs(ingest)).toEqual(['hevc', 'h264']);
  expect(ingest.losses()[0]?.reason).toBe('the feed changed its video track');
  expect(ingest.counters.rejectedConnectionCount).toBe(0);
});

test('the codec changes on the same PID: the feed is taken anew', async () => {
  const { ingest, url } = await listening();
  const stream = new TransportStream();
  const hevc = await encodePictures({ videoCodec: 'hevc', gopMs: 500 }, 30);
  const h264 = await encodePictures({ videoCodec: 'h264', gopMs: 500 }, 60);
  const second = { ...H264, pid: HEVC.pid };
  const before = hevc.map((each) => Buffer.concat([stream.tables(HEVC), stream.pes(HEVC.pid, each)]));
  const after = h264.map((each) => Buffer.concat([stream.tables(second), stream.pes(HEVC.pid, each)]));
  await pushOverSrt(url, [...before, ...after]);
  await ingest.until('the end', () => ingest.losses().length === 2);
  expect(videoCodecs(ingest)).toEqual(['hevc', 'h264']);
});

test('a picture leaves as soon as the next one begins to arrive, and none is lost', async () => {
  const { ingest, url } = await listening();
  const stream = new TransportStream();
  const pictures = await encodePictures({ videoCodec: 'hevc', gopMs: 500 }, 45);
  await pushOverSrt(
    url,
    pictures.map((each) => Buffer.concat([stream.tables(HEVC), stream.pes(HEVC.pid, each)])),
  );
  await ingest.until('the end', () => ingest.losses().length === 1);
  expect(ingest.packets.map(({ byteCount }) => byteCount)).toEqual(pictures.map(({ length }) => length));
});

test('a picture of more than 200 KiB, which FFmpeg hands over in pieces, is one packet', async () => {
  const { ingest, url } = await listening();
  const stream = new TransportStream();
  const large = { widthPx: 1280, heightPx: 720, texture: 'noise', videoBitrateBps: 90_000_000 } as const;
  const pictures = await encodePictures({ videoCodec: 'h264', gopMs: 500, ...large }, 10);
  expect(Math.max(...pictures.map(({ length }) => length))).toBeGreaterThan(250 * 1024);
  const map = { ...H264, version: 0 };
  await pushOverSrt(
    url,
    pictures.map((each) => Buffer.concat([stream.tables(map), stream.pes(map.pid, each)])),
    150,
  );
  await ingest.until('the end', () => ingest.losses().length === 1);
  expect(ingest.packets.map(({ byteCount }) => byteCount)).toEqual(pictures.map(({ length }) => length));
  expect(ingest.log.lines.filter(({ event }) => event === 'feed-unaligned')).toEqual([]);
});

test('pictures that do not begin with their PES packets are put together by the parser', async () => {
  const { ingest, url } = await listening();
  const stream = new TransportStream();
  const pictures = await encodePictures({ videoCodec: 'hevc', gopMs: 500 }, 60);
  const bytes = Buffer.concat(pictures);
  const share = Math.ceil(bytes.length / 50);
  const parts = Array.from({ length: 50 }, (_, index) => bytes.subarray(index * share, (index + 1) * share));
  await pushOverSrt(
    url,
    parts.map((each) => Buffer.concat([stream.tables(HEVC), stream.pes(HEVC.pid, each)])),
  );
  await ingest.until('the end', () => ingest.losses().length === 1);
  const sizes = new Set(pictures.map(({ length }) => length));
  const whole = ingest.packets.filter(({ byteCount }) => sizes.has(byteCount));
  expect(whole.length).toBeGreaterThan(pictures.length / 2);
  expect(ingest.log.lines.filter(({ event }) => event === 'feed-unaligned')).toHaveLength(1);
});

test('timestamps go on over the wrap of their 33 bits, and a jump stays a jump', async () => {
  const { ingest, url } = await listening();
  const pictures = await encodePictures({ videoCodec: 'h264', gopMs: 500 }, 40);
  const map = { ...H264, version: 0 };
  const wrapping = new TransportStream(2 ** 33 - 10 * 3_000);
  const jumped = new TransportStream(450_000);
  const sent = pictures.map((each, index) => {
    const stream = index < 30 ? wrapping : jumped;
    return Buffer.concat([stream.tables(map), stream.pes(map.pid, each)]);
  });
  await pushOverSrt(url, sent);
  await ingest.until('the end', () => ingest.losses().length === 1);
  const steps = ingest.ptsOf('video').map((pts, index, all) => pts - (all[index - 1] ?? pts));
  const jump = 450_000n - 19n * 3_000n;
  expect(steps.slice(1)).toEqual([
    ...Array.from({ length: 29 }, () => 3_000n),
    jump,
    ...Array.from({ length: 9 }, () => 3_000n),
  ]);
});

test('missing TS packets are counted as continuity errors, and the feed goes on', async () => {
  const { ingest, url } = await listening();
  const stream = new TransportStream();
  const pictures = await encodePictures({ videoCodec: 'h264', gopMs: 500, texture: 'noise' }, 60);
  const map = { ...H264, version: 0 };
  const sent = pictures.map((each, index) => {
    const bytes = Buffer.concat([stream.tables(map), stream.pes(map.pid, each)]);
    // Every tenth picture lacks its second packet.
    return index % 10 === 5 ? Buffer.concat([bytes.subarray(0, 3 * 188), bytes.subarray(4 * 188)]) : bytes;
  });
  await pushOverSrt(url, sent);
  await ingest.until('the end', () => ingest.losses().length === 1);
  expect(ingest.counters.continuityErrorCount).toBe(6);
  expect(ingest.ptsOf('video').length).toBeGreaterThanOrEqual(58);
});
