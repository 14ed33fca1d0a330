import hlsParser from 'hls-parser';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { MediaStoreReader, ObjectWriter } from '../../../domain/media-store.ts';
import { SEED_PROFILE } from '../../../domain/profile.ts';
import { RECORDING_OBJECT_MS } from '../../../domain/recording.ts';
import { TRACKS, type Track } from '../../../domain/renditions.ts';
import { EPOCH_MS, partAt } from '../../../domain/timeline.ts';
import type { PackagedPart } from '../../../gpu-runner/media.ts';
import { Recorder } from '../../../gpu-runner/recording/recorder.ts';
import { RecordingLog } from '../publish/hostile-ports.ts';

const PROFILE = SEED_PROFILE;
/** The start of an interval of six seconds. */
const START_MS = EPOCH_MS + 4_000_000 * RECORDING_OBJECT_MS;
const NAME = new Date(START_MS).toISOString().replaceAll(/[-:]/g, '');

class FakeStore implements ObjectWriter, MediaStoreReader {
  readonly objects = new Map<string, Uint8Array>();
  readonly writes: string[] = [];
  failing = false;

  async write(key: string, bytes: Uint8Array): Promise<void> {
    if (this.failing) throw new Error('store is away');
    this.writes.push(key.replace('recordings/cam-1/', ''));
    this.objects.set(key, bytes);
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.objects.get(key);
  }

  text(name: string): string {
    return Buffer.from(this.objects.get(`recordings/cam-1/${name}`) ?? []).toString('utf8');
  }
}

let store: FakeStore;
let log: RecordingLog;
beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(START_MS);
  store = new FakeStore();
  log = new RecordingLog();
});
afterEach(() => {
  vi.useRealTimers();
});

function createRecorder(init = 'init'): Recorder {
  return new Recorder({
    streamId: 'cam-1',
    profile: PROFILE,
    store,
    clock: { nowMs: () => Date.now() },
    log,
    initSegment: Buffer.from(init),
  });
}

/** Gives every part from one instant to another, as text `v` or `a` and the time; those in `holes` as gaps. */
async function record(
  recorder: Recorder,
  fromMs: number,
  untilMs: number,
  isHole: (track: Track, atMs: number) => boolean = () => false,
): Promise<void> {
  for (let atMs = fromMs; atMs < untilMs; atMs += PROFILE.partMs) {
    for (const track of TRACKS) {
      const part: PackagedPart = {
        ...partAt(START_MS + atMs, PROFILE),
        track,
        durationTicks: 9000,
        independent: true,
        encodedAtMs: 0,
      };
      const bytes = Buffer.from(`${track[0]}${atMs} `);
      recorder.take(isHole(track, atMs) ? part : { ...part, bytes });
    }
    await vi.advanceTimersByTimeAsync(PROFILE.partMs);
  }
}

function objectText(index: number): string {
  const key = [...store.objects.keys()].filter((name) => name.endsWith('.m4s'))[index] ?? '';
  return Buffer.from(store.objects.get(key) ?? []).toString('utf8');
}

describe('a recording', () => {
  it('is its init segment, its name, then objects of six seconds, each before the playlist that names it', async () => {
    const recorder = createRecorder();
    await record(recorder, 0, 12_000);
    const first = (4_000_000 * RECORDING_OBJECT_MS) / 500;
    expect(store.writes).toEqual([
      `${NAME}/init.mp4`,
      'latest.json',
      'list.json',
      `${NAME}/${first}.m4s`,
      `${NAME}/index.m3u8`,
      `${NAME}/${first + 12}.m4s`,
      `${NAME}/index.m3u8`,
    ]);
    expect(store.text('latest.json')).toBe(`{"name":"${NAME}"}`);
  });

  it('holds the parts in turn, video before audio, and each once', async () => {
    await record(createRecorder(), 0, 12_000);
    const expected = (from: number) =>
      Array.from({ length: 60 }, (_, index) => `v${from + index * 100} a${from + index * 100} `).join('');
    expect(objectText(0)).toBe(expected(0));
    expect(objectText(1)).toBe(expected(6_000));
  });

  it('is an EVENT playlist while it grows, which another parser reads', async () => {
    await record(createRecorder(), 1_500, 12_000);
    const playlist = hlsParser.parse(
      store.text(`${new Date(START_MS + 1_500).toISOString().replaceAll(/[-:]/g, '')}/index.m3u8`),
    );
    expect(playlist).toMatchObject({ playlistType: 'EVENT', endlist: false, targetDuration: 6, version: 6 });
    expect('segments' in playlist && playlist.segments.map((segment) => segment.duration)).toEqual([4.5, 6]);
    expect('segments' in playlist && playlist.segments[1]?.programDateTime?.getTime()).toBe(START_MS + 6_000);
  });

  it('that the operator ends is a VOD playlist; its last object is as long as its parts', async () => {
    const recorder = createRecorder();
    await record(recorder, 0, 8_300);
    await recorder.finish(true);
    const playlist = hlsParser.parse(store.text(`${NAME}/index.m3u8`));
    expect(playlist).toMatchObject({ playlistType: 'VOD', endlist: true });
    expect('segments' in playlist && playlist.segments.map((segment) => segment.duration)).toEqual([6, 2.3]);
  });

  it('leaves gaps out, and a short one is no discontinuity', async () => {
    const recorder = createRecorder();
    await record(recorder, 0, 12_000, (_track, atMs) => atMs >= 5_900 && atMs < 6_200);
    expect(objectText(0)).toContain('v5800');
    expect(objectText(0)).not.toContain('v5900');
    expect(objectText(1).startsWith('v6200 a6200')).toBe(true);
    expect(store.text(`${NAME}/index.m3u8`)).not.toContain('DISCONTINUITY');
  });

  it('of a stream that loses one track goes on with the other', async () => {
    await record(createRecorder(), 0, 12_000, (track) => track === 'audio');
    expect(objectText(1)).toMatch(/^v6000 v6100 /);
  });
});

