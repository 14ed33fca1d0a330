/** The platform as processes of their own over a real Redis and a real S3-compatible server, each killed in turn. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { descendants, interrupt, type StartedProcess, start, until } from '../../e2e/start-process.ts';
import { RedisServer } from '../adapters/redis-server.ts';
import { S3_CREDENTIALS, S3Server } from '../adapters/s3-server.ts';
import { LlHlsClient } from './ll-hls-client.ts';

const CHEAP_FEED = JSON.stringify({ rehearsedMs: 1_000, widthPx: 320, heightPx: 180 });
const BUCKET = 'mirror-media';
const LIVE_MAX_MS = 45_000;
/** Generous, since others may use the machine; the times themselves are printed. */
const RESUME_MAX_MS = 20_000;
/** New parts in a row that count as playing. */
const PARTS_IN_A_ROW = 10;
const LATENCY_MAX_MS = 3_000;

let folder = '';
let redis: RedisServer;
let s3: S3Server;
let running: StartedProcess;
let client: LlHlsClient;
const ending = new AbortController();
let watching: Promise<void> = Promise.resolve();
const report: string[] = [];

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

/** The child that runs this program, by its command line. */
async function pidOf(program: string): Promise<number> {
  for (const pid of await descendants(running.child.pid ?? 0)) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.includes(`/${program}-`)) return pid;
  }
  throw new Error(`No process runs ${program}`);
}

/** Waits until the client has so many new parts in a row, near the clock, and says how long it had none. */
async function resumedAfter(what: string, fromIndex: number, killedAtMs: number): Promise<void> {
  await until(
    `playback goes on after ${what}`,
    async () => {
      const fresh = client.parts.slice(fromIndex).filter(({ atMs }) => atMs > killedAtMs + 500);
      const row = fresh.slice(-PARTS_IN_A_ROW);
      const [first, last] = [row[0], row.at(-1)];
      if (!first || !last || row.length < PARTS_IN_A_ROW) return false;
      return last.ordinal - first.ordinal === PARTS_IN_A_ROW - 1 && client.latencyMs < LATENCY_MAX_MS;
    },
    RESUME_MAX_MS,
  );
  const seen = client.parts.slice(Math.max(0, fromIndex - 1));
  let silenceMs = 0;
  let missing = 0;
  for (const [index, part] of seen.entries()) {
    const before = seen[index - 1];
    if (!before) continue;
    silenceMs = Math.max(silenceMs, part.atMs - before.atMs);
    missing += part.ordinal - before.ordinal - 1;
  }
  const text = `${what}: longest silence ${silenceMs} ms, parts that never came ${missing}, latency after it ${client.latencyMs} ms`;
  report.push(text);
  process.stdout.write(`${text}\n`);
}

async function killAndSee(program: string): Promise<void> {
  const pid = await pidOf(program);
  const fromIndex = client.parts.length;
  const killedAtMs = Date.now();
  process.kill(pid, 'SIGKILL');
  await resumedAfter(`the ${program} was killed`, fromIndex, killedAtMs);
  expect(await pidOf(program)).not.toBe(pid);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mirror-separate-'));
  const redisPort = await freePort();
  redis = await RedisServer.start('--port', String(redisPort), '--bind', '127.0.0.1');
  s3 = await S3Server.start(BUCKET);
  const args = ['--port', '0', '--feeds', '1', '--data-dir', folder];
  running = await start([...args, '--redis', `redis://127.0.0.1:${redisPort}`, '--s3', s3.endpoint], {
    MIRROR_DEMO_FEED_OPTIONS: CHEAP_FEED,
    AWS_ACCESS_KEY_ID: S3_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: S3_CREDENTIALS.secretAccessKey,
  });
  client = new LlHlsClient(new URL('/open/cam-1/video.m3u8', running.pageUrl).href);
  watching = client.run(ending.signal);
});
afterAll(async () => {
  ending.abort();
  await watching;
  if (running) await interrupt(running.child);
  await s3?.close();
  await redis?.close();
  await rm(folder, { recursive: true, force: true });
});

describe('runner, origin and API as processes of their own', () => {
  it('play a stream whose parts follow each other by the clock', async () => {
    await until('parts come', async () => client.parts.length >= 30, LIVE_MAX_MS);
    const row = client.parts.slice(-20);
    expect((row.at(-1)?.ordinal ?? 0) - (row[0]?.ordinal ?? 0)).toBe(19);
    expect(row.every(({ byteCount }) => byteCount > 0)).toBe(true);
    expect(client.latencyMs).toBeLessThan(LATENCY_MAX_MS);
    expect((await running.streams())[0]).toMatchObject({ id: 'cam-1', state: 'live' });
  });

  it.each(['origin', 'runner', 'api'])('go on after the %s was killed', killAndSee);

  it('go on after Redis was killed and came back empty; the registry is rebuilt from what runs', async () => {
    const fromIndex = client.parts.length;
    const killedAtMs = Date.now();
    await redis.kill();
    await redis.startAgain();
    await resumedAfter('Redis was killed', fromIndex, killedAtMs);
    const known = async () => {
      const streams = await running.streams().catch(() => []);
      return streams.some(({ id, state }) => id === 'cam-1' && state === 'live');
    };
    await until('the registry knows the stream', known, RESUME_MAX_MS);
    expect((await running.streams()).map(({ id }) => id)).toEqual(['cam-1', 'own']);
    process.stdout.write(
      `the registry was whole again ${Date.now() - killedAtMs} ms after Redis was killed\n`,
    );
  });
});
