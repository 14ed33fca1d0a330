/** What comes to a port that is not a feed for it. After each, a good feed is still taken. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { type FeedInput, srtUrl } from '../../../tools/feeds/options.ts';
import { FeedSender } from '../../../tools/feeds/sender.ts';
import { freePort, IngestUnderTest } from './ingest-under-test.ts';
import { pushOverSrt } from './transport-stream.ts';

const SMALL = { widthPx: 320, heightPx: 180, gopMs: 500 } as const;
const PASSPHRASE = 'correct-horse-battery';

/** Runs until the test ends; an error of the sender is what some of these tests want. */
function send(input: Omit<FeedInput, 'name'>): FeedSender {
  const stop = new AbortController();
  const sender = new FeedSender({ ...SMALL, ...input });
  const running = sender.run(stop.signal).catch(() => undefined);
  onTestFinished(async () => {
    stop.abort();
    await running;
  });
  return sender;
}

async function sendDatagrams(port: number, datagrams: readonly Uint8Array[]): Promise<void> {
  const socket = createSocket('udp4');
  for (const each of datagrams)
    await new Promise<void>((resolve) => socket.send(each, port, '127.0.0.1', () => resolve()));
  socket.close();
}

function refusals(ingest: IngestUnderTest): string[] {
  return ingest.log.warnings('feed-refused').map(({ fields }) => String(fields['reason']));
}

async function expectGoodFeedIsTaken(ingest: IngestUnderTest, to: string): Promise<void> {
  send({ to });
  await ingest.until('the good feed', () => ingest.ptsOf('video').length > 5, 15_000);
}

test('a wrong passphrase, tried again and again, is logged once with its remedy and counted', async () => {
  const port = await freePort();
  const ingest = new IngestUnderTest({ protocol: 'srt-listener', port, passphrase: PASSPHRASE });
  send({ to: srtUrl({ port, passphrase: 'wrong-horse-battery' }), connectTimeoutMs: 60_000 });
  await ingest.until('three tries', () => ingest.counters.rejectedConnectionCount >= 3);
  expect(refusals(ingest)).toEqual(['wrong passphrase']);
  expect(ingest.log.warnings('feed-refused')[0]?.fields).toMatchObject({
    peer: '127.0.0.1',
    remedy: expect.stringMatching(/passphrase/),
  });
  await expectGoodFeedIsTaken(ingest, srtUrl({ port, passphrase: PASSPHRASE }));
});

test('another streamid is refused while the right one is let in', async () => {
  const port = await freePort();
  const ingest = new IngestUnderTest({ protocol: 'srt-listener', port, streamId: 'camera-1' });
  send({ to: srtUrl({ port, streamId: 'camera-2' }), connectTimeoutMs: 60_000 });
  await ingest.until('the refusal', () => refusals(ingest).length > 0);
  await expectGoodFeedIsTaken(ingest, srtUrl({ port, streamId: 'camera-1' }));
  expect(refusals(ingest)).toEqual(['the sender gave another streamid']);
});

test('a flood of garbage and a port scan are logged once each', async () => {
  const port = await freePort();
  const ingest = new IngestUnderTest({ protocol: 'srt-listener', port });
  await sleep(100);
  const garbage = Array.from({ length: 100 }, (_, index) => Buffer.from(`garbage ${index}`));
  await sendDatagrams(port, [...garbage, Buffer.alloc(0), Buffer.alloc(1316, 0x47)]);
  await ingest.until('the complaints', () => refusals(ingest).length >= 2);
  expect(refusals(ingest)).toEqual([
    'bytes that are not SRT came in',
    'plain MPEG-TS over UDP came to an SRT port',
  ]);
  expect(ingest.refusedFeed).toMatchObject({ reason: 'plain MPEG-TS over UDP came to an SRT port' });
  expect(ingest.counters.rejectedConnectionCount).toBe(2);
  await expectGoodFeedIsTaken(ingest, srtUrl({ port }));
});

