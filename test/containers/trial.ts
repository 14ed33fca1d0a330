/**
 * Tries the two images as ECS runs them: not root, nothing writable, no capability, limits on memory and CPU. A real
 * feed goes over SRT into the runner's container; Redis and an S3-compatible server are this machine's; a client
 * follows the stream that the origin's container serves. Run by `tools/images.ts try`; prints what it found.
 *
 * Everything is on the loopback: the containers share the machine's network.
 */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXPORT_EXIT_CODE } from '../../domain/export-exit-code.ts';
import { Docker } from '../../tools/containers/docker.ts';
import { RedisProxy, RedisServer } from '../integration/adapters/redis-server.ts';
import { S3_CREDENTIALS, S3Server } from '../integration/adapters/s3-server.ts';
import { freeUdpPort, startFeed, until } from '../integration/runner/runner-process.ts';
import { LlHlsClient } from '../integration/separate/ll-hls-client.ts';

const STREAM = 'trial';
const BUCKET = 'mirror-media';
const FIRST_PART_LIMIT_MS = 40_000;
const WATCH_MS = 15_000;
/** What ECS gives a container between SIGTERM and SIGKILL (lib/stacks: stopTimeout). */
const STOP_TIMEOUT_SECONDS = 30;
/** A stop should need far less than what it is given. */
const STOP_LIMIT_MS = 10_000;
const MEMORY = '1g';
const CPUS = '1.5';

const [program = 'docker', host] = process.argv.slice(2);
const docker = new Docker(program, host);
const findings: { readonly what: string; readonly found: string; readonly isGood: boolean }[] = [];
const ends: (() => Promise<unknown>)[] = [];

try {
  await trial();
} catch (error) {
  findings.push({ what: 'the trial itself', found: String(error), isGood: false });
} finally {
  for (const end of ends.reverse()) await end().catch(() => undefined);
}
for (const { what, found, isGood } of findings)
  process.stdout.write(`${isGood ? 'good' : 'BAD '}  ${what}: ${found}\n`);
process.exit(findings.every(({ isGood }) => isGood) ? 0 : 1);

function note(what: string, found: string | number, isGood: boolean): void {
  findings.push({ what, found: String(found), isGood });
}

async function trial(): Promise<void> {
  const redis = await RedisServer.start();
  ends.push(() => redis.close());
  const proxy = await RedisProxy.start(redis);
  ends.push(() => proxy.close());
  const s3 = await S3Server.start(BUCKET);
  ends.push(() => s3.close());
  const [feedPort, healthPort, originPort] = [await freeUdpPort(), await freeTcpPort(), await freeTcpPort()];
  const common = {
    MIRROR_REDIS_URL: proxy.url,
    MIRROR_MEDIA_BUCKET: BUCKET,
    MIRROR_S3_ENDPOINT: s3.endpoint,
    MIRROR_ENVIRONMENT: 'trial',
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: S3_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: S3_CREDENTIALS.secretAccessKey,
  };
  const spec = {
    streamId: STREAM,
    name: 'Trial',
    ingest: { protocol: 'srt-listener', host: '127.0.0.1', port: feedPort },
  };
  const runner = await start('mirror-runner:amd64', {
    ...common,
    MIRROR_RUNNER_SPEC: JSON.stringify(spec),
    MIRROR_HARDWARE: 'cpu',
    MIRROR_HEALTH_PORT: String(healthPort),
  });
  const origin = await start('mirror-origin:amd64', {
    ...common,
    MIRROR_PORT: String(originPort),
    MIRROR_HOST: '127.0.0.1',
  });
  const stopFeed = startFeed(feedPort, '--name', 'CONTAINER');
  ends.push(stopFeed);

  await watch(`http://127.0.0.1:${originPort}/live/${STREAM}/av.m3u8`);
  for (const [name, container] of [
    ['runner', runner],
    ['origin', origin],
  ] as const) {
    await confinement(name, container);
    await health(name, container);
  }
  for (const [name, container] of [
    ['runner', runner],
    ['origin', origin],
  ] as const)
    await stop(name, container);
  await exportProgram();
}

