/** Starts the whole platform as a user does, on free ports, and stops it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { FeedInput } from '../tools/feeds/options.ts';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

const streamsSchema = z.object({
  streams: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      state: z.string(),
      demo: z.boolean(),
      ingestUrl: z.string(),
      reason: z.string().optional(),
    }),
  ),
});
export type PlatformStream = z.output<typeof streamsSchema>['streams'][number];

const START_MAX_MS = 60_000;
const LIVE_MAX_MS = 180_000;
const END_MAX_MS = 5_000;
const POLL_MS = 250;
/** Of what the platform said, for the message when it fails. */
const SAID_MAX_CHARACTERS = 8_000;

export class Platform {
  readonly pageUrl: string;
  readonly pid: number;
  private readonly child: ChildProcess;
  private readonly folder: string;
  private readonly said: () => string;

  private constructor(child: ChildProcess, pageUrl: string, folder: string, said: () => string) {
    this.child = child;
    this.pid = child.pid ?? 0;
    this.pageUrl = pageUrl;
    this.folder = folder;
    this.said = said;
  }

  /** @param feed changes the demo feeds (tools/feeds/options.ts). */
  static async start({
    feedCount,
    feed = {},
    args = [],
  }: {
    feedCount: number;
    feed?: Partial<FeedInput>;
    args?: readonly string[];
  }): Promise<Platform> {
    const folder = await mkdtemp(join(tmpdir(), 'mirror-bench-'));
    const command = ['--import', 'tsx', 'local/main.ts', '--port', '0', '--feeds', String(feedCount)];
    const child = spawn(process.execPath, [...command, '--data-dir', folder, ...args], {
      cwd: ROOT,
      env: {
        ...process.env,
        UV_THREADPOOL_SIZE: '16',
        MALLOC_ARENA_MAX: '2',
        MIRROR_DEMO_FEED_OPTIONS: JSON.stringify(feed),
      },
      // The channel carries nothing: its end tells the platform that a bench was interrupted.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    let said = '';
    const listen = (bytes: Buffer) => {
      said = (said + bytes.toString()).slice(-SAID_MAX_CHARACTERS);
    };
    child.stdout?.on('data', listen);
    child.stderr?.on('data', listen);
    for (let waitedMs = 0; waitedMs < START_MAX_MS; waitedMs += POLL_MS) {
      const [, pageUrl] = /Page\s+(https?:\/\/\S+)/.exec(said) ?? [];
      if (pageUrl !== undefined) return new Platform(child, pageUrl, folder, () => said);
      if (child.exitCode !== null) break;
      await sleep(POLL_MS);
    }
    child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
    throw new Error(`The platform did not start:\n${said}`);
  }

  async streams(): Promise<readonly PlatformStream[]> {
    const answer = await fetch(new URL('/v1/streams', this.pageUrl));
    return streamsSchema.parse(await answer.json()).streams;
  }

  /** Waits until all demo feeds are live. */
  async demoFeedsLive(): Promise<readonly PlatformStream[]> {
    for (let waitedMs = 0; waitedMs < LIVE_MAX_MS; waitedMs += POLL_MS) {
      const demo = (await this.streams()).filter((stream) => stream.demo);
      if (demo.length > 0 && demo.every(({ state }) => state === 'live')) return demo;
      if (this.child.exitCode !== null) break;
      await sleep(POLL_MS);
    }
    throw new Error(`Not all feeds became live:\n${JSON.stringify(await this.streams())}\n${this.said()}`);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null) {
      const ended = once(this.child, 'exit');
      this.child.kill('SIGTERM');
      const timer = setTimeout(() => this.child.kill('SIGKILL'), END_MAX_MS);
      await ended;
      clearTimeout(timer);
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}
