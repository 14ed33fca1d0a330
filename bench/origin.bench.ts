/** How many Low-Latency HLS clients one origin process serves. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { PARTS_PER_SECOND } from './origin-load-segments.ts';
import type { Bench, BenchContext, BenchOutcome } from './result.ts';
import { percentile, summarize } from './statistics.ts';

const WARM_UP_MS = 4_000;
const DURATION_MS = 20_000;
const QUICK_MS = 6_000;
const LATENESS_AT_MOST_MS = 50;
/** Of what the clients would ask for if nothing were ever late. */
const COMPLETE_SHARE = 0.99;

const listeningSchema = z.object({ port: z.int() });
const usageSchema = z.object({ cpuMs: z.number(), residentBytes: z.number(), metrics: z.unknown() });
const loadSchema = z.object({
  phase: z.literal('done'),
  playlistMs: z.array(z.number()),
  partMs: z.array(z.number()),
  partAnswerMs: z.array(z.number()),
  errorCount: z.int(),
  jumpCount: z.int(),
  cpuMs: z.number(),
});

type Asks = 'parts' | 'segments';

const COMPARED_CLIENT_COUNT = 400;
const COMPARED_ROUNDS = 3;
const COMPARED_MS = 6_000;

/** 1,000 clients are what must be reached; the others show where one process ends on this machine. */
export const originBenches: readonly Bench[] = [
  ...[400, 1_000].map((clientCount) => ({
    name: `origin-${clientCount}`,
    title: `Origin: ${clientCount.toLocaleString('en')} clients, playlist and part each 100 ms`,
    run: (context: BenchContext) => measureOrigin(context, clientCount, 'parts'),
  })),
  ...[1_000, 2_000].map((clientCount) => ({
    name: `origin-segments-${clientCount}`,
    title: `Origin: ${clientCount.toLocaleString('en')} clients that read each segment as it grows`,
    run: (context: BenchContext) => measureOrigin(context, clientCount, 'segments'),
  })),
  {
    name: 'origin-direct',
    title: 'Origin: what an answer costs, directly and through node:http',
    run: compareWays,
  },
];

/** Both ways by turns, so that both see the same machine. */
async function compareWays(context: BenchContext): Promise<BenchOutcome> {
  const ways = { direct: [] as number[], 'node:http': [] as number[] };
  for (let round = 0; round < COMPARED_ROUNDS; round++)
    for (const way of ['direct', 'node:http'] as const) {
      const { report, before, after } = await recordOrigin(context, {
        clientCount: COMPARED_CLIENT_COUNT,
        asks: 'parts',
        durationMs: COMPARED_MS,
        way,
      });
      const answerCount = report.playlistMs.length + report.partMs.length;
      ways[way].push(((after.cpuMs - before.cpuMs) * 1000) / answerCount);
    }
  const [direct, node] = [percentile(ways.direct, 50), percentile(ways['node:http'], 50)];
  return {
    measures: [
      { what: 'CPU of an answer, directly', value: direct, unit: 'µs' },
      { what: 'CPU of an answer through node:http', value: node, unit: 'µs' },
      { what: 'directly, of that', value: direct / node, unit: '', atMost: 1 },
    ],
    notes: [
      `Medians of ${COMPARED_ROUNDS} rounds of ${COMPARED_CLIENT_COUNT} clients that ask for playlist and part each 100 ms, by turns in one run.`,
    ],
    detail: ways,
  };
}

async function measureOrigin(context: BenchContext, clientCount: number, asks: Asks): Promise<BenchOutcome> {
  const durationMs = context.quick ? QUICK_MS : DURATION_MS;
  return outcome(await recordOrigin(context, { clientCount, asks, durationMs, way: 'direct' }));
}

interface Load {
  readonly clientCount: number;
  readonly asks: Asks;
  readonly durationMs: number;
  readonly way: 'direct' | 'node:http';
}

