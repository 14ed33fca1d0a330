import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AVCOL_TRC_SMPTE2084 } from 'node-av/constants';
import { describe, expect, test } from 'vitest';
import { captureInstantMs } from '../../../gpu-runner/transcode/capture-time.ts';
import { type FeedInput, srtUrl, startPtsThatWraps } from '../../../tools/feeds/options.ts';
import { UdpRelay } from '../../../tools/feeds/relay.ts';
import { FeedSender } from '../../../tools/feeds/sender.ts';
import { freeUdpPort } from './free-port.ts';
import { type Received, receive } from './receiver.ts';

const FRAME_COUNT = 20;
const PASSPHRASE = 'correct horse battery';

describe('feed sender over SRT', () => {
  const cases: readonly [string, Partial<FeedInput>, Partial<Received>][] = [
    ['HEVC with AAC', {}, { videoCodec: 'hevc', pixelFormat: 'yuv420p', audioCodec: 'aac' }],
    [
      'HEVC Main10 in HDR with AC-3 5.1',
      { videoCodec: 'hevc-main10', hdr: 'pq', audioCodec: 'ac3', audioChannelCount: 6 },
      {
        pixelFormat: 'yuv420p10le',
        colorTransfer: AVCOL_TRC_SMPTE2084,
        audioCodec: 'ac3',
        audioChannelCount: 6,
      },
    ],
    [
      'HEVC 4:2:2, portrait, with MP2',
      { videoCodec: 'hevc-422-10', widthPx: 360, heightPx: 640, audioCodec: 'mp2' },
      { pixelFormat: 'yuv422p10le', widthPx: 360, heightPx: 640, audioCodec: 'mp2' },
    ],
    [
      'interlaced H.264 at 25 fps without audio',
      {
        videoCodec: 'h264',
        interlaced: true,
        widthPx: 720,
        heightPx: 576,
        frameRate: { num: 25, den: 1 },
        audioCodec: 'none',
      },
      { videoCodec: 'h264', interlaced: true, widthPx: 720, heightPx: 576, audioCodec: undefined },
    ],
    [
      'MPEG-2 with Opus at 29.97 fps',
      { videoCodec: 'mpeg2', audioCodec: 'opus', frameRate: { num: 30_000, den: 1001 } },
      { videoCodec: 'mpeg2video', audioCodec: 'opus' },
    ],
  ];
  test.each(cases)(
    '%s arrives as such, and each frame carries its instant',
    async (_name, input, expected) => {
      const { received } = await sendAndReceive({ feedNumber: 9, ...input });
      expect(received).toMatchObject(expected);
      const clocks = received.readings.map((reading) => reading?.clock);
      expect(clocks.every((clock) => clock?.feedNumber === 9)).toBe(true);
      const rate = input.frameRate ?? { num: 30, den: 1 };
      const frameMs = (1000 * rate.den) / rate.num;
      for (let index = 1; index < clocks.length; index++) {
        const stepMs = (clocks[index]?.atMs ?? 0) - (clocks[index - 1]?.atMs ?? 0);
        // A frame lost before the receiver was ready leaves a gap of whole frames; none is ever shown twice.
        expect(Math.abs(stepMs / frameMs - Math.round(stepMs / frameMs))).toBeLessThan(0.05);
        expect(stepMs).toBeGreaterThan(frameMs - 2);
      }
      for (const reading of received.readings) {
        const ageMs = (reading?.arrivedAtMs ?? 0) - (reading?.clock.atMs ?? 0);
        expect(ageMs).toBeGreaterThan(0);
        expect(ageMs).toBeLessThan(3_000);
      }
    },
  );

  test('beep and flash begin together, within one picture', async () => {
    const port = await freeUdpPort();
    const { received } = await sendAndReceive(
      { to: srtUrl({ port }), durationMs: 4_500 },
      { url: srtUrl({ port, mode: 'listener' }), frameCount: 10_000 },
    );
    expect(received.flashesMs.length).toBeGreaterThan(0);
    for (const flashMs of received.flashesMs) {
      const offsets = received.beepsMs.map((beepMs) => flashMs - beepMs);
      const offsetMs = offsets.reduce((best, value) => (Math.abs(value) < Math.abs(best) ? value : best));
      // The first picture of a flash is the first one in its second: up to one picture later than the beep.
      expect(offsetMs).toBeGreaterThan(-4);
      expect(offsetMs).toBeLessThan(1000 / 30 + 4);
    }
  });

  test('as listener with a passphrase it waits for the receiver, and its clean end is seen at once', async () => {
    const port = await freeUdpPort();
    const { received, endedMs } = await sendAndReceive(
      { to: srtUrl({ port, mode: 'listener', passphrase: PASSPHRASE }), durationMs: 1_500 },
      { url: srtUrl({ port, passphrase: PASSPHRASE }), frameCount: 10_000 },
    );
    expect(received.readings.length).toBeGreaterThan(20);
    expect(endedMs).toBeLessThan(1_000);
  });

  test('through 5 % loss all frames arrive, because SRT sends lost packets again', async () => {
    const port = await freeUdpPort();
    const relay = new UdpRelay({ targetPort: port, lossRate: 0.05, jitterMs: 3 });
    const stop = new AbortController();
    const relaying = relay.run(stop.signal);
    const to = srtUrl({ port: await relay.ready, latencyMs: 300 });
    const url = srtUrl({ port, mode: 'listener', latencyMs: 300 });
    const { received } = await sendAndReceive({ to }, { url, frameCount: 40 });
    stop.abort();
    await relaying;
    expect(relay.snapshot().lostCount).toBeGreaterThan(0);
    expect(received.readings.every(Boolean)).toBe(true);
  });

  test('timestamps that wrap after 33 bits and jump go out as asked', async () => {
    const port = await freeUdpPort();
    const { received } = await sendAndReceive(
      {
        to: srtUrl({ port }),
        startPtsTicks: startPtsThatWraps(1_600),
        durationMs: 4_000,
        timestampJumps: [{ atMs: 2_500, byMs: 60_000 }],
      },
      { url: srtUrl({ port, mode: 'listener' }), frameCount: 10_000 },
    );
    const ticks = received.videoPtsTicks.map(Number);
    const steps = ticks.slice(1).map((tick, index) => tick - (ticks[index] ?? 0));
    // A busy machine may lose a frame; a wrap or a jump is far larger than that.
    const oddSteps = steps.filter((step) => Math.abs(step) > 90_000);
    expect(steps.length).toBeGreaterThan(60);
    expect(oddSteps).toEqual([expect.closeTo(-(2 ** 33), -5), expect.closeTo(60 * 90_000, -5)]);
  });
});

