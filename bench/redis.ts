/** A redis-server of the bench's own, on a Unix socket, with nothing on disk. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Of Linux's /proc/PID/stat: clock ticks are hundredths of a second everywhere that matters. */
const MS_PER_TICK = 10;

export interface BenchRedis {
  readonly socketPath: string;
  /** CPU time it has used so far. */
  cpuMs(): Promise<number>;
  close(): Promise<void>;
}

export async function startRedis(): Promise<BenchRedis> {
  const directory = await mkdtemp(join(tmpdir(), 'mirror-bench-redis-'));
  const socketPath = join(directory, 'redis.sock');
  const options = ['--port', '0', '--unixsocket', socketPath, '--save', '', '--appendonly', 'no'];
  const child = spawn('redis-server', options, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout);
  const ready = (async () => {
    for await (const line of lines) if (/ready to accept connections/i.test(line)) return;
    throw new Error('redis-server ended before it was ready.');
  })();
  const failed = once(child, 'error').then(([error]) => {
    throw error;
  });
  await Promise.race([ready, failed]);
  failed.catch(() => undefined);
  child.stdout.resume();
  return {
    socketPath,
    async cpuMs() {
      const stat = await readFile(`/proc/${child.pid}/stat`, 'utf8');
      const [, fields = ''] = stat.split(') ');
      const [userTicks = 0, systemTicks = 0] = fields.split(' ').slice(11, 13).map(Number);
      return (userTicks + systemTicks) * MS_PER_TICK;
    },
    async close() {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}
