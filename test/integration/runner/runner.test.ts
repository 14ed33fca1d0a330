/** A real feed by SRT, real runner processes, a disk store, and the live edge of this process. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MemoryLiveEdge } from '../../../adapters/live-edge-memory.ts';
import { DiskMediaStore } from '../../../adapters/media-store-disk.ts';
import { RUNNER_EXIT_CODE } from '../../../adapters/runner-ipc.ts';
import { concatBytes } from '../../../domain/cmaf/box.ts';
import { joinInitSegments } from '../../../domain/cmaf/join-init-segments.ts';
import type { LiveEdgeEvent, PartEntry } from '../../../domain/live-edge.ts';
import { initKey, partKey } from '../../../domain/media-store.ts';
import { SEED_PROFILE } from '../../../domain/profile.ts';
import { latestRecordingKey, latestRecordingSchema, recordingPrefix } from '../../../domain/recording.ts';
import type { Track } from '../../../domain/renditions.ts';
import { partOrdinal, partStartMs } from '../../../domain/timeline.ts';
import type { RunnerConfigInput } from '../../../gpu-runner/config.ts';
import { parseRecordingPlaylist } from '../../../gpu-runner/recording/recording-playlist.ts';
import { judge, judgePlaylist } from './pattern-frames.ts';
import { freeUdpPort, type RunnerProcess, startFeed, startRunner, until } from './runner-process.ts';

const STREAM = 'cam-1';
const signal = AbortSignal.timeout(110_000);
const liveEdge = new MemoryLiveEdge({ log: { error: () => undefined } });
const announced: Record<Track, (PartEntry & { atMs: number })[]> = { video: [], audio: [] };
const events: LiveEdgeEvent['kind'][] = [];
let directory: string;
let store: DiskMediaStore;
let config: RunnerConfigInput;
let runner: RunnerProcess;
let stopFeed: () => Promise<void> = async () => undefined;
const started: RunnerProcess[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mirror-runner-'));
  store = new DiskMediaStore({ directory });
  config = configAt(await freeUdpPort());
  liveEdge.follow(STREAM, {
    onSnapshot: () => undefined,
    onEvent: (event) => {
      if (event.kind === 'part') announced[event.track].push({ ...event.entry, atMs: Date.now() });
      else events.push(event.kind);
    },
  });
  runner = start();
  stopFeed = startFeed(portOf(config), '--name', 'RUNNER TEST');
  await until('30 parts of video', () => announced.video.length >= 30, 30_000);
});

afterAll(async () => {
  await stopFeed();
  for (const each of started) each.child.kill('SIGKILL');
  await Promise.all(started.map((each) => each.exited));
  await rm(directory, { recursive: true, force: true });
});

function configAt(port: number): RunnerConfigInput {
  return {
    spec: {
      streamId: STREAM,
      name: 'Runner test',
      ingest: { protocol: 'srt-listener', host: '127.0.0.1', port },
      hardware: 'cpu',
      record: true,
    },
    liveEdge: { kind: 'ipc' },
    store: { kind: 'disk', directory },
    recordings: { kind: 'disk', directory },
  };
}

function portOf({ spec }: RunnerConfigInput): number {
  return 'port' in spec.ingest ? spec.ingest.port : 0;
}

function start(changes: Partial<RunnerConfigInput> = {}): RunnerProcess {
  const process = startRunner({ ...config, ...changes }, liveEdge);
  started.push(process);
  return process;
}

function ordinalOf(entry: PartEntry): number {
  return partOrdinal(entry, SEED_PROFILE);
}

async function bytesOf(key: string): Promise<Uint8Array> {
  const bytes = await store.get(key, { signal });
  if (!bytes) throw new Error(`${key} was announced and is not stored`);
  return bytes;
}

async function partsOf(track: Track, entries: readonly PartEntry[]): Promise<Uint8Array[]> {
  return Promise.all(
    entries.filter((entry) => !entry.gap).map((entry) => bytesOf(partKey(STREAM, track, entry))),
  );
}

async function recordingPath(): Promise<string> {
  const latest = await readFile(join(directory, latestRecordingKey(STREAM)), 'utf8');
  const { name } = latestRecordingSchema.parse(JSON.parse(latest));
  return join(directory, recordingPrefix(STREAM, name), 'index.m3u8');
}

/** Empty while nothing is recorded. */
async function recordedText(): Promise<string> {
  return recordingPath().then(
    (path) => readFile(path, 'utf8'),
    () => '',
  );
}