describe('feed sender over RTP', () => {
  test('MPEG-TS arrives with readable clocks', async () => {
    const port = await freeUdpPort();
    const address = `rtp://127.0.0.1:${port}`;
    const { received } = await sendAndReceive({ to: address }, { url: address, frameCount: FRAME_COUNT });
    expect(received.videoCodec).toBe('hevc');
    expect(received.readings.filter(Boolean).length).toBeGreaterThan(FRAME_COUNT / 2);
  });

  test('elementary streams arrive by the SDP that the sender hands out', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mirror-feed-'));
    const port = (await freeUdpPort()) & ~1;
    const sender = new FeedSender({ to: `rtp+sdp://127.0.0.1:${port}`, audioCodec: 'opus' });
    const stop = new AbortController();
    const sending = sender.run(stop.signal);
    const { sdp = '' } = await sender.connected;
    await writeFile(join(folder, 'feed.sdp'), sdp);
    const beforeClosing = () => {
      stop.abort();
      return sending;
    };
    const received = await receive(join(folder, 'feed.sdp'), { frameCount: FRAME_COUNT, beforeClosing });
    await rm(folder, { recursive: true });
    expect(received).toMatchObject({ videoCodec: 'hevc', audioCodec: 'opus' });
    expect(received.readings.filter(Boolean).length).toBeGreaterThan(FRAME_COUNT / 2);
  });
});

test('a rehearsed feed shows the true instant of each frame', async () => {
  const { received, connection } = await sendAndReceive({ rehearsedMs: 1_500, durationMs: 1_400 });
  const first = received.readings.find(Boolean)?.clock.atMs ?? 0;
  expect(first).toBeGreaterThanOrEqual(connection.startMs);
  for (const reading of received.readings) {
    const ageMs = (reading?.arrivedAtMs ?? 0) - (reading?.clock.atMs ?? 0);
    expect(ageMs).toBeGreaterThan(0);
  }
});

test('a rehearsed feed repeats itself without a seam: time goes on, the clocks begin anew', async () => {
  const { received } = await sendAndReceive({ rehearsedMs: 500, durationMs: 2_400 }, { frameCount: 10_000 });
  const ticks = received.videoPtsTicks.map(Number);
  const steps = ticks.slice(1).map((tick, index) => tick - (ticks[index] ?? 0));
  expect(steps.length).toBeGreaterThan(45);
  // A busy machine may lose a frame; what stays are whole steps.
  expect(steps.filter((step) => step % 3_000 !== 0)).toEqual([]);
  const shownMs = new Set(received.readings.flatMap((reading) => reading?.clock.atMs ?? []));
  expect(shownMs.size).toBe(15);
});

