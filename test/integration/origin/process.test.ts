/** The origin as it runs on AWS: a process of its own, fed through a real Redis and a media store on disk. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { RedisLiveEdgeWriter } from '../../../adapters/live-edge-redis-writer.ts';
import { DiskMediaStore } from '../../../adapters/media-store-disk.ts';
import { partKey } from '../../../domain/media-store.ts';
import { TRACKS } from '../../../domain/renditions.ts';
import { FIRST_MSN, FIRST_ORDINAL, SAMPLE_INFO, samplePart } from '../../unit/hls/live-edge-samples.ts';
import { partText, RecordedLog } from '../../unit/origin/origin-bed.ts';
import { RedisServer } from '../adapters/redis-server.ts';

const MAIN = fileURLToPath(new URL('../../../origin/main.ts', import.meta.url));
const NEVER = new AbortController().signal;

let redis: RedisServer;
let folder = '';
let writer: RedisLiveEdgeWriter;
let store: DiskMediaStore;
let child: ChildProcess;
let base = '';
const said: string[] = [];

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address ? address.port : 0;
}

function startOrigin(environment: Record<string, string>): ChildProcess {
  const started = spawn(process.execPath, ['--import', 'tsx', MAIN], {
    env: { PATH: process.env['PATH'] ?? '', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.stdout.on('data', (text: Buffer) => said.push(text.toString()));
  started.stderr.on('data', (text: Buffer) => said.push(text.toString()));
  return started;
}

async function publish(ordinal: number): Promise<void> {
  for (const track of TRACKS) {
    const entry = samplePart(track, ordinal);
    await store.put(partKey('cam', track, entry), Buffer.from(partText(track, ordinal)), { signal: NEVER });
    await writer.append('cam', track, entry);
  }
}

beforeAll(async () => {
  redis = await RedisServer.start();
  folder = await mkdtemp(join(tmpdir(), 'mirror-origin-'));
  writer = new RedisLiveEdgeWriter({ url: redis.socketPath, log: new RecordedLog() });
  store = new DiskMediaStore({ directory: folder });
  await writer.open('cam', SAMPLE_INFO);
  for (let ordinal = FIRST_ORDINAL; ordinal < FIRST_ORDINAL + 7; ordinal += 1) await publish(ordinal);
  const port = await freePort();
  base = `http://127.0.0.1:${port}`;
  child = startOrigin({
    MIRROR_PORT: String(port),
    MIRROR_HOST: '127.0.0.1',
    MIRROR_REDIS_URL: redis.socketPath,
    MIRROR_DATA_DIRECTORY: folder,
  });
  const healthy = async () => {
    if ((await fetch(`${base}/healthz`)).status !== 200) throw new Error(`Not healthy: ${said.join('')}`);
  };
  await vi.waitFor(healthy, { timeout: 30_000, interval: 100 });
});

afterAll(async () => {
  if (child && child.exitCode === null) child.kill('SIGKILL');
  writer?.close();
  await redis?.kill();
  await rm(folder, { recursive: true, force: true });
});

describe('an origin process', () => {
  it('lists what was published before it started, and answers a blocking reload when Redis tells of the part', async () => {
    const playlist = await (await fetch(`${base}/live/cam/av.m3u8`)).text();
    expect(playlist).toContain(`#EXT-X-MEDIA-SEQUENCE:${FIRST_MSN}\n`);
    const blocked = fetch(`${base}/live/cam/av.m3u8?_HLS_msn=${FIRST_MSN + 1}&_HLS_part=2`);
    await publish(FIRST_ORDINAL + 7);
    expect(await (await blocked).text()).toContain(`av/${FIRST_MSN + 1}.2.m4s`);
    const part = await fetch(`${base}/live/cam/av/${FIRST_MSN + 1}.2.m4s`);
    expect(await part.text()).toBe(
      partText('video', FIRST_ORDINAL + 7) + partText('audio', FIRST_ORDINAL + 7),
    );
  });

  it('serves nothing openly that the registry does not call open', async () => {
    expect((await fetch(`${base}/open/cam/av.m3u8`)).status).toBe(404);
  });

  it('shows its counters to collectors', async () => {
    const text = await (await fetch(`${base}/metrics`)).text();
    expect(text).toMatch(/^mirror_origin_followed_stream_count 1$/m);
  });

  it('survives a Redis that goes and comes back', async () => {
    await redis.kill();
    expect((await fetch(`${base}/live/cam/av.m3u8`)).status).toBe(200);
    await redis.startAgain();
    // Nothing was kept: the runner declares its stream again, as it does after a reconnect.
    await expect
      .poll(
        async () => {
          await writer.open('cam', SAMPLE_INFO).catch(() => undefined);
          await publish(FIRST_ORDINAL + 20).catch(() => undefined);
          return (await fetch(`${base}/live/cam/video/${FIRST_MSN + 4}.0.m4s`)).status;
        },
        { timeout: 20_000, interval: 300 },
      )
      .toBe(200);
  });

  it('on SIGTERM answers those who wait, and exits with 0', async () => {
    const held = fetch(`${base}/live/cam/video/${FIRST_MSN + 4}.1.m4s`);
    await new Promise((resolve) => {
      setTimeout(resolve, 200);
    });
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect((await held).status).toBe(503);
    expect((await exited)[0]).toBe(0);
  });

  it('says every mistake in its configuration at once, and exits with 1', async () => {
    said.length = 0;
    const wrong = startOrigin({ MIRROR_PORT: 'x' });
    expect((await once(wrong, 'exit'))[0]).toBe(1);
    const text = said.join('');
    expect(text).toContain('MIRROR_PORT must be a whole number');
    expect(text).toContain('MIRROR_MEDIA_BUCKET is missing');
  });
});
