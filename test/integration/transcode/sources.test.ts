/** Every kind of feed that the runner must take comes out as the rendition, on the grid. */
import { AVCOL_TRC_ARIB_STD_B67, AVCOL_TRC_SMPTE2084 } from 'node-av/constants';
import { describe, expect, test } from 'vitest';
import { profileWithFrameRate, SEED_PROFILE } from '../../../domain/profile.ts';
import type { SourceStatus } from '../../../domain/stream.ts';
import { makeClip, type TrackRecipe } from './clip.ts';
import {
  type DecodedPicture,
  decodeAudio,
  decodeVideo,
  gridProblems,
  lumaAt,
  rms,
  runLive,
  toneHz,
} from './live-run.ts';

const CLIP_MS = 1_300;
const BLACK = 16;
const near = (value: number, wanted: number, tolerance = 8) => Math.abs(value - wanted) <= tolerance;

/** A flat bright picture, so that bars and brightness can be read from single pixels. */
const flat = (size: string, rate: string, format: string, more = '') =>
  `color=color=white:size=${size}:rate=${rate},format=${format}${more}`;
const tone = (
  frequencyHz: number,
  sampleRateHz: number,
  layout: string,
  frameSamples = 1024,
  format = 'fltp',
) =>
  `sine=frequency=${frequencyHz}:sample_rate=${sampleRateHz},volume=4,aformat=sample_fmts=${format}:channel_layouts=${layout},asetnsamples=n=${frameSamples}`;

interface Case {
  readonly name: string;
  readonly video: TrackRecipe;
  readonly audio?: TrackRecipe;
  readonly frameRate?: 30 | 50 | 60;
  readonly source: Partial<NonNullable<SourceStatus['video']>>;
  readonly picture?: (picture: DecodedPicture) => void;
}

const fills = (picture: DecodedPicture) => {
  for (const [x, y] of [
    [0.01, 0.01],
    [0.99, 0.01],
    [0.5, 0.5],
    [0.01, 0.99],
    [0.99, 0.99],
  ] as const)
    expect(lumaAt(picture, x, y)).toSatisfy((luma: number) => near(luma, 235));
};
const hasPillars = (share: number) => (picture: DecodedPicture) => {
  const edge = (1 - share) / 2;
  expect(lumaAt(picture, edge - 0.02, 0.5)).toSatisfy((luma: number) => near(luma, BLACK));
  expect(lumaAt(picture, edge + 0.02, 0.02)).toSatisfy((luma: number) => near(luma, 235));
  expect(lumaAt(picture, 1 - edge + 0.02, 0.5)).toSatisfy((luma: number) => near(luma, BLACK));
};
const hasBars = (share: number) => (picture: DecodedPicture) => {
  const edge = (1 - share) / 2;
  expect(lumaAt(picture, 0.5, edge - 0.03)).toSatisfy((luma: number) => near(luma, BLACK));
  expect(lumaAt(picture, 0.02, edge + 0.03)).toSatisfy((luma: number) => near(luma, 235));
};

