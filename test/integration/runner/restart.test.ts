/** A runner that is killed while its stream is live, and the one that comes after it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MemoryLiveEdge } from '../../../adapters/live-edge-memory.ts';
import { DiskMediaStore } from '../../../adapters/media-store-disk.ts';
import { concatBytes } from '../../../domain/cmaf/box.ts';
import type { LiveEdgeEvent, PartEntry } from '../../../domain/live-edge.ts';
import { initKey, partKey } from '../../../domain/media-store.ts';
import { SEED_PROFILE } from '../../../domain/profile.ts';
import { partOrdinal } from '../../../domain/timeline.ts';
import type { RunnerConfigInput } from '../../../gpu-runner/config.ts';
import { storedPicture } from '../../../gpu-runner/transcode/stored-picture.ts';
import { judge } from './pattern-frames.ts';
import { freeUdpPort, type RunnerProcess, startFeed, startRunner, until } from './runner-process.ts';

const STREAM = 'cam-1';
/** Process start, encoders, search and one segment; twice what it takes on an idle machine. */
const SILENCE_MAX_MS = 5_000;
const signal = AbortSignal.timeout(110_000);
const liveEdge = new MemoryLiveEdge({ log: { error: () => undefined } });
const announced: (PartEntry & { readonly atMs: number })[] = [];
const events: LiveEdgeEvent['kind'][] = [];
const started: RunnerProcess[] = [];
let port: number;
let directory: string;
let store: DiskMediaStore;
let config: RunnerConfigInput;
let stopFeed: () => Promise<void> = async () => undefined;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mirror-restart-'));
  store = new DiskMediaStore({ directory });
  port = await freeUdpPort();
  config = {
    spec: {
      streamId: STREAM,
      name: 'Restart test',
      ingest: { protocol: 'srt-listener', host: '127.0.0.1', port },
      hardware: 'cpu',
      startedAtMs: Date.now(),
    },
    liveEdge: { kind: 'ipc' },
    store: { kind: 'disk', directory },
  };
  liveEdge.follow(STREAM, {
    onSnapshot: () => undefined,
    onEvent: (event) => {
      if (event.kind !== 'part') events.push(event.kind);
      else if (event.track === 'video') announced.push({ ...event.entry, atMs: Date.now() });
    },
  });
  started.push(startRunner(config, liveEdge));
  stopFeed = startFeed(port, '--name', 'RESTART TEST');
  await until('30 parts of video', () => announced.length >= 30, 30_000);
});

afterAll(async () => {
  await stopFeed();
  for (const each of started) each.child.kill('SIGKILL');
  await Promise.all(started.map((each) => each.exited));
  await rm(directory, { recursive: true, force: true });
});

async function bytesOf(key: string): Promise<Uint8Array> {
  const bytes = await store.get(key, { signal });
  if (!bytes) throw new Error(`${key} was announced and is not stored`);
  return bytes;
}

async function joined(entries: readonly PartEntry[]): Promise<Uint8Array> {
  const parts = await Promise.all(entries.map((entry) => bytesOf(partKey(STREAM, 'video', entry))));
  return concatBytes([await bytesOf(initKey(STREAM, 'video')), ...parts]);
}

/** Mean luma of the last picture of these parts, and of a dot of the words in its middle. */
async function lumaOf(entries: readonly PartEntry[]): Promise<{ mean: number; brightest: number }> {
  const { video: target } = SEED_PROFILE;
  using picture = await storedPicture(await joined(entries), {
    target,
    encodesOn: { kind: 'cpu' },
    onUnreadable: (error) => {
      throw error;
    },
  });
  const luma = picture.toBuffer().subarray(0, target.widthPx * target.heightPx);
  let [sum, brightest] = [0, 0];
  for (const value of luma) {
    sum += value;
    brightest = Math.max(brightest, value);
  }
  return { mean: sum / luma.length, brightest };
}