async function recordOrigin(context: BenchContext, asked: Load): Promise<Recorded> {
  const { clientCount, asks, durationMs, way } = asked;
  const server = start('origin-server.ts', ['--expose-gc'], way === 'direct' ? [] : ['--node-http']);
  let load: ChildProcess | undefined;
  try {
    const { port } = listeningSchema.parse(await message(server));
    const idle = await usage(server);
    load = start('origin-load.ts');
    context.say(`${clientCount} clients for ${(WARM_UP_MS + durationMs) / 1000} s`);
    load.send({ port, clientCount, asks, warmUpMs: WARM_UP_MS, durationMs });
    await message(load);
    const before = await usage(server);
    const report = loadSchema.parse(await message(load));
    const after = await usage(server);
    return { asks, clientCount, durationMs, idle, before, after, report };
  } finally {
    server.disconnect();
    load?.disconnect();
  }
}

interface Recorded {
  readonly asks: Asks;
  readonly clientCount: number;
  readonly durationMs: number;
  readonly idle: z.output<typeof usageSchema>;
  readonly before: z.output<typeof usageSchema>;
  readonly after: z.output<typeof usageSchema>;
  readonly report: z.output<typeof loadSchema>;
}

function outcome({ asks, clientCount, durationMs, idle, before, after, report }: Recorded): BenchOutcome {
  const part = summarize(report.partMs);
  const bytesPerClient = (after.residentBytes - idle.residentBytes) / clientCount;
  const seconds = durationMs / 1000;
  const playlist = asks === 'parts' ? summarize(report.playlistMs) : undefined;
  const playlistMeasures = playlist
    ? [
        {
          what: 'requests answered',
          value: (playlist.count + part.count) / seconds,
          unit: '1/s',
          atLeast: clientCount * 2 * PARTS_PER_SECOND * COMPLETE_SHARE,
        },
        { what: 'playlist after announcement, p50', value: playlist.p50, unit: 'ms' },
        {
          what: 'playlist after announcement, p99',
          value: playlist.p99,
          unit: 'ms',
          atMost: LATENESS_AT_MOST_MS,
        },
      ]
    : [];
  return {
    measures: [
      ...playlistMeasures,
      {
        what: 'parts delivered',
        value: part.count / seconds,
        unit: '1/s',
        atLeast: clientCount * PARTS_PER_SECOND * COMPLETE_SHARE,
      },
      { what: 'part after announcement, p50', value: part.p50, unit: 'ms' },
      {
        what: 'part after announcement, p99',
        value: part.p99,
        unit: 'ms',
        ...(asks === 'segments' ? { atMost: LATENESS_AT_MOST_MS } : {}),
      },
      ...(asks === 'parts'
        ? [
            {
              what: 'part after it was asked for, p99',
              value: summarize(report.partAnswerMs).p99,
              unit: 'ms',
              atMost: LATENESS_AT_MOST_MS,
            },
          ]
        : []),
      { what: 'errors', value: report.errorCount, unit: '', atMost: 0 },
      { what: 'clients that fell 2 s behind', value: report.jumpCount, unit: '', atMost: 0 },
      { what: 'CPU of the origin', value: (after.cpuMs - before.cpuMs) / durationMs, unit: 'cores' },
      { what: 'CPU of the clients', value: report.cpuMs / durationMs, unit: 'cores' },
      { what: 'memory per client', value: bytesPerClient / 1024, unit: 'KiB' },
    ],
    notes: [
      'All clients ask for the same part in the same instant, so the last of them waits for all others: p99 is the time to answer everyone.',
      'An answer is late by the time from when it could be given. A part is asked for when the playlist has named it, so that its time after the announcement is that of both answers.',
      'Origin, publisher and clients share the machine; the lateness includes that of the clients themselves.',
    ],
    detail: { ...(playlist ? { playlist } : {}), part, metrics: after.metrics },
  };
}

function start(
  file: string,
  nodeArguments: readonly string[] = [],
  ownArguments: readonly string[] = [],
): ChildProcess {
  return fork(fileURLToPath(new URL(file, import.meta.url)), ownArguments, {
    execArgv: ['--import', 'tsx', ...nodeArguments],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
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
