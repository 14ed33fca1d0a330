/** `npm start` as a person runs it, on a port and in a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const streamsSchema = z.object({ streams: z.array(z.object({ id: z.string(), state: z.string() })) });
const START_MAX_MS = 60_000;
const POLL_MS = 100;

export interface StartedProcess {
  readonly child: ChildProcess;
  readonly pageUrl: string;
  readonly port: number;
  /** Where the person's own feed is taken. */
  readonly ownFeedUrl: string;
  output(): string;
  streams(): Promise<readonly { id: string; state: string }[]>;
}

/** @param args as after `npm start --`. */
export function spawnStart(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  return spawn(process.execPath, ['tools/bootstrap.mjs', 'start', ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Runs it until it ends. */
export async function runToEnd(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number | null; stderr: string }> {
  const child = spawnStart(args, env);
  let stderr = '';
  child.stderr?.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
  await once(child, 'close');
  return { code: child.exitCode, stderr };
}

/** Runs it until it says where its page is. */
export async function start(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<StartedProcess> {
  const child = spawnStart(args, env);
  let said = '';
  const listen = (bytes: Buffer) => (said += bytes.toString());
  child.stdout?.on('data', listen);
  child.stderr?.on('data', listen);
  for (let waitedMs = 0; waitedMs < START_MAX_MS && child.exitCode === null; waitedMs += POLL_MS) {
    const [, pageUrl] = /Page\s+(https?:\/\/\S+)/.exec(said) ?? [];
    const [, ownFeedUrl] = /Server: (srt:\S+)/.exec(said) ?? [];
    if (pageUrl !== undefined && ownFeedUrl !== undefined) {
      return {
        child,
        pageUrl,
        ownFeedUrl,
        port: Number(new URL(pageUrl).port),
        output: () => said,
        streams: async () => {
          const answer = await fetch(new URL('/v1/streams', pageUrl));
          return streamsSchema.parse(await answer.json()).streams;
        },
      };
    }
    await sleep(POLL_MS);
  }
  child.kill('SIGKILL');
  throw new Error(`It did not start:\n${said}`);
}

/** Ends it as Ctrl-C does. @returns how long that took, and the exit code. */
export async function interrupt(child: ChildProcess): Promise<{ tookMs: number; code: number | null }> {
  const startedAtMs = performance.now();
  if (child.exitCode === null) {
    const ended = once(child, 'close');
    child.kill('SIGINT');
    await ended;
  }
  return { tookMs: performance.now() - startedAtMs, code: child.exitCode };
}

/** The processes that a process has started, and theirs. Reads /proc: Linux only, as these tests are. */
export async function descendants(pid: number): Promise<readonly number[]> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => ''))
    .split(' ')
    .filter((text) => text !== '')
    .map(Number);
  return [...children, ...(await Promise.all(children.map(descendants))).flat()];
}

/** True while any of the processes runs. One that has ended and was not yet waited for does not. */
export async function anyAlive(pids: readonly number[]): Promise<boolean> {
  const states = await Promise.all(
    pids.map((pid) =>
      readFile(`/proc/${pid}/stat`, 'utf8')
        .then((stat) => stat.split(') ')[1]?.[0])
        .catch(() => 'X'),
    ),
  );
  return states.some((state) => state !== 'X' && state !== 'Z');
}

/** Waits for something to become true. */
export async function until(what: string, holds: () => Promise<boolean>, maxMs: number): Promise<void> {
  const startedAtMs = performance.now();
  while (!(await holds())) {
    if (performance.now() - startedAtMs > maxMs) throw new Error(`Not within ${maxMs} ms: ${what}`);
    await sleep(POLL_MS);
  }
}
