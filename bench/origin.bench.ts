/** How many Low-Latency HLS clients one origin process serves. */
import { messageOf } from '../domain/errors.ts';
import { PARTS_PER_SECOND } from './origin-load-segments.ts';
import { type Load, type Recorded, recordOrigin } from './origin-run.ts';
import type { Bench, BenchContext, BenchOutcome, Measure } from './result.ts';
import { percentile, summarize } from './statistics.ts';
import { type BenchMachines, LOOPBACK, openTwoMachines } from './two-machines.ts';

const DURATION_MS = 20_000;
const QUICK_MS = 6_000;
const LATENESS_AT_MOST_MS = 50;
/** Of what the clients would ask for if nothing were ever late. */
const COMPLETE_SHARE = 0.99;

type Asks = Load['asks'];

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
      context.say(`${COMPARED_CLIENT_COUNT} clients, ${way}`);
      const { report, cpuMs } = await recordOrigin({
        clientCount: COMPARED_CLIENT_COUNT,
        asks: 'parts',
        durationMs: COMPARED_MS,
        way,
        machines: LOOPBACK,
      });
      ways[way].push((cpuMs * 1000) / (report.playlistMs.length + report.partMs.length));
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

/** First between two machines made of this one, where it permits that, then over loopback. */
async function measureOrigin(context: BenchContext, clientCount: number, asks: Asks): Promise<BenchOutcome> {
  const durationMs = context.quick ? QUICK_MS : DURATION_MS;
  const record = (machines: BenchMachines) => {
    context.say(`${clientCount} clients for ${durationMs / 1000} s, ${WHERE[machines.kind]}`);
    return recordOrigin({ clientCount, asks, durationMs, way: 'direct', machines });
  };
  const recorded: Recorded[] = [];
  const machines = twoMachinesOr((why) => context.say(`No two machines: ${why}`));
  if (machines) {
    try {
      recorded.push(await record(machines));
    } finally {
      machines.close();
    }
  }
  recorded.push(await record(LOOPBACK));
  return {
    measures: recorded.flatMap(measuresOf),
    notes: [...NOTES, machines ? TWO_MACHINES : NO_TWO_MACHINES],
    detail: Object.fromEntries(recorded.map((each) => [each.load.machines.kind, detailOf(each)])),
  };
}

function twoMachinesOr(refused: (why: string) => void): BenchMachines | undefined {
  try {
    return openTwoMachines();
  } catch (error) {
    refused(messageOf(error));
    return undefined;
  }
}

const WHERE: Readonly<Record<BenchMachines['kind'], string>> = {
  'two-machines': 'two machines',
  loopback: 'loopback',
};
const NOTES = [
  'All clients ask for the same part in the same instant, so the last of them waits for all others: p99 is the time to answer everyone.',
  'An answer is late by the time from when it could be given until the client has read it. A part is asked for when the playlist has named it, so that its time after the announcement is that of both answers.',
  'Loopback: origin, publisher and clients share all cores, and a write of one runs the receiving kernel of the other; the lateness includes that of the clients themselves.',
];
const TWO_MACHINES =
  'Two machines: this one, divided. Origin and publisher on CPU 0, clients on CPU 1, each in a network namespace of its own; between them a virtual cable (veth) whose packets the receiving side deals with on its own CPU, as with network cards.';
const NO_TWO_MACHINES =
  'Over loopback alone: this machine did not permit network namespaces, which need Linux, root and two CPUs.';

function measuresOf({ load, report, cpuMs, busyMs, bytesPerClient }: Recorded): Measure[] {
  const { clientCount, asks, durationMs, machines } = load;
  const seconds = durationMs / 1000;
  const part = summarize(report.partMs);
  const playlist = asks === 'parts' ? summarize(report.playlistMs) : undefined;
  const late = { unit: 'ms', atMost: LATENESS_AT_MOST_MS };
  const measures: Measure[] = [
    ...(playlist
      ? [
          {
            what: 'requests answered',
            value: (playlist.count + part.count) / seconds,
            unit: '1/s',
            atLeast: clientCount * 2 * PARTS_PER_SECOND * COMPLETE_SHARE,
          },
          { what: 'playlist after announcement, p50', value: playlist.p50, unit: 'ms' },
          { what: 'playlist after announcement, p99', value: playlist.p99, ...late },
          { what: 'part after it was asked for, p99', value: summarize(report.partAnswerMs).p99, ...late },
        ]
      : []),
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
      ...(asks === 'segments' ? late : { unit: 'ms' }),
    },
    { what: 'errors', value: report.errorCount, unit: '', atMost: 0 },
    { what: 'clients that fell 2 s behind', value: report.jumpCount, unit: '', atMost: 0 },
    { what: 'CPU of the origin', value: cpuMs / durationMs, unit: 'cores' },
    { what: 'CPU of the clients', value: report.cpuMs / durationMs, unit: 'cores' },
    {
      what: 'CPU of everything else on this machine',
      value: Math.max(0, busyMs - cpuMs - report.cpuMs) / durationMs,
      unit: 'cores',
    },
    { what: 'memory per client', value: bytesPerClient / 1024, unit: 'KiB' },
  ];
  return measures.map((measure) => ({ ...measure, what: `${WHERE[machines.kind]}: ${measure.what}` }));
}

function detailOf({ report, metrics }: Recorded): unknown {
  return {
    playlist: summarize(report.playlistMs),
    part: summarize(report.partMs),
    partAnswer: summarize(report.partAnswerMs),
    metrics,
  };
}
