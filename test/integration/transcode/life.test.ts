/** What a feed may do in its life, and what viewers see meanwhile. */
import { describe, expect, test } from 'vitest';
import { makeClip, type TrackRecipe } from './clip.ts';
import {
  type DecodedPicture,
  decodeAudio,
  decodeVideo,
  gridProblems,
  type LiveRun,
  lumaAt,
  type PacketChange,
  rms,
  runLive,
} from './live-run.ts';

const hevc = (graph: string, options: Record<string, string> = {}): TrackRecipe => ({
  graph: `${graph},format=yuv420p`,
  encoder: 'libx265',
  options,
});
const h264 = (graph: string): TrackRecipe => ({ graph: `${graph},format=yuv420p`, encoder: 'libx264' });
const white = (size = '640x360') => `color=color=white:size=${size}:rate=30`;
const aac = (source: string): TrackRecipe => ({
  graph: `${source},aformat=sample_fmts=fltp:channel_layouts=stereo,asetnsamples=n=1024`,
  encoder: 'aac',
});
const tone = aac('sine=frequency=440:sample_rate=48000,volume=4');

/** The middle of the letter I of NO SIGNAL, and a spot far from any letter. */
const WORDS_SPOT = [0.5, 0.5] as const;
const BACKGROUND_SPOT = [0.5, 0.1] as const;

const between = (pictures: readonly DecodedPicture[], fromMs: number, toMs: number) =>
  pictures.filter((picture) => picture.atMs >= fromMs && picture.atMs < toMs);
const firstMs = (run: LiveRun) =>
  ((run.video[0]?.decodeTimeTicks ?? 0) * 1000) / run.profile.video.timescaleHz;

/** These run against the wall clock: a machine that is busy with something else gets a second chance. */
const LIVE = { retry: 2 };

describe('sound and picture', LIVE, () => {
  const mp2At44kHz = (source: string): TrackRecipe => ({
    graph: `${source},aresample=44100,aformat=sample_fmts=s16:channel_layouts=stereo,asetnsamples=n=1152`,
    encoder: 'mp2',
  });

  test.each([
    { name: 'HEVC and AAC', video: hevc, audio: aac, lateMs: 0 },
    { name: 'H.264 and MP2 at 44.1 kHz', video: h264, audio: mp2At44kHz, lateMs: 0 },
    { name: 'the first pictures late, AAC', video: h264, audio: aac, lateMs: 45 },
    { name: 'the first pictures late, MP2 at 44.1 kHz', video: h264, audio: mp2At44kHz, lateMs: 45 },
  ])('$name: each flash comes with its beep, within 20 ms', async ({ video, audio, lateMs }) => {
    const clip = await makeClip(
      {
        video: video(
          'color=color=black:size=320x180:rate=30,geq=lum=if(lt(mod(T\\,0.5)\\,0.06)\\,235\\,16):cb=128:cr=128',
        ),
        audio: audio(
          'aevalsrc=exprs=if(lt(mod(t\\,0.5)\\,0.05)\\,0.5*sin(2*PI*1000*t)\\,0):sample_rate=48000',
        ),
      },
      3_200,
    );
    const run = await runLive([{ play: clip, firstPicturesLateMs: lateMs }, { waitMs: 300 }]);
    expect(gridProblems(run)).toEqual([]);
    const pictures = await decodeVideo(run);
    const flashesMs = pictures
      .filter((picture, index) => {
        const before = pictures[index - 1];
        return before && lumaAt(picture, 0.5, 0.5) > 180 && lumaAt(before, 0.5, 0.5) < 80;
      })
      .map((picture) => picture.atMs);
    const sound = await decodeAudio(run);
    const beepsMs: number[] = [];
    sound.left.forEach((sample, index) => {
      const atMs = sound.atMs + (index * 1000) / sound.sampleRateHz;
      if (Math.abs(sample) > 0.15 && atMs - (beepsMs.at(-1) ?? 0) > 200) beepsMs.push(atMs);
    });
    expect(flashesMs.length).toBeGreaterThanOrEqual(4);
    const offsetsMs = flashesMs
      .map((flashMs) => Math.min(...beepsMs.map((beepMs) => Math.abs(beepMs - flashMs))))
      .filter((_, index) => index > 0);
    expect(Math.max(...offsetsMs)).toBeLessThanOrEqual(20);
  });
});

