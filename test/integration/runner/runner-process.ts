/** Starts runner processes as a parent on one machine does: forked, with the live edge served over IPC. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { serveRunner } from '../../../adapters/live-edge-ipc.ts';
import { type ParentMessage, RUNNER_CONFIG_ENV_NAME } from '../../../adapters/runner-ipc.ts';
import type { LiveEdgeWriter } from '../../../domain/live-edge.ts';
import type { RunnerStatus } from '../../../domain/stream.ts';
import type { RunnerConfigInput } from '../../../gpu-runner/config.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const MEDIA_ENVIRONMENT = { UV_THREADPOOL_SIZE: '16', MALLOC_ARENA_MAX: '2' };

export interface RunnerProcess {
  readonly child: ChildProcess;
  readonly statuses: readonly RunnerStatus[];
  /** `event {fields}` of each log line. */
  readonly logLines: readonly string[];
  readonly stderr: () => string;
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  send(message: ParentMessage): void;
}

export function startRunner(config: RunnerConfigInput, liveEdge: LiveEdgeWriter): RunnerProcess {
  const child = fork(`${ROOT}gpu-runner/main.ts`, [], {
    execArgv: ['--import', 'tsx'],
    env: { ...process.env, ...MEDIA_ENVIRONMENT, [RUNNER_CONFIG_ENV_NAME]: JSON.stringify(config) },
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const statuses: RunnerStatus[] = [];
  const logLines: string[] = [];
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const send = (message: ParentMessage) => child.connected && child.send(message);
  const serve = serveRunner({
    streamId: config.spec.streamId,
    liveEdge,
    send,
    listener: {
      onStatus: (status) => void statuses.push(status),
      onLog: (level, event, fields) => void logLines.push(`${level} ${event} ${JSON.stringify(fields)}`),
    },
  });
  child.on('message', serve);
  const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  return { child, statuses, logLines, stderr: () => stderr, exited, send: (message) => void send(message) };
}

/** Sends a test feed by SRT until the returned function is called. */
export function startFeed(port: number, ...options: string[]): () => Promise<void> {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', `${ROOT}tools/feed.ts`, '--to', `srt://127.0.0.1:${port}?latency=120000`, ...options],
    { env: { ...process.env, ...MEDIA_ENVIRONMENT }, stdio: 'ignore' },
  );
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return async () => {
    child.kill('SIGKILL');
    await exited;
  };
}

export async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

export async function until(what: string, isTrue: () => boolean, limitMs = 15_000): Promise<void> {
  const endMs = Date.now() + limitMs;
  while (!isTrue()) {
    if (Date.now() > endMs) throw new Error(`not within ${limitMs} ms: ${what}`);
    await sleep(20);
  }
}