/** It is in the runner's image, and says what it lacks. */
async function exportProgram(): Promise<void> {
  const { exitCode, output } = await docker.ask(
    'run',
    '--rm',
    '--read-only',
    '--cap-drop',
    'ALL',
    '--user',
    '1000:1000',
    'mirror-runner:amd64',
    'node',
    'export.mjs',
  );
  const says = output.split('\n').find((line) => line.includes('MIRROR_FINISHED_KEY')) ?? output.slice(-200);
  note(
    'export without configuration',
    `ended with ${exitCode}: ${says}`,
    exitCode === EXPORT_EXIT_CODE.hopeless,
  );
}

async function start(image: string, variables: Readonly<Record<string, string>>): Promise<string> {
  const container = await docker.run(
    'run',
    '--detach',
    '--network',
    'host',
    '--read-only',
    '--cap-drop',
    'ALL',
    '--security-opt',
    'no-new-privileges',
    '--user',
    '1000:1000',
    '--memory',
    MEMORY,
    '--cpus',
    CPUS,
    '--pids-limit',
    '200',
    ...Object.entries(variables).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    image,
  );
  ends.push(async () => {
    const { output } = await docker.ask('logs', '--tail', '5', container);
    if (findings.some(({ isGood }) => !isGood)) process.stdout.write(`${image} said last:\n${output}\n`);
    await docker.ask('rm', '--force', container);
  });
  return container;
}

/** Follows the stream as a player does. */
async function watch(playlistUrl: string): Promise<void> {
  const client = new LlHlsClient(playlistUrl);
  const stopping = new AbortController();
  const running = client.run(stopping.signal);
  const startedMs = Date.now();
  await until('the first part out of the origin', () => client.parts.length > 0, FIRST_PART_LIMIT_MS);
  note('first part after', `${Date.now() - startedMs} ms`, true);
  await sleep(WATCH_MS);
  stopping.abort();
  await running;
  const [first, last] = [client.parts[0]?.ordinal ?? 0, client.parts.at(-1)?.ordinal ?? 0];
  const missingCount = last - first + 1 - client.parts.length;
  note(`parts of 100 ms in ${WATCH_MS / 1000} s`, client.parts.length, client.parts.length > WATCH_MS / 125);
  note('parts missing in between', missingCount, missingCount === 0);
  const bps = (client.parts.reduce((sum, { byteCount }) => sum + byteCount, 0) * 8e3) / WATCH_MS;
  note('bit rate of picture and sound', `${(bps / 1e3).toFixed(0)} kbps`, bps > 100e3 && bps < 700e3);
}

async function confinement(name: string, container: string): Promise<void> {
  const pid = await docker.run('inspect', '--format', '{{.State.Pid}}', container);
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const line = (field: string) => new RegExp(`^${field}:\\s+(\\S+)`, 'm').exec(status)?.[1] ?? '';
  note(`${name} runs as user`, line('Uid'), line('Uid') === '1000');
  note(`${name} capabilities`, line('CapEff'), /^0+$/.test(line('CapEff')));
  note(`${name} may gain privileges`, line('NoNewPrivs') === '1' ? 'no' : 'yes', line('NoNewPrivs') === '1');
  const write = await docker.ask('exec', container, 'touch', '/app/x');
  note(`${name} writes to its files`, write.exitCode === 0 ? 'yes' : 'refused', write.exitCode !== 0);
  const [memory, cpu] = (
    await docker.run('stats', '--no-stream', '--format', '{{.MemUsage}};{{.CPUPerc}}', container)
  ).split(';');
  note(`${name} memory, CPU`, `${memory}, ${cpu}`, true);
}

async function health(name: string, container: string): Promise<void> {
  const deadlineMs = Date.now() + 30_000;
  let found = '';
  while (found !== 'healthy' && Date.now() < deadlineMs) {
    found = await docker.run('inspect', '--format', '{{.State.Health.Status}}', container);
    await sleep(500);
  }
  note(`${name} health`, found, found === 'healthy');
}

async function stop(name: string, container: string): Promise<void> {
  const startedMs = Date.now();
  await docker.run('stop', '--time', String(STOP_TIMEOUT_SECONDS), container);
  const tookMs = Date.now() - startedMs;
  const exitCode = await docker.run('inspect', '--format', '{{.State.ExitCode}}', container);
  note(
    `${name} after SIGTERM`,
    `ended with ${exitCode} in ${tookMs} ms`,
    exitCode === '0' && tookMs < STOP_LIMIT_MS,
  );
}

async function freeTcpPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('No TCP port is free.');
  return address.port;
}
