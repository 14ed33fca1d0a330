/** Every way in, with real senders on loopback. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Codec, CodecContext, FFmpegError, Frame, type Packet } from 'node-av/lib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { codecName } from '../../../gpu-runner/ingest/accepted-codecs.ts';
import { type FeedInput, srtUrl } from '../../../tools/feeds/options.ts';
import { FeedSender } from '../../../tools/feeds/sender.ts';
import { freePort, IngestUnderTest } from './ingest-under-test.ts';

/** Small, so that many of them cost little. */
const SMALL = { widthPx: 320, heightPx: 180, gopMs: 500 } as const;

function send(input: Omit<FeedInput, 'name'>): FeedSender {
  const stop = new AbortController();
  const sender = new FeedSender({ ...SMALL, ...input });
  const running = sender.run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await running;
  });
  return sender;
}

function codecsOf(ingest: IngestUnderTest): string[] {
  const tracks = ingest.connections()[0]?.event.tracks ?? [];
  return tracks.map(({ track, codecParameters }) => `${track} ${codecName(codecParameters.codecId)}`);
}

/** Frames that FFmpeg's decoder makes of these packets of sound; it throws for one that it cannot read. */
async function decodedCount(ingest: IngestUnderTest, packets: readonly Packet[]): Promise<number> {
  const track = ingest.connections()[0]?.event.tracks.find((each) => each.track === 'audio');
  const codec = track === undefined ? null : Codec.findDecoder(track.codecParameters.codecId);
  if (track === undefined || codec === null) return 0;
  const context = new CodecContext();
  context.allocContext3(codec);
  context.parametersToContext(track.codecParameters);
  FFmpegError.throwIfError(await context.open2(codec), 'open decoder');
  const frame = new Frame();
  frame.alloc();
  let count = 0;
  for (const packet of packets) {
    FFmpegError.throwIfError(await context.sendPacket(packet), 'decode');
    while ((await context.receiveFrame(frame)) >= 0) count += 1;
    packet.free();
  }
  frame.free();
  context.freeContext();
  return count;
}

describe('SRT', () => {
  test('a listener takes HEVC with AAC from a caller with passphrase and streamid, and names it', async () => {
    const secrets = { passphrase: 'p&ss?word=/%20#+', streamId: '#!::r=cam/1,m=publish' };
    const port = await freePort();
    const ingest = new IngestUnderTest({ protocol: 'srt-listener', port, ...secrets });
    send({ to: srtUrl({ port, ...secrets }) });
    await ingest.until('connected', () => ingest.connections().length > 0);
    expect(codecsOf(ingest)).toEqual(['video hevc', 'audio aac']);
    expect(ingest.connections()[0]?.event.remoteAddress).toBe('127.0.0.1');
    await ingest.until('two seconds of pictures', () => ingest.ptsOf('video').length >= 60);
    const steps = ingest.ptsOf('video').map((pts, index, all) => pts - (all[index - 1] ?? pts));
    expect(new Set(steps.slice(1))).toEqual(new Set([3_000n]));
    expect(ingest.counters).toMatchObject({
      connectionCount: 1,
      rejectedConnectionCount: 0,
      continuityErrorCount: 0,
    });
    expect(ingest.counters.ingestBitrateBps).toBeGreaterThan(50_000);
  });

  test('a listener on the default address takes a caller over IPv6', async () => {
    const port = await freePort();
    const ingest = new IngestUnderTest({ protocol: 'srt-listener', port });
    send({ to: srtUrl({ host: '::1', port }), videoCodec: 'h264', audioCodec: 'none' });
    await ingest.until('connected', () => ingest.connections().length > 0);
    expect(codecsOf(ingest)).toEqual(['video h264']);
    expect(ingest.connections()[0]?.event.remoteAddress).toBe('::1');
  });

  test('a caller reaches a sender that begins to listen later', async () => {
    const port = await freePort();
    const passphrase = 'correct-horse-battery';
    const ingest = new IngestUnderTest({ protocol: 'srt-caller', host: '127.0.0.1', port, passphrase });
    await ingest.until('a first failure', () => ingest.log.warnings('ingest-not-opened').length > 0);
    send({ to: srtUrl({ host: '127.0.0.1', port, mode: 'listener', passphrase }) });
    await ingest.until('connected', () => ingest.connections().length > 0, 15_000);
    expect(ingest.log.warnings('ingest-not-opened')).toHaveLength(1);
    expect(ingest.log.warnings('ingest-not-opened')[0]?.fields['reason']).toMatch(/no answer from 127.0.0.1/);
  });

  test('a caller that is refused says so', async () => {
    const port = await freePort();
    send({
      to: srtUrl({ port, mode: 'listener', passphrase: 'correct-horse-battery' }),
      connectTimeoutMs: 20_000,
    });
    const call = { protocol: 'srt-caller', host: '127.0.0.1', port, passphrase: 'wrong-horse-battery' };
    const ingest = new IngestUnderTest(call);
    const refusal = () =>
      ingest.log.warnings('ingest-not-opened').find(({ fields }) => /refused/.test(String(fields['reason'])));
    await ingest.until('the refusal', () => refusal() !== undefined);
    expect(refusal()?.fields['remedy']).toMatch(/passphrase and streamid/);
  });

  test('a caller whose host has no address says so', async () => {
    const ingest = new IngestUnderTest({ protocol: 'srt-caller', host: 'nowhere.invalid', port: 9_000 });
    await ingest.until('the reason', () => ingest.log.warnings('ingest-not-opened').length > 0);
    expect(ingest.log.warnings('ingest-not-opened')[0]?.fields['reason']).toMatch(
      /nowhere.invalid has no address/,
    );
  });
});

