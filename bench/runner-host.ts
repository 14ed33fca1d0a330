/**
 * One runner as a child process with what it needs around it, as in `npm start`: a live edge in this process's
 * memory, parts on disk, an origin on a loopback port. For benches of the runner alone.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SystemClock } from '../adapters/clock-system.ts';
import { serveRunner } from '../adapters/live-edge-ipc.ts';
import { MemoryLiveEdge } from '../adapters/live-edge-memory.ts';
import { DiskMediaStore } from '../adapters/media-store-disk.ts';
import { RUNNER_CONFIG_ENV_NAME } from '../adapters/runner-ipc.ts';
import type { Log, LogFields } from '../domain/log.ts';
import type { RunnerStatus } from '../domain/stream.ts';
import type { RunnerConfigInput } from '../gpu-runner/config.ts';
import { type ChildProgram, type RunningChild, startChild } from '../local/child-process.ts';
import { freeFeedPorts } from '../local/feed-ports.ts';
import { preparePrograms } from '../local/programs.ts';
import { Origin } from '../origin/origin.ts';
import { ROOT } from './platform.ts';

export const STREAM_ID = 'bench';
const STATE_POLL_MS = 20;
const STATE_MAX_MS = 30_000;

/** The runner that users run, or the one that also tells when each part was encoded. */
export type RunnerKind = 'runner' | 'measured-runner';

export interface RunnerEvent {
  /** Wall clock, Unix milliseconds. */
  readonly atMs: number;
  readonly event: string;
  readonly fields: LogFields;
}

export class RunnerHost {
  readonly srtPort: number;
  readonly originUrl: string;
  readonly clock: SystemClock;
  /** What the runner logged, and `state` for each change of its state. */
  readonly events: RunnerEvent[] = [];
  status: RunnerStatus | undefined;
  /** Wall clock at which each part of the video was announced. */
  readonly partTimesMs: number[] = [];
  private readonly startChild: () => RunningChild;
  private child: RunningChild;
  private readonly server: Server;
  private readonly folder: string;
  private readonly ending: AbortController;

  private constructor(parts: {
    srtPort: number;
    originUrl: string;
    clock: SystemClock;
    start: (host: RunnerHost) => RunningChild;
    server: Server;
    folder: string;
    ending: AbortController;
  }) {
    this.srtPort = parts.srtPort;
    this.originUrl = parts.originUrl;
    this.clock = parts.clock;
    this.server = parts.server;
    this.folder = parts.folder;
    this.ending = parts.ending;
    this.startChild = () => parts.start(this);
    this.child = this.startChild();
  }

  static async start({
    kind = 'runner',
    onMessage = () => undefined,
  }: {
    kind?: RunnerKind;
    /** Messages of a measured runner that the platform does not know. */
    onMessage?: (message: unknown) => void;
  } = {}): Promise<RunnerHost> {
    const folder = await mkdtemp(join(tmpdir(), 'mirror-bench-'));
    const [srtPort = 0] = await freeFeedPorts(1, 20_000 + Math.floor(Math.random() * 20_000));
    const clock = new SystemClock();
    const liveEdge = new MemoryLiveEdge({ log: silent });
    const store = new DiskMediaStore({ directory: folder });
    const ending = new AbortController();
    const origin = new Origin({ liveEdge, mediaStore: store, clock, log: silent, isOpen: () => true });
    void origin.run(ending.signal);
    const server = createServer((request, response) => origin.handle(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const originPort = typeof address === 'object' && address ? address.port : 0;
    const config: RunnerConfigInput = {
      spec: {
        streamId: STREAM_ID,
        name: 'bench',
        hardware: 'cpu',
        ingest: { protocol: 'srt-listener', port: srtPort },
        startedAtMs: clock.nowMs(),
      },
      liveEdge: { kind: 'ipc' },
      store: { kind: 'disk', directory: folder },
    };
    const program = await programOf(kind);
    const start = (host: RunnerHost): RunningChild => {
      const serve: { current: (message: unknown) => void } = { current: () => undefined };
      const child = startChild(
        { ...program, env: { ...program.env, [RUNNER_CONFIG_ENV_NAME]: JSON.stringify(config) } },
        {
          onMessage: (message) => {
            serve.current(message);
            onMessage(message);
          },
          onLine: (line) => host.note('said', { line }),
        },
      );
      serve.current = serveRunner({
        streamId: STREAM_ID,
        liveEdge,
        send: (message) => child.send(message),
        listener: {
          onStatus: (status) => host.onStatus(status),
          onLog: (_level, event, fields) => host.note(event, fields),
        },
      });
      return child;
    };
    const originUrl = `http://127.0.0.1:${originPort}/open/${STREAM_ID}/`;
    const host = new RunnerHost({ srtPort, originUrl, clock, start, server, folder, ending });
    liveEdge.follow(STREAM_ID, {
      onSnapshot: () => undefined,
      onEvent: (event) => {
        if (event.kind === 'part' && event.track === 'video') host.partTimesMs.push(Date.now());
      },
    });
    return host;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Resolves with the wall clock at which the runner is in this state. */
  async untilState(state: RunnerStatus['state']): Promise<number> {
    for (let waitedMs = 0; waitedMs < STATE_MAX_MS; waitedMs += STATE_POLL_MS) {
      if (this.status?.state === state) return this.status.atMs;
      await sleep(STATE_POLL_MS);
    }
    const last = this.events.slice(-5).map(({ event, fields }) => `${event} ${JSON.stringify(fields)}`);
    throw new Error(
      `The runner is ${this.status?.state ?? 'silent'} instead of ${state}. ${last.join('; ')}`,
    );
  }

  /** Kills the runner as a crash would, and starts another after a while. Resolves with its first part. */
  async killAndStartAgain(delayMs: number): Promise<{ lastPartAtMs: number; firstPartAtMs: number }> {
    this.child.kill();
    await this.child.exited;
    this.status = undefined;
    const partCount = this.partTimesMs.length;
    await sleep(delayMs);
    this.child = this.startChild();
    for (let waitedMs = 0; waitedMs < STATE_MAX_MS; waitedMs += STATE_POLL_MS) {
      const [lastPartAtMs, firstPartAtMs] = this.partTimesMs.slice(partCount - 1);
      if (lastPartAtMs !== undefined && firstPartAtMs !== undefined) return { lastPartAtMs, firstPartAtMs };
      await sleep(STATE_POLL_MS);
    }
    throw new Error(`No part within ${STATE_MAX_MS / 1_000} s of the restart.`);
  }

  async stop(): Promise<void> {
    this.child.stop();
    const killer = setTimeout(() => this.child.kill(), 5_000);
    await this.child.exited;
    clearTimeout(killer);
    this.ending.abort();
    this.server.closeAllConnections();
    this.server.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  private note(event: string, fields: LogFields): void {
    this.events.push({ atMs: Date.now(), event, fields });
  }

  private onStatus(status: RunnerStatus): void {
    if (status.state !== this.status?.state) this.note('state-now', { state: status.state });
    this.status = status;
  }
}

async function programOf(kind: RunnerKind): Promise<ChildProgram> {
  const env = { UV_THREADPOOL_SIZE: '16', MALLOC_ARENA_MAX: '2' };
  if (kind === 'runner') return { ...(await preparePrograms(ROOT, silent)).runner, env };
  const file = join(ROOT, 'bench', 'measured-runner.ts');
  return { file, execArgv: ['--import', 'tsx'], workingDirectory: ROOT, env };
}

const silent: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
};