describe('signal loss', LIVE, () => {
  test('the feed stops and comes back: NO SIGNAL over the dimmed picture, silence, then the real picture at once', async () => {
    const clip = await makeClip({ video: hevc(white()), audio: tone }, 1_300);
    const run = await runLive([
      { play: clip },
      { disconnect: 'the sender closed the connection' },
      { waitMs: 1_500 },
      { play: clip },
    ]);
    expect(gridProblems(run)).toEqual([]);
    expect(run.statuses.map((status) => status.state)).toEqual(['live', 'live', 'interrupted', 'live']);
    expect(run.statuses[2]?.reason).toBe('the sender closed the connection');
    const pictures = await decodeVideo(run);
    const lost = pictures.filter((picture) => lumaAt(picture, ...BACKGROUND_SPOT) < 120);
    const [firstLost] = lost;
    const lastLost = lost.at(-1);
    if (!firstLost || !lastLost) throw new Error('NO SIGNAL was not shown');
    for (const picture of lost.slice(15)) {
      expect(lumaAt(picture, ...WORDS_SPOT)).toBeGreaterThan(200);
      expect(lumaAt(picture, ...BACKGROUND_SPOT)).toBeLessThan(110);
      expect(lumaAt(picture, ...BACKGROUND_SPOT)).toBeGreaterThan(50);
    }
    expect(lastLost.atMs - firstLost.atMs).toBeGreaterThan(700);
    expect(lastLost.atMs - firstLost.atMs).toBeLessThan(1_400);
    const after = between(pictures, lastLost.atMs + 1, Number.POSITIVE_INFINITY);
    expect(after.length).toBeGreaterThan(30);
    expect(after.every((picture) => lumaAt(picture, ...BACKGROUND_SPOT) > 200)).toBe(true);
    const sound = await decodeAudio(run);
    const part = (fromMs: number, toMs: number) =>
      sound.left.subarray(
        ((fromMs - sound.atMs) * sound.sampleRateHz) / 1000,
        ((toMs - sound.atMs) * sound.sampleRateHz) / 1000,
      );
    expect(rms(part(firstLost.atMs + 100, lastLost.atMs - 100))).toBeLessThan(1e-3);
    expect(rms(part(firstMs(run) + 50, firstLost.atMs - 600))).toBeGreaterThan(0.1);
    expect(rms(part(lastLost.atMs + 400, lastLost.atMs + 1_000))).toBeGreaterThan(0.1);
  });

  test('slate: a plain picture with the words, nothing of the feed', async () => {
    const clip = await makeClip({ video: hevc(white()) }, 900);
    const run = await runLive([{ play: clip }, { waitMs: 1_200 }], { signalLoss: 'slate' });
    expect(gridProblems(run)).toEqual([]);
    const last = (await decodeVideo(run)).at(-1);
    if (!last) throw new Error('no picture');
    expect(lumaAt(last, ...BACKGROUND_SPOT)).toBeLessThan(60);
    expect(lumaAt(last, ...WORDS_SPOT)).toBeGreaterThan(200);
  });
});