it('announces every part of both tracks once, in order, without holes, and stored with its size', async () => {
  for (const track of ['video', 'audio'] as const) {
    const entries = announced[track].slice(0, 25);
    const first = entries[0];
    expect(first?.partIndex).toBe(0);
    const ordinals = entries.map(ordinalOf);
    expect(ordinals).toEqual(ordinals.map((_, index) => (ordinals[0] ?? 0) + index));
    const sizes = (await partsOf(track, entries)).map((bytes) => bytes.byteLength);
    expect(sizes).toEqual(entries.filter((entry) => !entry.gap).map((entry) => entry.byteCount));
  }
});

it('announces each part when the wall clock says that it is over, and not seconds later', () => {
  const delaysMs = announced.video
    .slice(5)
    .map((entry) => entry.atMs - partStartMs(entry, SEED_PROFILE) - 100);
  const sorted = [...delaysMs].sort((one, other) => one - other);
  expect(sorted[0]).toBeGreaterThan(-100);
  expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThan(200);
});

it('makes parts that FFmpeg decodes without a warning, alone and joined', async () => {
  const entries = { video: announced.video.slice(0, 20), audio: announced.audio.slice(0, 20) };
  const init = {
    video: await bytesOf(initKey(STREAM, 'video')),
    audio: await bytesOf(initKey(STREAM, 'audio')),
  };
  for (const track of ['video', 'audio'] as const) {
    const bytes = await partsOf(track, entries[track]);
    expect((await judge(concatBytes([init[track], ...bytes]))).complaints).toEqual([]);
  }
  const inTurn: Uint8Array[] = [];
  for (const entry of entries.video) {
    const sound = entries.audio.find((each) => ordinalOf(each) === ordinalOf(entry));
    inTurn.push(...(await partsOf('video', [entry])), ...(await partsOf('audio', sound ? [sound] : [])));
  }
  const joined = await judge(concatBytes([joinInitSegments(init.video, init.audio), ...inTurn]));
  expect(joined.complaints).toEqual([]);
  expect(joined.tracks.video?.frameCount).toBe(entries.video.filter((entry) => !entry.gap).length * 3);
  expect(joined.tracks.audio?.frameCount).toBeGreaterThan(0);
});

it('reports about once a second, with what it found out about the feed', async () => {
  await until('a report of a living feed', () => runner.statuses.at(-1)?.state === 'live');
  const status = runner.statuses.at(-1);
  expect(status).toMatchObject({
    streamId: STREAM,
    hardware: 'cpu',
    source: { video: { widthPx: 640, heightPx: 360 } },
  });
  expect(status?.counters.publishedPartCount).toBeGreaterThan(30);
});

it('a second runner for the stream yields, says so with its exit code, and costs the first one nothing', async () => {
  const otherPort = await freeUdpPort();
  const second = start(configAt(otherPort));
  const stopSecondFeed = startFeed(otherPort, '--name', 'INTRUDER');
  const { code } = await second.exited;
  await stopSecondFeed();
  expect(code).toBe(RUNNER_EXIT_CODE.secondRunner);
  expect(second.logLines.join('\n')).toContain('PUBLISH_SECOND_RUNNER');
  expect(second.logLines.join('\n')).not.toContain('recording');
  expect(runner.child.exitCode).toBeNull();
  expect(runner.logLines.join('\n')).not.toContain('taken');
});

