/** The engines side by side, in one run on one platform: what each costs and how near the edge it plays. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DELIVERY_MODES, type DeliveryMode, REQUESTS_PER_SECOND } from '../domain/delivery.ts';
import { type GlassToGlassReport, measureGlassToGlass } from './glass-to-glass.ts';
import { LIGHT_FEED, RUNNERS_CHEAP_AFTER_MS } from './light-feed.ts';
import { Platform } from './platform.ts';
import type { Bench, BenchContext, BenchOutcome, Measure } from './result.ts';

interface Case {
  readonly engine: 'clock-mse' | 'hls.js';
  readonly delivery: DeliveryMode;
  readonly paneCount: number;
}

interface Measured {
  readonly of: Case;
  readonly report: GlassToGlassReport;
}

const PANE_COUNTS = [1, 6];
const LOOP_MS = 20_000;
const WARM_UP_MS = 10_000;
/** A mode that plays later is reached by slower playing. */
const SETTLE_MS = 4_000;
const MEASURED_MS = 24_000;
const QUICK_MS = 10_000;

/** As many feeds as panes: whoever watches one feed does not pay for five more. */
const casesOf = (paneCount: number): readonly Case[] => [
  { engine: 'clock-mse', delivery: 'lowest-latency', paneCount },
  { engine: 'hls.js', delivery: 'lowest-latency', paneCount },
  ...DELIVERY_MODES.filter((mode) => mode !== 'lowest-latency').map(
    (delivery): Case => ({ engine: 'clock-mse', delivery, paneCount }),
  ),
];

export const enginesBench: Bench = {
  name: 'engines',
  title: 'Both engines and the delivery modes, 1 and 6 panes',
  run: measureEngines,
};

async function measureEngines(context: BenchContext): Promise<BenchOutcome> {
  const measures: Measure[] = [];
  const detail: Measured[] = [];
  for (const paneCount of PANE_COUNTS)
    for (const { of, report } of await measureWith(paneCount, context)) {
      measures.push(...measuresOf(of, report));
      detail.push({ of, report });
    }
  return {
    measures,
    notes: [
      'As many light feeds as panes (HEVC 640x360 at 15 fps without sound, which tell when they captured); latency is read from pixels, SRT 120 ms included.',
      'Requests are those of the pictures; one audible feed adds as many as a pane.',
    ],
    detail,
  };
}

async function measureWith(paneCount: number, { quick, say }: BenchContext): Promise<Measured[]> {
  say('starting the platform; the feeds are encoded ahead');
  const platform = await Platform.start({
    feedCount: paneCount,
    feed: { ...LIGHT_FEED, captureTime: 'precision', rehearsedMs: LOOP_MS },
  });
  const reports: Measured[] = [];
  try {
    const streams = await platform.demoFeedsLive();
    if (paneCount > 1) await sleep(RUNNERS_CHEAP_AFTER_MS);
    for (const of of casesOf(paneCount)) {
      say(caseName(of));
      const report = await measureGlassToGlass({
        pageUrl: platform.pageUrl,
        streamIds: streams.map(({ id }) => id),
        warmUpMs: WARM_UP_MS + (of.delivery === 'lowest-latency' ? 0 : SETTLE_MS),
        durationMs: quick ? QUICK_MS : MEASURED_MS,
        loopMs: LOOP_MS,
        query: { engine: of.engine, delivery: of.delivery },
      });
      reports.push({ of, report });
    }
  } finally {
    await platform.stop();
  }
  return reports;
}

function caseName({ engine, delivery, paneCount }: Case): string {
  return `${engine}, ${delivery}, ${paneCount === 1 ? '1 pane' : `${paneCount} panes`}`;
}

function measuresOf(one: Case, report: GlassToGlassReport): Measure[] {
  const name = caseName(one);
  const { latencyMs, skewMs, panes, busy, requestsPerS } = report;
  const planned = REQUESTS_PER_SECOND[one.engine === 'hls.js' ? 'hls-js' : 'clock-mse'][one.delivery];
  return [
    { what: `${name}: latency p50`, value: latencyMs.p50, unit: 'ms' },
    { what: `${name}: latency p95`, value: latencyMs.p95, unit: 'ms' },
    ...(one.paneCount > 1 ? [{ what: `${name}: skew p95`, value: skewMs.p95, unit: 'ms' }] : []),
    {
      what: `${name}: stalls, all panes`,
      value: panes.reduce((sum, pane) => sum + pane.stallCount, 0),
      unit: 'stalls',
    },
    { what: `${name}: CPU of the browser`, value: busy.chromiumCores, unit: 'cores' },
    {
      what: `${name}: requests of a pane (planned: ${planned})`,
      value: requestsPerS / one.paneCount,
      unit: '1/s',
      // Starts of a new engine and growth that is held back would show.
      ...(one.engine === 'clock-mse' ? { atMost: planned * 1.1 } : {}),
    },
    { what: `${name}: machine busy`, value: busy.machineShare * 100, unit: '%' },
  ];
}