describe('sound in MPEG-TS', () => {
  test.each([
    ['aac', true, 1_920n],
    ['ac3', false, 2_880n],
    ['mp2', true, 2_160n],
    ['opus', false, 1_800n],
  ] as const)(
    '%s comes in whole frames with even timestamps (bursts: %s)',
    async (audioCodec, audioBursts, step) => {
      const port = await freePort();
      const clones: Packet[] = [];
      const ingest = new IngestUnderTest({ protocol: 'srt-listener', port }, ({ track, packet }) => {
        const clone = track === 'audio' ? packet.clone() : null;
        if (clone !== null) clones.push(clone);
      });
      send({
        to: srtUrl({ port }),
        audioCodec,
        audioBursts,
        audioChannelCount: audioCodec === 'ac3' ? 6 : 2,
      });
      await ingest.until('a second of sound', () => ingest.ptsOf('audio').length >= 50);
      const steps = ingest.ptsOf('audio').map((pts, index, all) => pts - (all[index - 1] ?? pts));
      // FFmpeg's muxer rounds 1/48 kHz to 1/90 kHz at the first frame of each PES packet, and a sender on a
      // busy machine leaves out a frame now and then: steps are whole frames, nearly always one.
      const frameCounts = steps.slice(1).map((each) => Math.round(Number(each) / Number(step)));
      for (const [index, each] of steps.slice(1).entries())
        expect(Math.abs(Number(each) - Number(step) * (frameCounts[index] ?? 0))).toBeLessThanOrEqual(1);
      expect(frameCounts.filter((count) => count === 1).length).toBeGreaterThan(frameCounts.length * 0.9);
      expect(await decodedCount(ingest, clones)).toBeGreaterThanOrEqual(49);
    },
  );
});

describe('RTP', () => {
  test.each(['127.0.0.1', '[::1]'])('with MPEG-TS from %s', async (host) => {
    const port = await freePort();
    const ingest = new IngestUnderTest({ protocol: 'rtp-mpegts', port });
    send({ to: `rtp://${host}:${port}` });
    await ingest.until('a second of pictures', () => ingest.ptsOf('video').length >= 30);
    expect(codecsOf(ingest)).toEqual(['video hevc', 'audio aac']);
  });

  test('joined in the middle, a feed is taken as its program map says, not as its bytes look', async () => {
    const port = await freePort();
    const sender = send({ to: `rtp://127.0.0.1:${port}`, audioCodec: 'mp2' });
    await sender.connected;
    await sleep(700);
    const ingest = new IngestUnderTest({ protocol: 'rtp-mpegts', port });
    await ingest.until('a second of pictures', () => ingest.ptsOf('video').length >= 30);
    expect(codecsOf(ingest)).toEqual(['video hevc', 'audio mp2']);
    expect(ingest.counters.rejectedConnectionCount).toBe(0);
  });

  test('only allowed sources are heard', async () => {
    const port = await freePort();
    const listen = { protocol: 'rtp-mpegts', host: '127.0.0.1' };
    const deaf = new IngestUnderTest({ ...listen, port, allowedSources: ['192.0.2.7'] });
    const hearing = new IngestUnderTest({
      ...listen,
      port: port + 10,
      allowedSources: ['192.0.2.7', '127.0.0.1'],
    });
    send({ to: `rtp://127.0.0.1:${port}` });
    send({ to: `rtp://127.0.0.1:${port + 10}` });
    await hearing.until('connected', () => hearing.ptsOf('video').length >= 30);
    expect(deaf.connections()).toEqual([]);
  });

  test.each([
    ['hevc', 'opus'],
    ['h264', 'aac'],
  ] as const)('with an SDP, %s and %s', async (videoCodec, audioCodec) => {
    const port = await freePort();
    const sender = send({ to: `rtp+sdp://127.0.0.1:${port}`, videoCodec, audioCodec });
    const { sdp } = await sender.connected;
    const ingest = new IngestUnderTest({ protocol: 'rtp-sdp', sdp });
    await ingest.until('a second of pictures', () => ingest.ptsOf('video').length >= 30);
    await ingest.until('half a second of sound', () => ingest.ptsOf('audio').length >= 25);
    expect(codecsOf(ingest)).toEqual([`video ${videoCodec}`, `audio ${audioCodec}`]);
  });
});