describe('a runner that starts again', () => {
  it('after a crash continues the recording behind a discontinuity, and loses the object in the making', async () => {
    await record(createRecorder(), 0, 9_000);
    await record(createRecorder(), 14_500, 24_000);
    const text = store.text(`${NAME}/index.m3u8`);
    expect(text.match(/EXTINF:[\d.]+/g)).toEqual(['EXTINF:6.000', 'EXTINF:3.500', 'EXTINF:6.000']);
    expect(text.match(/DISCONTINUITY/g)).toHaveLength(1);
    expect(log.lines).toContain('recording-continued');
  });

  it('after a clean stop continues without loss', async () => {
    const first = createRecorder();
    await record(first, 0, 8_000);
    await first.finish(false);
    expect(store.text(`${NAME}/index.m3u8`)).not.toContain('ENDLIST');
    const second = createRecorder();
    await record(second, 8_000, 12_000);
    expect(store.text(`${NAME}/index.m3u8`).match(/EXTINF:[\d.]+/g)).toEqual([
      'EXTINF:6.000',
      'EXTINF:2.000',
      'EXTINF:4.000',
    ]);
  });

  it.each([
    ['after the operator ended it', { ended: true, pauseMs: 1_000, init: 'init' }],
    ['after a long time', { ended: false, pauseMs: 11 * 60_000, init: 'init' }],
    ['with other encoder settings', { ended: false, pauseMs: 1_000, init: 'other' }],
  ])('%s begins a new recording, and the old one is finished', async (_name, { ended, pauseMs, init }) => {
    const first = createRecorder();
    await record(first, 0, 6_000);
    await first.finish(ended);
    const fromMs = 6_000 + pauseMs;
    await record(createRecorder(init), fromMs, fromMs + 12_000);
    expect(store.text(`${NAME}/index.m3u8`)).toContain('#EXT-X-ENDLIST');
    expect(JSON.parse(store.text(`${NAME}/finished.json`))).toEqual({ name: NAME, objectCount: 1 });
    expect(store.writes.filter((name) => name.endsWith('finished.json'))).toHaveLength(1);
    expect(store.text('latest.json')).not.toContain(NAME);
    const { names } = JSON.parse(store.text('list.json'));
    expect(names).toEqual([NAME, JSON.parse(store.text('latest.json')).name]);
  });

  it('and finds a list that it cannot read begins a new one', async () => {
    store.objects.set('recordings/cam-1/list.json', Buffer.from('garbage'));
    await record(createRecorder(), 0, 12_000);
    expect(store.text('list.json')).toBe(`{"names":["${NAME}"]}`);
  });

  it('and finds a playlist that it cannot read begins a new recording', async () => {
    await record(createRecorder(), 0, 6_000);
    store.objects.set(`recordings/cam-1/${NAME}/index.m3u8`, Buffer.from('garbage'));
    await record(createRecorder(), 6_000, 12_000);
    expect(store.text('latest.json')).not.toContain(NAME);
    expect(log.lines).toContain('recording-not-continued');
  });
});

describe('a store that is away', () => {
  it('costs nothing when it comes back within half a minute', async () => {
    const recorder = createRecorder();
    await record(recorder, 0, 6_000);
    store.failing = true;
    await record(recorder, 6_000, 18_000);
    store.failing = false;
    await record(recorder, 18_000, 30_000);
    expect(recorder.counters).toEqual({ recordedObjectCount: 5, lostObjectCount: 0 });
    expect(store.text(`${NAME}/index.m3u8`).match(/EXTINF/g)).toHaveLength(5);
  });

  it('for long costs objects, which are counted and leave a discontinuity; what waits has a limit', async () => {
    const recorder = createRecorder();
    await record(recorder, 0, 6_000);
    store.failing = true;
    await record(recorder, 6_000, 96_000);
    store.failing = false;
    await record(recorder, 96_000, 120_000);
    const { recordedObjectCount, lostObjectCount } = recorder.counters;
    // Three ran out of time, five waited; there was no room for the others.
    expect(lostObjectCount).toBeGreaterThanOrEqual(8);
    expect(recordedObjectCount + lostObjectCount).toBe(20);
    expect(store.text(`${NAME}/index.m3u8`)).toContain('DISCONTINUITY');
    expect(log.lines).toContain('recording-object-lost');
  });
});