test('a rehearsed feed that loses its receiver goes on with the next one, and encodes nothing anew', async () => {
  const port = await freeUdpPort();
  const sender = new FeedSender({ to: srtUrl({ port }), rehearsedMs: 500 });
  const stop = new AbortController();
  const url = srtUrl({ port, mode: 'listener' });
  const failure = sender.run(stop.signal).catch((error: unknown) => error);
  const first = await receive(url, { frameCount: FRAME_COUNT });
  expect(await failure).toMatchObject({ code: 'FEED_SEND', retryable: true });
  const again = sender.run(stop.signal);
  const second = await receive(url, { frameCount: FRAME_COUNT });
  stop.abort();
  await again;
  const clocksOf = ({ readings }: Received) =>
    new Set(readings.flatMap((reading) => reading?.clock.atMs ?? []));
  expect(clocksOf(second)).toEqual(clocksOf(first));
  expect(Number(second.videoPtsTicks[0])).toBeGreaterThan(Number(first.videoPtsTicks.at(-1)));
});

describe('a camera that tells when it captured', () => {
  test.each<{ name: string; input: Partial<FeedInput>; atMostMs: number }>([
    // The clock in the picture counts milliseconds.
    { name: 'HEVC, to the microsecond', input: { captureTime: 'precision' }, atMostMs: 0.51 },
    {
      name: 'H.264, to the microsecond',
      input: { captureTime: 'precision', videoCodec: 'h264' },
      atMostMs: 0.51,
    },
    {
      name: 'HEVC, by timecode',
      input: { captureTime: 'timecode', videoCodec: 'hevc-main10' },
      atMostMs: 1000 / 30 + 0.51,
    },
    {
      name: 'HEVC at 50 fps, by timecode',
      input: { captureTime: 'timecode', frameRate: { num: 50, den: 1 } },
      atMostMs: 1000 / 50 + 0.51,
    },
    {
      name: 'HEVC encoded ahead and repeated, to the microsecond',
      input: { captureTime: 'precision', rehearsedMs: 500 },
      atMostMs: 0.51,
    },
  ])('$name: each picture says the instant that its clock shows', async ({ input, atMostMs }) => {
    const { received } = await sendAndReceive(input);
    const errorsMs = received.readings.flatMap((reading) => {
      if (!reading?.capture) return [];
      const captureMs = captureInstantMs(reading.capture, reading.arrivedAtMs);
      const errorMs = reading.clock.atMs - captureMs;
      // What is repeated shows a clock that is whole rounds old.
      const { rehearsedMs } = input;
      return rehearsedMs ? errorMs - Math.round(errorMs / rehearsedMs) * rehearsedMs : errorMs;
    });
    expect(errorsMs.length).toBe(received.readings.length);
    expect(Math.min(...errorsMs)).toBeGreaterThan(-0.51);
    expect(Math.max(...errorsMs)).toBeLessThan(atMostMs);
  });

  test('a feed that tells nothing has nothing to read', async () => {
    const { received } = await sendAndReceive({ videoCodec: 'h264' });
    expect(received.readings.some((reading) => reading?.capture)).toBe(false);
  });
});

test('a receiver that is not there is named after the time allowed', async () => {
  const port = await freeUdpPort();
  const sender = new FeedSender({ to: srtUrl({ port, passphrase: PASSPHRASE }), connectTimeoutMs: 500 });
  const failure = sender.run(new AbortController().signal);
  await expect(failure).rejects.toMatchObject({ code: 'FEED_CONNECT', retryable: true });
  await expect(failure).rejects.not.toThrow(PASSPHRASE);
});

async function sendAndReceive(
  input: Partial<FeedInput>,
  from: { url?: string; frameCount: number } = { frameCount: FRAME_COUNT },
) {
  const port = await freeUdpPort();
  const url = from.url ?? srtUrl({ port, mode: 'listener' });
  const sender = new FeedSender({ to: srtUrl({ port }), ...input });
  const stop = new AbortController();
  const sending = sender.run(stop.signal);
  const beforeClosing = () => {
    stop.abort();
    return sending;
  };
  const received = await receive(url, { ...from, beforeClosing });
  const connection = await sender.connected;
  const lastMs = connection.startMs + (input.durationMs ?? Infinity);
  return { received, connection, endedMs: Date.now() - lastMs };
}
