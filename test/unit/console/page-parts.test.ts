import { describe, expect, it } from 'vitest';
import type { StreamMetricsView } from '../../../domain/control/operations-api.ts';
import { METRIC_PLOTS, metricSeries } from '../../../player/console/metric-plots.ts';
import {
  listRecordings,
  type Recording,
  recordingBytes,
  recordingNames,
  recordingOf,
} from '../../../player/console/recordings.ts';
import { hashOf, routeOf } from '../../../player/console/route.ts';
import {
  bitrateInWords,
  byteCountInWords,
  durationInWords,
  usdInWords,
} from '../../../player/console/words.ts';

describe('words', () => {
  it.each([
    [undefined, '–'],
    [0, '0 kbps'],
    [796_400, '796 kbps'],
    [4_250_000, '4.3 Mbps'],
    [50_200_000, '50 Mbps'],
  ])('of %s bits per second are %s', (bps, words) => expect(bitrateInWords(bps)).toBe(words));

  it.each([
    [-5, '0 s'],
    [59_999, '59 s'],
    [307_000, '5:07'],
    [11_107_000, '3:05:07'],
    [3 * 86_400_000 + 7_200_000, '3 d 2 h'],
  ])('of %s ms are %s', (ms, words) => expect(durationInWords(ms)).toBe(words));

  it('of bytes and dollars have their unit', () => {
    expect([byteCountInWords(900), byteCountInWords(2_400_000), byteCountInWords(3.21e9)]).toEqual([
      '1 kB',
      '2 MB',
      '3.2 GB',
    ]);
    expect(usdInWords(1_234.5)).toBe('$1,234.50');
  });
});

describe('the address of a view', () => {
  it('leads back to the view, and anything else to the list', () => {
    const view = { view: 'stream', streamId: 'cam-1' } as const;
    expect(routeOf(hashOf(view))).toEqual(view);
    for (const hash of ['', '#', '#/', '#/streams/', '#/streams/<script>', '#/streams/a/b'])
      expect(routeOf(hash)).toEqual({ view: 'list' });
  });
});

function metrics(atMs: readonly number[], values: readonly number[]): StreamMetricsView {
  const names = METRIC_PLOTS.flatMap(({ lines }) => lines.map(({ name }) => name));
  return {
    streamId: 'a',
    intervalMs: 10_000,
    atMs: [...atMs],
    states: atMs.map(() => 'live' as const),
    series: Object.fromEntries(names.map((name) => [name, [...values]])) as StreamMetricsView['series'],
  };
}

describe('the plots of an hour', () => {
  const [bitrate] = METRIC_PLOTS;
  if (!bitrate) throw new RangeError('no plot');

  const nowMs = 7_200_000;

  it('have holes where nobody reported', () => {
    const [line] = metricSeries(bitrate, metrics([7_150_000, 7_160_000, 7_190_000], [1e6, 2e6, 3e6]), nowMs);
    expect(line?.timesMs.slice(1)).toEqual([7_150_000, 7_160_000, 7_170_000, 7_190_000]);
    expect(line?.values).toEqual([undefined, 1, 2, undefined, 3]);
  });

  it.each([
    ['ten minutes while there is less', 7_150_000, 6_600_000],
    ['what there is up to an hour', 5_400_000, 5_390_000],
    ['an hour at most', 3_605_000, 3_600_000 - 5_000],
  ])('are as wide as %s', (_name, firstMs, beginMs) => {
    const [line] = metricSeries(bitrate, metrics([firstMs], [1e6]), nowMs);
    expect(line?.timesMs[0]).toBe(beginMs);
  });
});

const PLAYLIST = `#EXTM3U
#EXT-X-VERSION:6
#EXT-X-PLAYLIST-TYPE:EVENT
#EXT-X-MAP:URI="init.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-06-01T12:00:00.500Z
#EXTINF:5.500,
100.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-06-01T12:00:06.000Z
#EXTINF:6.000,
111.m4s
`;
const NAME = '20260601T120000.500Z';

function files(contents: Readonly<Record<string, string>>) {
  const asked: string[] = [];
  return {
    asked,
    urlOf: async (file: string) => `/recordings/a/${file}?Signature=s`,
    fetch: async (url: string) => {
      const file = url.slice('/recordings/a/'.length).split('?', 1)[0] ?? '';
      asked.push(url);
      const text = contents[file];
      return new Response(text, { status: text === undefined ? 404 : 200 });
    },
  };
}

describe('recordings', () => {
  it('are as long as their pieces, and finished when they say so', () => {
    expect(recordingOf(NAME, PLAYLIST)).toEqual({
      name: NAME,
      startMs: Date.UTC(2026, 5, 1, 12, 0, 0, 500),
      durationMs: 11_500,
      objectNames: ['100.m4s', '111.m4s'],
      isFinished: false,
    });
    expect(recordingOf(NAME, `${PLAYLIST}#EXT-X-ENDLIST\n`)?.isFinished).toBe(true);
    expect(recordingOf(NAME, '#EXTM3U\n')).toBeUndefined();
  });

  it('are listed newest first, without those that were deleted', async () => {
    const second = '20260601T130000.000Z';
    const source = files({
      'list.json': JSON.stringify({ names: [NAME, second, '20260601T140000.000Z', '../../secret'] }),
      [`${NAME}/index.m3u8`]: PLAYLIST,
      [`${second}/index.m3u8`]: PLAYLIST,
    });
    expect((await listRecordings(source)).map(({ name }) => name)).toEqual([second, NAME]);
    expect(source.asked.every((url) => url.endsWith('?Signature=s'))).toBe(true);
    expect(source.asked.join()).not.toContain('secret');
  });

  it('are none where nothing was recorded', async () => {
    expect(await listRecordings(files({}))).toEqual([]);
    for (const nonsense of [null, 3, {}, { names: 'a' }, { names: [1] }])
      expect(recordingNames(nonsense)).toEqual([]);
  });

  it('are one file of all pieces, in order', async () => {
    const contents = { [`${NAME}/init.mp4`]: 'I', [`${NAME}/100.m4s`]: 'A', [`${NAME}/111.m4s`]: 'B' };
    const recording = recordingOf(NAME, PLAYLIST) as Recording;
    const bytes: number[] = [];
    for await (const piece of recordingBytes(files(contents), recording, new AbortController().signal))
      bytes.push(...piece);
    expect(String.fromCharCode(...bytes)).toBe('IAB');
    const broken = recordingBytes(files({}), recording, new AbortController().signal);
    await expect(broken.next()).rejects.toThrow('init.mp4');
  });
});
