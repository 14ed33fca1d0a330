/** Cameras whose ways to the platform differ by a quarter of a second, and who tell when they captured. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryLiveEdge } from '../../../adapters/live-edge-memory.ts';
import { DiskMediaStore } from '../../../adapters/media-store-disk.ts';
import { concatBytes } from '../../../domain/cmaf/box.ts';
import type { PartEntry } from '../../../domain/live-edge.ts';
import { initKey, partKey } from '../../../domain/media-store.ts';
import { CAPTURE_TO_GRID_MS, SEED_PROFILE } from '../../../domain/profile.ts';
import { partStartMs } from '../../../domain/timeline.ts';
import type { RunnerConfigInput } from '../../../gpu-runner/config.ts';
import { storedPicture } from '../../../gpu-runner/transcode/stored-picture.ts';
import { codeRect, decodeClock } from '../../../tools/feeds/clock-code.ts';
import { FeedProcess } from '../../../tools/feeds/feed-process.ts';
import { freeUdpPort, type RunnerProcess, startFeed, startRunner, until } from './runner-process.ts';

interface Camera {
  readonly id: string;
}
interface SrtCamera extends Camera {
  readonly srtLatencyMs: number;
  readonly tells: 'precision' | 'timecode';
}

const NEAR: SrtCamera = { id: 'near', srtLatencyMs: 120, tells: 'precision' };
const FAR: SrtCamera = { id: 'far', srtLatencyMs: 350, tells: 'timecode' };
/** Elementary streams; its sender reports tell. Without a jitter buffer, so that it is here almost at once. */
const RTP: Camera = { id: 'rtp' };
const CAMERAS: readonly Camera[] = [NEAR, FAR, RTP];
const FRAME_MS = 1_000 / SEED_PROFILE.video.frameRate;
/** A mapping is the right one to within so much; a timecode says the beginning of its frame. */
const SLOT_MS = 0.65 * FRAME_MS + 2;
const signal = AbortSignal.timeout(110_000);
const liveEdge = new MemoryLiveEdge({ log: { error: () => undefined } });
const announced = new Map<string, PartEntry[]>(CAMERAS.map(({ id }) => [id, []]));
const runners = new Map<string, RunnerProcess>();
const stopFeeds: (() => Promise<void>)[] = [];
let directory: string;
let store: DiskMediaStore;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mirror-in-step-'));
  store = new DiskMediaStore({ directory });
  for (const camera of [NEAR, FAR]) await startSrt(camera);
  await startRtp();
  await until('four seconds of each', () => CAMERAS.every((each) => partsOf(each).length >= 40), 40_000);
});

afterAll(async () => {
  for (const stop of stopFeeds) await stop();
  for (const each of runners.values()) each.child.kill('SIGKILL');
  await Promise.all([...runners.values()].map((each) => each.exited));
  await rm(directory, { recursive: true, force: true });
});

async function startSrt({ id, srtLatencyMs, tells }: SrtCamera): Promise<void> {
  const port = await freeUdpPort();
  start(id, { protocol: 'srt-listener', host: '127.0.0.1', port, latencyMs: srtLatencyMs });
  stopFeeds.push(startFeed(port, '--capture-time', tells, '--audio', 'none'));
}

async function startRtp(): Promise<void> {
  const port = (await freeUdpPort()) & ~1;
  // A sender of FFmpeg's kind reports rightly only if its timestamps begin at 0.
  const to = `rtp+sdp://127.0.0.1:${port}`;
  const feed = FeedProcess.start({ to, audioCodec: 'none', startPtsTicks: 0 });
  stopFeeds.push(() => feed.kill());
  const { sdp = '' } = await feed.connected;
  start(RTP.id, { protocol: 'rtp-sdp', sdp });
}

function start(id: string, ingest: RunnerConfigInput['spec']['ingest']): void {
  liveEdge.follow(id, {
    onSnapshot: () => undefined,
    onEvent: (event) => {
      if (event.kind === 'part' && event.track === 'video') announced.get(id)?.push(event.entry);
    },
  });
  const config: RunnerConfigInput = {
    spec: { streamId: id, name: id, ingest, hardware: 'cpu' },
    liveEdge: { kind: 'ipc' },
    store: { kind: 'disk', directory },
  };
  runners.set(id, startRunner(config, liveEdge));
}

function partsOf({ id }: Camera): readonly PartEntry[] {
  return announced.get(id) ?? [];
}

/** Of the last picture of each of some parts: how long after its capture its place on the grid is. */
async function lagsMs(camera: Camera): Promise<number[]> {
  const entries = partsOf(camera);
  const init = await bytesOf(initKey(camera.id, 'video'));
  const lags: number[] = [];
  for (let at = entries.length - 20; at < entries.length; at++) {
    const last = entries[at];
    if (!last) continue;
    const segment = entries.filter(
      ({ mediaSequenceNumber, partIndex }) =>
        mediaSequenceNumber === last.mediaSequenceNumber && partIndex <= last.partIndex,
    );
    const parts = await Promise.all(segment.map((entry) => bytesOf(partKey(camera.id, 'video', entry))));
    const capturedMs = await clockOf(concatBytes([init, ...parts]));
    lags.push(partStartMs(last, SEED_PROFILE) + SEED_PROFILE.partMs - FRAME_MS - capturedMs);
  }
  return lags;
}

async function bytesOf(key: string): Promise<Uint8Array> {
  const bytes = await store.get(key, { signal });
  if (!bytes) throw new Error(`${key} was announced and is not stored`);
  return bytes;
}

async function clockOf(video: Uint8Array): Promise<number> {
  const { video: target } = SEED_PROFILE;
  using picture = await storedPicture(video, {
    target,
    encodesOn: { kind: 'cpu' },
    onUnreadable: (error) => {
      throw error;
    },
  });
  const { widthPx, heightPx } = target;
  const clock = decodeClock(
    { data: picture.toBuffer(), widthPx, heightPx, channels: 1 },
    codeRect({ widthPx, heightPx }),
  );
  if (!clock) throw new Error('no clock could be read from a picture');
  return clock.atMs;
}

const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

describe('cameras that tell when they captured', { retry: 2 }, () => {
  it('lie on the grid as long after capture as the profile says, whatever their way took', async () => {
    expect(Math.abs(median(await lagsMs(NEAR)) - CAPTURE_TO_GRID_MS)).toBeLessThan(SLOT_MS);
    expect(Math.abs(median(await lagsMs(FAR)) - CAPTURE_TO_GRID_MS)).toBeLessThan(SLOT_MS + FRAME_MS);
    expect(Math.abs(median(await lagsMs(RTP)) - CAPTURE_TO_GRID_MS)).toBeLessThan(SLOT_MS + FRAME_MS);
  });

  it('are said to be in step, with the time that each takes to get here', () => {
    const [near, far, rtp] = CAMERAS.map(
      ({ id }) => runners.get(id)?.statuses.at(-1)?.source?.capture ?? { delayMs: 0, inStep: false },
    );
    expect([near?.inStep, far?.inStep, rtp?.inStep]).toEqual([true, true, true]);
    expect(rtp?.delayMs).toBeLessThan(near?.delayMs ?? 0);
    const apartMs = (far?.delayMs ?? 0) - (near?.delayMs ?? 0);
    expect(apartMs).toBeGreaterThan(FAR.srtLatencyMs - NEAR.srtLatencyMs - 60);
    expect(apartMs).toBeLessThan(FAR.srtLatencyMs - NEAR.srtLatencyMs + 60);
  });
});
