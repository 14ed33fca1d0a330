/** One run of the origin bench: an origin with a stream, and its clients, each in a process of its own. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { BenchMachine, BenchMachines } from './two-machines.ts';

const WARM_UP_MS = 4_000;

const listeningSchema = z.object({ port: z.int() });
const usageSchema = z.object({ cpuMs: z.number(), residentBytes: z.number(), metrics: z.unknown() });
const reportSchema = z.object({
  phase: z.literal('done'),
  playlistMs: z.array(z.number()),
  partMs: z.array(z.number()),
  partAnswerMs: z.array(z.number()),
  errorCount: z.int(),
  jumpCount: z.int(),
  cpuMs: z.number(),
});

export interface Load {
  readonly clientCount: number;
  readonly asks: 'parts' | 'segments';
  readonly durationMs: number;
  readonly way: 'direct' | 'node:http';
  readonly machines: BenchMachines;
}

export interface Recorded {
  readonly load: Load;
  readonly report: z.output<typeof reportSchema>;
  /** Of the origin, while the clients were measured. */
  readonly cpuMs: number;
  /** Of all processes on this machine, those of the bench included, in the same time. */
  readonly busyMs: number;
  readonly bytesPerClient: number;
  readonly metrics: unknown;
}

export async function recordOrigin(load: Load): Promise<Recorded> {
  const { clientCount, asks, durationMs, way, machines } = load;
  const server = start(machines.origin, 'origin-server.ts', ['--expose-gc'], [machines.origin.host, way]);
  let clients: ChildProcess | undefined;
  try {
    const { port } = listeningSchema.parse(await message(server));
    const idle = await usage(server);
    clients = start(machines.clients, 'origin-load.ts');
    const { host } = machines.origin;
    clients.send({ host, port, clientCount, asks, warmUpMs: WARM_UP_MS, durationMs });
    await message(clients);
    const before = await usage(server);
    const busyBeforeMs = busyMs();
    const report = reportSchema.parse(await message(clients));
    const busyAfterMs = busyMs();
    const after = await usage(server);
    return {
      load,
      report,
      cpuMs: after.cpuMs - before.cpuMs,
      busyMs: busyAfterMs - busyBeforeMs,
      bytesPerClient: (after.residentBytes - idle.residentBytes) / clientCount,
      metrics: after.metrics,
    };
  } finally {
    await Promise.all([server, clients].map(ended));
  }
}

function start(
  { prefix }: BenchMachine,
  file: string,
  nodeArguments: readonly string[] = [],
  ownArguments: readonly string[] = [],
): ChildProcess {
  const [execPath = process.execPath, ...execArgv] = [
    ...prefix,
    process.execPath,
    '--import',
    'tsx',
    ...nodeArguments,
  ];
  return fork(fileURLToPath(new URL(file, import.meta.url)), ownArguments, {
    execPath,
    execArgv,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}

/** The children of the bench end when nobody listens to them. */
async function ended(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  if (child.connected) child.disconnect();
  await exited;
}

function busyMs(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys, 0);
}

async function usage(server: ChildProcess): Promise<z.output<typeof usageSchema>> {
  server.send('usage');
  return usageSchema.parse(await message(server));
}

/** The next message of a child. @throws when it exits instead. */
async function message(child: ChildProcess): Promise<unknown> {
  const settled = new AbortController();
  try {
    return await Promise.race([
      once(child, 'message', { signal: settled.signal }).then(([value]) => value as unknown),
      once(child, 'exit', { signal: settled.signal }).then(([code]) => {
        throw new Error(`A process of the bench exited with ${String(code)}.`);
      }),
    ]);
  } finally {
    settled.abort();
  }
}
