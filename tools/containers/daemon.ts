/**
 * A docker daemon: the one that runs, or one started by hand for as long as it is needed (Debian: package
 * docker.io; as root), with its own folder and socket, so that it disturbs nobody.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Docker } from './docker.ts';

const START_DEADLINE_MS = 30_000;
const STOP_DEADLINE_MS = 20_000;
/** overlay2 needs a file system that can be stacked; vfs copies everything and works anywhere. */
const STORAGE_DRIVERS = ['overlay2', 'vfs'] as const;

export interface Daemon {
  readonly docker: Docker;
  /** Stops the daemon if it was started here; its images stay in the folder. */
  stop(): Promise<void>;
}

/** @param folder where a daemon that is started here keeps its images. */
export async function findOrStartDaemon(folder: string): Promise<Daemon> {
  const program = dockerProgram();
  const running = new Docker(program, undefined);
  if ((await running.ask('info')).exitCode === 0) return { docker: running, stop: () => Promise.resolve() };
  await mkdir(folder, { recursive: true });
  const problems: string[] = [];
  for (const driver of STORAGE_DRIVERS) {
    const started = await startDaemon(program, folder, driver);
    if (typeof started !== 'string') return started;
    problems.push(started);
  }
  throw new Error(
    `No docker daemon runs and none could be started. On Debian: apt-get install docker.io, then again as root.\n${problems.join('\n')}`,
  );
}

/** The one of the package before any other: it brings BuildKit's client with it. */
function dockerProgram(): string {
  return existsSync('/usr/bin/docker') ? '/usr/bin/docker' : 'docker';
}

/** @returns what went wrong, in words. */
async function startDaemon(program: string, folder: string, driver: string): Promise<Daemon | string> {
  const host = `unix://${join(folder, 'docker.sock')}`;
  const logPath = join(folder, 'dockerd.log');
  const log = openSync(logPath, 'w');
  const child = spawn(
    'dockerd',
    [
      '--storage-driver',
      driver,
      '--host',
      host,
      '--data-root',
      join(folder, `data-${driver}`),
      '--exec-root',
      join(folder, 'exec'),
      '--pidfile',
      join(folder, 'dockerd.pid'),
    ],
    { stdio: ['ignore', log, log] },
  );
  const ended: string[] = [];
  child.once('error', (error) => ended.push(error.message));
  child.once('exit', (code) => ended.push(`dockerd ended with ${code}`));
  const docker = new Docker(program, host);
  const deadlineMs = Date.now() + START_DEADLINE_MS;
  while (ended.length === 0 && Date.now() < deadlineMs) {
    if ((await docker.ask('info')).exitCode === 0) {
      return {
        docker,
        stop: async () => {
          child.kill('SIGTERM');
          await Promise.race([once(child, 'exit'), sleep(STOP_DEADLINE_MS)]);
        },
      };
    }
    await sleep(250);
  }
  child.kill('SIGKILL');
  const said = await readFile(logPath, 'utf8').catch(() => '');
  return `With ${driver}: ${ended[0] ?? 'no answer in time'}. ${said.trim().split('\n').slice(-2).join(' ')}`;
}