it('killed and started again, it goes on at the number that the clock says, with the same init segment', async () => {
  const init = await bytesOf(initKey(STREAM, 'video'));
  // What is recorded of this life is told by a later test: a killed runner leaves whole objects only.
  await expect.poll(recordedText, { timeout: 30_000, interval: 100 }).toContain('#EXTINF');
  runner.child.kill('SIGKILL');
  await Promise.all([runner.exited, stopFeed()]);
  const before = { video: announced.video.length };
  runner = start();
  stopFeed = startFeed(portOf(config), '--name', 'RUNNER TEST');
  await until('20 parts after the crash', () => announced.video.length >= before.video + 20, 30_000);
  const first = announced.video[before.video];
  expect(first?.partIndex).toBe(0);
  expect(first?.independent).toBe(true);
  const delayMs =
    (first?.atMs ?? 0) - partStartMs(first ?? { mediaSequenceNumber: 0, partIndex: 0 }, SEED_PROFILE);
  expect(Math.abs(delayMs - 100)).toBeLessThan(300);
  expect(await bytesOf(initKey(STREAM, 'video'))).toEqual(init);
  expect(events).toEqual(['info', 'info']);
  // Both lives decode as one track, since the timeline and the init segment are the same.
  const around = announced.video.slice(before.video - 10, before.video + 10);
  const decodable = around.slice(around.findIndex((entry) => entry.independent));
  const parts = await partsOf('video', decodable);
  const { complaints, tracks } = await judge(concatBytes([init, ...parts]));
  expect(tracks.video?.frameCount).toBe(parts.length * 3);
  expect(complaints).toEqual([]);
});

it('told that the operator stopped the stream, it ends the playlists after the last part and exits with 0', async () => {
  runner.send({ kind: 'stop' });
  expect(await runner.exited).toEqual({ code: RUNNER_EXIT_CODE.stopped, signal: null });
  expect(events).toEqual(['info', 'info', 'ended']);
});

it('the recording of both lives is one VOD playlist, and FFmpeg plays all of it', async () => {
  const path = await recordingPath();
  const text = await recordedText();
  expect(text).toContain('#EXT-X-PLAYLIST-TYPE:VOD');
  expect(text.match(/#EXT-X-DISCONTINUITY/g)).toHaveLength(1);
  const { tracks, complaints } = await judgePlaylist(path);
  expect(complaints).toEqual([]);
  const { objects } = parseRecordingPlaylist(text);
  const isRecorded = (entry: PartEntry) => {
    const startMs = partStartMs(entry, SEED_PROFILE);
    return (
      !entry.gap &&
      objects.some((each) => startMs >= each.startMs && startMs < each.startMs + each.durationMs)
    );
  };
  expect(tracks.video?.frameCount).toBe(announced.video.filter(isRecorded).length * 3);
  const soundTicks = announced.audio.filter(isRecorded).reduce((sum, entry) => sum + entry.durationTicks, 0);
  expect(tracks.audio?.frameCount).toBe(soundTicks / 1024);
});

it('ends itself when its parent is gone, and ends quietly on SIGTERM without ending the stream', async () => {
  const orphan = start(configAt(await freeUdpPort()));
  const asked = start({ ...configAt(await freeUdpPort()) });
  await until('both wait', () => [orphan, asked].every((each) => each.statuses.length > 0));
  orphan.child.disconnect();
  asked.child.kill('SIGTERM');
  expect(await orphan.exited).toEqual({ code: RUNNER_EXIT_CODE.parentGone, signal: null });
  expect(await asked.exited).toEqual({ code: RUNNER_EXIT_CODE.stopped, signal: null });
  expect(events.filter((kind) => kind === 'ended')).toHaveLength(1);
});

it('with a wrong configuration says all that is wrong on stderr and exits with its own code', async () => {
  const wrong = start({
    ...configAt(9001),
    spec: { ...config.spec, streamId: 'CAM', record: false },
    healthPort: 0,
  });
  expect(await wrong.exited).toEqual({ code: RUNNER_EXIT_CODE.badConfig, signal: null });
  expect(wrong.stderr()).toMatch(/spec\.streamId[^]*healthPort/);
});