describe('a change in mid-stream', LIVE, () => {
  test('another size on the same connection: the graph is rebuilt, the timeline goes on', async () => {
    const wide = await makeClip({ video: hevc(white('1280x720')) }, 900);
    const narrow = await makeClip({ video: hevc(white('480x640')) }, 900);
    const run = await runLive([{ play: wide }, { play: narrow, shiftTicks: 900 * 90 }]);
    expect(gridProblems(run)).toEqual([]);
    const pictures = await decodeVideo(run);
    const leftEdge = pictures.map((picture) => lumaAt(picture, 0.05, 0.5));
    expect(leftEdge[3]).toBeGreaterThan(200);
    expect(leftEdge.at(-1)).toBeLessThan(40);
    expect(run.statuses[1]?.source?.video).toMatchObject({ widthPx: 480, heightPx: 640 });
    expect(run.statuses[1]).toMatchObject({ timestampJumpCount: 0, decodeErrorCount: 0 });
  });

  test('the encoder restarts with another codec and without sound: the timeline goes on', async () => {
    const first = await makeClip({ video: hevc(white()), audio: tone }, 900);
    const second = await makeClip({ video: h264(white('854x480')) }, 900);
    const run = await runLive([{ play: first }, { play: second, reconnect: true }]);
    expect(gridProblems(run)).toEqual([]);
    expect(run.statuses[1]).toMatchObject({ state: 'live', source: { video: { codec: 'h264' } } });
    expect(run.statuses[1]?.source?.audio).toBeUndefined();
  });

  test.each([
    { name: 'forward by an hour', shiftTicks: 3_600 * 90_000, jumps: 1 },
    { name: 'back by ten seconds', shiftTicks: -10 * 90_000, jumps: 1 },
    { name: 'over the wrap of 33 bits', shiftTicks: 900 * 90 - 2 ** 33, jumps: 0 },
  ])('timestamps go $name: every slot is filled', async ({ shiftTicks, jumps }) => {
    const clip = await makeClip({ video: hevc(white()), audio: tone }, 900);
    const run = await runLive([{ play: clip }, { play: clip, shiftTicks }]);
    expect(gridProblems(run)).toEqual([]);
    expect(run.statuses[1]?.timestampJumpCount).toBe(jumps);
    expect(run.statuses[1]?.state).toBe('live');
  });
});

describe('a damaged feed', LIVE, () => {
  test('bytes flipped in every third packet: errors are counted, output goes on, the next good GOP is whole', async () => {
    const clip = await makeClip({ video: hevc('testsrc2=size=640x360:rate=30'), audio: tone }, 1_500);
    const spoil: PacketChange = (packet, _track, index) => {
      if (index % 3 !== 0) return packet;
      const bytes = Buffer.from(packet.bytes);
      for (let at = 10; at < bytes.length; at += 37) bytes[at] = (bytes[at] ?? 0) ^ 0x5a;
      return { ...packet, bytes };
    };
    const run = await runLive([
      { play: clip, change: spoil },
      { play: clip, shiftTicks: 1_500 * 90 },
    ]);
    expect(gridProblems(run)).toEqual([]);
    expect(run.statuses[0]?.decodeErrorCount).toBeGreaterThan(5);
    expect(run.statuses[1]?.state).toBe('live');
  });

  test('truncated, empty and missing packets are survived', async () => {
    const clip = await makeClip({ video: h264('testsrc2=size=640x360:rate=30'), audio: tone }, 1_500);
    const spoil: PacketChange = (packet, _track, index) => {
      if (index % 7 === 3) return undefined;
      if (index % 5 === 1)
        return { ...packet, bytes: packet.bytes.subarray(0, Math.floor(packet.bytes.length / 3)) };
      return index % 11 === 5 ? { ...packet, bytes: Buffer.from([0, 0, 1]) } : packet;
    };
    const run = await runLive([{ play: clip, change: spoil }]);
    expect(gridProblems(run)).toEqual([]);
    expect(run.statuses[0]?.state).toBe('live');
  });
});

test('before the first picture nothing comes out and the state is waiting', async () => {
  const run = await runLive([{ waitMs: 300 }]);
  expect(run.video.length + run.audio.length).toBe(0);
  expect(run.statuses[0]?.state).toBe('waiting');
});