test('what comes to an RTP port that is no feed is logged once each, and the feed is taken from then on', async () => {
  const port = await freePort();
  const ingest = new IngestUnderTest({ protocol: 'rtp-mpegts', port }, undefined, { quietLimitMs: 1_000 });
  await sleep(1_300);
  const garbage = Array.from({ length: 50 }, (_, index) => Buffer.from(`garbage ${index}`));
  await sendDatagrams(port, [...garbage, Buffer.alloc(1316, 0x47)]);
  await ingest.until('the complaints', () => refusals(ingest).length >= 2);
  expect(refusals(ingest)).toEqual([
    'bytes that are not RTP came in',
    'plain MPEG-TS over UDP came to an RTP port',
  ]);
  expect(ingest.counters.rejectedConnectionCount).toBe(2);
  await expectGoodFeedIsTaken(ingest, `rtp://127.0.0.1:${port}`);
  expect(ingest.connections()[0]?.event.remoteAddress).toBe('127.0.0.1');
});

test.each(['srt', 'rtp'] as const)(
  'MPEG-2 video over %s is refused by name, and the next feed is taken',
  async (kind) => {
    const port = await freePort();
    const protocol = kind === 'srt' ? 'srt-listener' : 'rtp-mpegts';
    const to = kind === 'srt' ? srtUrl({ port }) : `rtp://127.0.0.1:${port}`;
    const ingest = new IngestUnderTest({ protocol, port });
    send({ to, videoCodec: 'mpeg2', durationMs: 1_500 });
    await ingest.until('the refusal', () => refusals(ingest).length > 0);
    expect(refusals(ingest)).toEqual(["the feed's video is mpeg2video, which is not taken"]);
    expect(ingest.log.warnings('feed-refused')[0]?.fields['remedy']).toMatch(/HEVC \(H.265\) or H.264/);
    expect(ingest.counters.rejectedConnectionCount).toBeGreaterThanOrEqual(1);
    await sleep(1_500);
    await expectGoodFeedIsTaken(ingest, to);
    expect(ingest.events.map((event) => event.kind)).toEqual(['connected']);
  },
);

test('bytes that are no MPEG-TS inside a good SRT connection are refused', async () => {
  const port = await freePort();
  const ingest = new IngestUnderTest({ protocol: 'srt-listener', port });
  const noise = Array.from({ length: 200 }, (_, index) => Buffer.alloc(1316, index % 60));
  await pushOverSrt(srtUrl({ port }), noise, 30).catch(() => undefined);
  await ingest.until('the refusal', () => refusals(ingest).length > 0, 15_000);
  expect(refusals(ingest)).toEqual(['what came is not MPEG-TS, or has no program map']);
  await expectGoodFeedIsTaken(ingest, srtUrl({ port }));
});

test('a feed with damaged and truncated TS packets is taken, and its damage counted', async () => {
  const port = await freePort();
  const ingest = new IngestUnderTest({ protocol: 'srt-listener', port });
  send({ to: srtUrl({ port }), garbageRate: 0.01, truncateRate: 0.01, videoBitrateBps: 2_000_000 });
  await ingest.until('a damaged second', () => ingest.ptsOf('video').length > 30, 15_000);
  await ingest.until('the counts', () => ingest.counters.continuityErrorCount > 0);
  expect(ingest.losses()).toEqual([]);
});

test.each(['srt-listener', 'rtp-mpegts'] as const)(
  'a port that another program holds is said once, and taken when it is free (%s)',
  async (protocol) => {
    const port = await freePort();
    const holder = createSocket('udp4');
    holder.bind(port, '127.0.0.1');
    await once(holder, 'listening');
    const ingest = new IngestUnderTest({ protocol, host: '127.0.0.1', port });
    await ingest.until('the complaint', () => ingest.log.warnings('ingest-not-opened').length > 0);
    await sleep(500);
    holder.close();
    const to = protocol === 'srt-listener' ? srtUrl({ port }) : `rtp://127.0.0.1:${port}`;
    await expectGoodFeedIsTaken(ingest, to);
    expect(ingest.log.warnings('ingest-not-opened').map(({ fields }) => fields['reason'])).toEqual([
      `UDP port ${port} is in use by another program`,
    ]);
  },
);