/** The parts from the last one that begins a segment on. */
function lastSegmentOf(entries: readonly PartEntry[]): readonly PartEntry[] {
  return entries.slice(entries.findLastIndex(({ partIndex }) => partIndex === 0));
}

it('goes on by itself: NO SIGNAL over the last picture within seconds, the feed when its encoder connects again', async () => {
  const init = await bytesOf(initKey(STREAM, 'video'));
  const [first] = started;
  first?.child.kill('SIGKILL');
  const killedAtMs = Date.now();
  await first?.exited;
  const beforeCount = announced.length;
  const second = startRunner(config, liveEdge);
  started.push(second);
  await until('parts of the second runner', () => announced.length >= beforeCount + 10, 15_000);
  const silenceMs = (announced[beforeCount]?.atMs ?? Number.POSITIVE_INFINITY) - killedAtMs;
  process.stdout.write(`first part after the runner was killed: ${silenceMs} ms\n`);
  expect(silenceMs).toBeLessThan(SILENCE_MAX_MS);
  expect(second.statuses.map(({ state }) => state)).toContain('interrupted');
  expect(second.statuses.find(({ state }) => state === 'interrupted')?.reason).toContain('started again');

  // The encoder has not noticed yet: what is on air is the picture from before, dimmed, with bright words.
  const seen = await lumaOf(lastSegmentOf(announced.slice(0, beforeCount)));
  const slate = announced.slice(beforeCount, beforeCount + 10);
  const shown = await lumaOf(lastSegmentOf(slate.slice(0, 5)));
  expect(shown.mean).toBeLessThan(seen.mean * 0.8);
  expect(shown.brightest).toBeGreaterThan(200);

  // Both lives are one track: same init segment, same grid, no part written twice.
  const ordinals = announced.map((entry) => partOrdinal(entry, SEED_PROFILE));
  expect(ordinals).toEqual([...new Set(ordinals)].sort((one, other) => one - other));
  expect(announced[beforeCount]).toMatchObject({ partIndex: 0, independent: true, gap: false });
  expect(await bytesOf(initKey(STREAM, 'video'))).toEqual(init);
  expect(events).toEqual(['info', 'info']);
  const before = announced.slice(0, beforeCount);
  const { complaints, tracks } = await judge(
    await joined([...before.slice(before.findIndex(({ partIndex }) => partIndex === 0)), ...slate]),
  );
  expect(complaints).toEqual([]);
  expect(tracks.video?.frameCount).toBeGreaterThan(slate.length * 3);

  // An encoder notices after a few seconds and connects again; this one gives up, so another one comes.
  await stopFeed();
  stopFeed = startFeed(port, '--name', 'RESTART TEST');
  await until('the feed is back', () => second.statuses.at(-1)?.state === 'live', 30_000);
  process.stdout.write(`live again: ${Date.now() - killedAtMs} ms after the runner was killed\n`);
  const nowOrdinals = announced.slice(beforeCount).map((entry) => partOrdinal(entry, SEED_PROFILE));
  expect(nowOrdinals).toEqual(nowOrdinals.map((_, index) => (nowOrdinals[0] ?? 0) + index));
});

it('a second runner without a feed of its own leaves a living stream alone', async () => {
  const { spec } = config;
  const ingest = { protocol: 'srt-listener', host: '127.0.0.1', port: await freeUdpPort() } as const;
  const intruder = startRunner({ ...config, spec: { ...spec, ingest } }, liveEdge);
  started.push(intruder);
  const gapCount = () => announced.filter(({ gap }) => gap).length;
  const gapsBefore = gapCount();
  await until('it has looked long enough', () => intruder.statuses.length >= 5, 20_000);
  expect(intruder.statuses.map(({ state }) => state)).not.toContain('interrupted');
  expect(intruder.logLines.join('\n')).not.toContain('went-on-after-restart');
  expect(started[1]?.child.exitCode).toBeNull();
  expect(gapCount()).toBe(gapsBefore);
});
