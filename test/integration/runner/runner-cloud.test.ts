/** The runner as it runs on AWS: no parent, Redis and S3, its log on stdout, a health port, SIGTERM at the end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { RedisLiveEdgeReader } from '../../../adapters/live-edge-redis-reader.ts';
import { S3MediaStore } from '../../../adapters/media-store-s3.ts';
import { RedisRegistry } from '../../../adapters/registry-redis.ts';
import { RUNNER_CONFIG_ENV_NAME, RUNNER_EXIT_CODE } from '../../../adapters/runner-ipc.ts';
import { concatBytes } from '../../../domain/cmaf/box.ts';
import type { LiveEdgeEvent, LiveEdgeSnapshot } from '../../../domain/live-edge.ts';
import { initKey, partKey } from '../../../domain/media-store.ts';
import type { RunnerConfigInput } from '../../../gpu-runner/config.ts';
import { streamRecord } from '../../contract/registry.ts';
import { RedisServer } from '../adapters/redis-server.ts';
import { S3_CREDENTIALS, S3Server } from '../adapters/s3-server.ts';
import { judge } from './pattern-frames.ts';
import { freeUdpPort, startFeed, until } from './runner-process.ts';

const STREAM = 'cam-1';
const MAIN = fileURLToPath(new URL('../../../gpu-runner/main.ts', import.meta.url));
const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };
const reading = new AbortController();
const lineSchema = z.looseObject({ time: z.iso.datetime(), event: z.string(), streamId: z.string() });
const lines: z.output<typeof lineSchema>[] = [];
const events: LiveEdgeEvent[] = [];
let redis: RedisServer;
let s3: S3Server;
let snapshot: LiveEdgeSnapshot | undefined;
let runner: ChildProcess;
let config: RunnerConfigInput;
const started: ChildProcess[] = [];
let healthPort: number;
let stopFeed: () => Promise<void> = async () => undefined;

function parts(track: 'video' | 'audio') {
  return events.flatMap((event) => (event.kind === 'part' && event.track === track ? [event.entry] : []));
}

beforeAll(async () => {
  redis = await RedisServer.start();
  s3 = await S3Server.start('mirror-media');
  const port = await freeUdpPort();
  healthPort = await freeUdpPort();
  config = {
    spec: { streamId: STREAM, name: 'Cloud', ingest: { protocol: 'srt-listener', host: '127.0.0.1', port } },
    liveEdge: { kind: 'redis', url: redis.socketPath },
    store: { kind: 's3', bucket: 'mirror-media', region: 'us-east-1', endpoint: s3.endpoint },
    healthPort,
  };
  const reader = new RedisLiveEdgeReader({ url: redis.socketPath, log });
  void reader.run(reading.signal);
  reader.follow(STREAM, {
    onSnapshot: (found) => {
      snapshot = found;
    },
    onEvent: (event) => void events.push(event),
  });
  runner = startRunner(config);
  stopFeed = startFeed(port, '--name', 'CLOUD TEST');
  await until(
    'ten parts of both tracks',
    () => parts('audio').length >= 10 && parts('video').length >= 10,
    40_000,
  );
});

function startRunner(config: RunnerConfigInput): ChildProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN], {
    env: {
      ...process.env,
      UV_THREADPOOL_SIZE: '16',
      MALLOC_ARENA_MAX: '2',
      AWS_ACCESS_KEY_ID: S3_CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: S3_CREDENTIALS.secretAccessKey,
      [RUNNER_CONFIG_ENV_NAME]: JSON.stringify(config),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  createInterface(child.stdout).on('line', (line) => lines.push(lineSchema.parse(JSON.parse(line))));
  started.push(child);
  return child;
}

afterAll(async () => {
  await stopFeed();
  for (const child of started) child.kill('SIGKILL');
  reading.abort();
  await redis.close();
  await s3.close();
});

it('publishes to S3 and Redis what FFmpeg decodes', async () => {
  const store = new S3MediaStore({
    bucket: 'mirror-media',
    region: 'us-east-1',
    endpoint: s3.endpoint,
    credentials: S3_CREDENTIALS,
  });
  const signal = AbortSignal.timeout(10_000);
  const read = async (key: string) => (await store.get(key, { signal })) ?? new Uint8Array();
  for (const track of ['video', 'audio'] as const) {
    const entries = parts(track).slice(0, 10);
    const bytes = [await read(initKey(STREAM, track))];
    for (const entry of entries) if (!entry.gap) bytes.push(await read(partKey(STREAM, track, entry)));
    const judgement = await judge(concatBytes(bytes));
    expect(judgement.complaints).toEqual([]);
    expect(judgement.tracks[track]?.frameCount).toBeGreaterThan(20);
  }
  store.close();
  expect(snapshot?.info ?? events[0]).toBeDefined();
});

it('answers the health check of a load balancer', async () => {
  const socket = connect(healthPort, '127.0.0.1');
  await expect(once(socket, 'connect')).resolves.toEqual([]);
  socket.destroy();
});

it('keeps its status in the registry, as it is from moment to moment', async () => {
  const registry = new RedisRegistry({ url: redis.socketPath, log });
  // A feed on a busy machine may have stopped for a moment, and its status says so.
  await expect
    .poll(() => registry.getStatus(STREAM), { timeout: 30_000, interval: 200 })
    .toMatchObject({ streamId: STREAM, state: 'live' });
  await registry.close();
});

it('on SIGTERM goes without ending the stream, and has logged JSON lines with the name of the stream', async () => {
  const exited = once(runner, 'exit');
  runner.kill('SIGTERM');
  expect(await exited).toEqual([RUNNER_EXIT_CODE.stopped, null]);
  expect(events.map((event) => event.kind)).not.toContain('ended');
  expect(lines.map((line) => line.event)).toEqual(
    expect.arrayContaining(['runner-started', 'state', 'runner-stopping', 'runner-stopped']),
  );
  expect(lines.every((line) => line.streamId === STREAM)).toBe(true);
});

it('on SIGTERM after the control plane began to stop the stream, ends the playlists', async () => {
  const registry = new RedisRegistry({ url: redis.socketPath, log });
  const atMs = Date.now();
  const record = streamRecord(STREAM, { history: [{ state: 'stopping', atMs }] });
  await registry.createStream(record, { recordCountMax: 10 });
  await registry.close();
  const lineCount = lines.length;
  const second = startRunner(config);
  await until('it waits for its feed', () =>
    lines.slice(lineCount).some((line) => line.event === 'ingest-waiting'),
  );
  const exited = once(second, 'exit');
  second.kill('SIGTERM');
  expect(await exited).toEqual([RUNNER_EXIT_CODE.stopped, null]);
  await until('the end', () => events.at(-1)?.kind === 'ended');
});