const cases: Case[] = [
  {
    name: 'HEVC Main 1280x720 at 30 with AAC',
    video: { graph: flat('1280x720', '30', 'yuv420p'), encoder: 'libx265' },
    audio: { graph: tone(440, 48_000, 'stereo'), encoder: 'aac' },
    source: {
      codec: 'hevc',
      profile: 'Main',
      widthPx: 1280,
      heightPx: 720,
      interlaced: false,
      decoder: 'cpu',
    },
    picture: fills,
  },
  {
    name: 'HEVC Main10 3840x2160 at 25',
    video: { graph: flat('3840x2160', '25', 'yuv420p10le'), encoder: 'libx265' },
    source: { codec: 'hevc', profile: 'Main 10', widthPx: 3840, heightPx: 2160, pixelFormat: 'yuv420p10le' },
    picture: fills,
  },
  {
    name: 'HEVC 4:2:2 10 bit, with AAC at 44.1 kHz mono',
    video: { graph: flat('1280x720', '30', 'yuv422p10le'), encoder: 'libx265' },
    audio: { graph: tone(660, 44_100, 'mono'), encoder: 'aac' },
    source: { codec: 'hevc', pixelFormat: 'yuv422p10le', decoder: 'cpu' },
    picture: fills,
  },
  {
    name: 'H.264 with B-frames at 29.97, with AC-3 5.1',
    video: {
      graph: flat('854x480', '30000/1001', 'yuv420p'),
      encoder: 'libx264',
      options: { bf: '3', tune: 'film', 'x264-params': 'b-adapt=0:rc-lookahead=4', threads: '1' },
    },
    audio: { graph: tone(550, 48_000, '5.1(side)', 1536), encoder: 'ac3' },
    source: { codec: 'h264', widthPx: 854, heightPx: 480 },
    picture: fills,
  },
  {
    name: 'H.264 1080 interlaced at 25, with MP2',
    video: {
      graph: flat('1920x1080', '25', 'yuv420p', ',setfield=tff'),
      encoder: 'libx264',
      options: { flags: '+ildct+ilme' },
    },
    audio: { graph: tone(330, 48_000, 'stereo', 1152, 's16'), encoder: 'mp2' },
    source: { codec: 'h264', interlaced: true, heightPx: 1080 },
    picture: fills,
  },
  {
    name: 'H.264 576 interlaced with wide pixels, on a grid of 50',
    video: {
      graph: flat('720x576', '25', 'yuv420p', ',setfield=tff,setsar=64/45'),
      encoder: 'libx264',
      options: { flags: '+ildct+ilme' },
    },
    frameRate: 50,
    source: { codec: 'h264', interlaced: true, widthPx: 720, frameRate: 50 },
    picture: fills,
  },
  {
    name: 'portrait at 24, with Opus mono',
    video: { graph: flat('720x1280', '24', 'yuv420p'), encoder: 'libx265' },
    audio: { graph: tone(770, 48_000, 'mono', 960, 's16'), encoder: 'libopus' },
    source: { widthPx: 720, heightPx: 1280 },
    picture: hasPillars(0.316),
  },
  {
    name: '4:3 at 59.94, on a grid of 60',
    video: { graph: flat('640x480', '60000/1001', 'yuv420p'), encoder: 'libx264' },
    frameRate: 60,
    source: { frameRate: 59.94 },
    picture: hasPillars(0.75),
  },
  {
    name: 'very wide, a size that is no multiple of 8, 4:2:2 with an odd number of lines',
    video: { graph: flat('1022x431', '50', 'yuv422p'), encoder: 'libx264' },
    source: { widthPx: 1022, heightPx: 431, pixelFormat: 'yuv422p' },
    picture: hasBars(0.75),
  },
];

describe.each(cases)('$name', (each) => {
  test('comes out on the grid with the right shape and sound', { retry: 2 }, async () => {
    const clip = await makeClip(
      each.audio ? { video: each.video, audio: each.audio } : { video: each.video },
      CLIP_MS,
    );
    const profile = each.frameRate ? profileWithFrameRate(each.frameRate) : SEED_PROFILE;
    const run = await runLive([{ play: clip }], { profile });
    expect(gridProblems(run)).toEqual([]);
    const [status] = run.statuses;
    expect(status).toMatchObject({ state: 'live', decodeErrorCount: 0, source: { video: each.source } });
    const pictures = await decodeVideo(run);
    expect(pictures.length).toBeGreaterThan(0.4 * profile.video.frameRate);
    expect(pictures.length).toBeGreaterThanOrEqual(run.video.length - 1);
    const last = pictures.at(-1);
    if (!last) throw new Error('no picture');
    expect([last.widthPx, last.heightPx]).toEqual([640, 360]);
    each.picture?.(last);
    const sound = await decodeAudio(run);
    const steady = sound.left.subarray(
      Math.floor(sound.left.length * 0.4),
      Math.floor(sound.left.length * 0.8),
    );
    const wantedHz = Number(/frequency=(\d+)/.exec(each.audio?.graph ?? '')?.[1] ?? 0);
    expect(rms(steady) > 0.02).toBe(each.audio !== undefined);
    expect(Math.abs(toneHz(steady, sound.sampleRateHz) - wantedHz)).toBeLessThanOrEqual(wantedHz * 0.03);
  });
});

describe.each([
  // 203 cd/m2, the white of paper (BT.2408), is 58% in PQ and 75% in HLG.
  { name: 'PQ', transfer: AVCOL_TRC_SMPTE2084, share: 0.58 },
  { name: 'HLG', transfer: AVCOL_TRC_ARIB_STD_B67, share: 0.75 },
])('HDR $name', ({ transfer, share }) => {
  test('reference white becomes a bright grey of BT.709, not the code value as it is', async () => {
    const code = Math.round(64 + 876 * share);
    const graph = `color=color=gray:size=1280x720:rate=30,format=yuv420p10le,geq=lum=${code}:cb=512:cr=512,setparams=color_primaries=bt2020:color_trc=${transfer}:colorspace=bt2020nc:range=tv`;
    const clip = await makeClip({ video: { graph, encoder: 'libx265', transfer } }, CLIP_MS);
    const run = await runLive([{ play: clip }]);
    expect(gridProblems(run)).toEqual([]);
    const last = (await decodeVideo(run)).at(-1);
    if (!last) throw new Error('no picture');
    expect(lumaAt(last, 0.5, 0.5)).toBeGreaterThan(16 + 219 * share + 4);
  });
});
