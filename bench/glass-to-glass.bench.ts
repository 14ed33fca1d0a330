/** Glass to glass with one, four and six panes. */
import type { FeedInput } from '../tools/feeds/options.ts';
import { type GlassToGlassReport, measureGlassToGlass } from './glass-to-glass.ts';
import { LIGHT_FEED, RUNNERS_CHEAP_AFTER_MS } from './light-feed.ts';
import { Platform } from './platform.ts';
import type { Bench, BenchContext, BenchOutcome, Measure } from './result.ts';

interface Scenario {
  readonly feedCount: number;
  readonly durationMs: number;
  readonly feed: Partial<FeedInput>;
  readonly p50AtMostMs?: number;
  readonly p95AtMostMs?: number;
  readonly stallsPerPaneAtMost?: number;
  readonly skewP95AtMostMs?: number;
}

const WARM_UP_MS = 15_000;
const QUICK_MS = 20_000;
/**
 * Feeds are encoded before the measurement and repeated: in the field their encoders stand elsewhere, and here
 * they would take more CPU than all the rest. Repetitions are told apart by the probe.
 */
const LOOP_MS = 20_000;
/** Longer than this is not "short". */
const SHORT_STALL_MS = 500;

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'glass-1': {
    feedCount: 1,
    durationMs: 60_000,
    feed: { widthPx: 1280, heightPx: 720 },
    p50AtMostMs: 600,
    p95AtMostMs: 700,
    stallsPerPaneAtMost: 0,
  },
  'glass-4': {
    feedCount: 4,
    durationMs: 60_000,
    feed: { widthPx: 1280, heightPx: 720 },
    p95AtMostMs: 800,
    stallsPerPaneAtMost: 0,
  },
  // Cameras that run freely, each from an instant of its own, and tell nothing of it.
  'glass-6': {
    feedCount: 6,
    durationMs: 240_000,
    feed: LIGHT_FEED,
    p95AtMostMs: 800,
    stallsPerPaneAtMost: 1,
    skewP95AtMostMs: 40,
  },
  // The same cameras, whose encoders tell when each picture was captured.
  'glass-6-clocks': {
    feedCount: 6,
    durationMs: 240_000,
    feed: { ...LIGHT_FEED, captureTime: 'precision' },
    p95AtMostMs: 800,
    stallsPerPaneAtMost: 1,
    skewP95AtMostMs: 40,
  },
  // Without a target: with the browser and the senders beside them, these are more than two cores can do.
  'glass-6-full': {
    feedCount: 6,
    durationMs: 240_000,
    feed: { widthPx: 640, heightPx: 360 },
  },
};

export const glassToGlassBenches: readonly Bench[] = Object.entries(SCENARIOS).map(([name, scenario]) => ({
  name,
  title: `Glass to glass, ${scenario.feedCount} ${scenario.feedCount === 1 ? 'pane' : 'panes'}, ${scenario.durationMs / 1000} s: ${feedWords(scenario.feed)}`,
  run: (context) => runScenario(scenario, context),
}));

async function runScenario(scenario: Scenario, { quick, say }: BenchContext): Promise<BenchOutcome> {
  const feed = { captureTime: 'none' as const, ...scenario.feed, rehearsedMs: LOOP_MS };
  say('starting the platform; the feeds are encoded ahead');
  const platform = await Platform.start({ feedCount: scenario.feedCount, feed });
  try {
    const streams = await platform.demoFeedsLive();
    const durationMs = quick ? QUICK_MS : scenario.durationMs;
    // The page plays meanwhile: that it opens is a load of its own.
    const warmUpMs = WARM_UP_MS + (scenario.feedCount === 1 ? 0 : RUNNERS_CHEAP_AFTER_MS);
    say(`measuring for ${durationMs / 1000} s after ${warmUpMs / 1000} s of warming up`);
    const report = await measureGlassToGlass({
      pageUrl: platform.pageUrl,
      streamIds: streams.map(({ id }) => id),
      warmUpMs,
      durationMs,
      loopMs: LOOP_MS,
    });
    return { measures: measuresOf(report, scenario), notes: notesOf(report, scenario), detail: report };
  } finally {
    await platform.stop();
  }
}

function measuresOf(report: GlassToGlassReport, scenario: Scenario): Measure[] {
  const { panes, latencyMs, skewMs, busy, stages } = report;
  const worst = (value: (pane: GlassToGlassReport['panes'][number]) => number) =>
    Math.max(...panes.map((pane) => value(pane)));
  const { p50AtMostMs, p95AtMostMs, stallsPerPaneAtMost, skewP95AtMostMs } = scenario;
  return [
    { what: 'latency p50', value: latencyMs.p50, unit: 'ms', atMost: p50AtMostMs },
    { what: 'latency p95', value: latencyMs.p95, unit: 'ms', atMost: p95AtMostMs },
    { what: 'latency max', value: latencyMs.max, unit: 'ms' },
    ...(report.pageSaysMs === undefined
      ? []
      : [{ what: 'latency p50 as the page says it', value: report.pageSaysMs, unit: 'ms' }]),
    ...(panes.length > 1
      ? [
          { what: 'latency p95 of the worst pane', value: worst((pane) => pane.latencyMs.p95), unit: 'ms' },
          { what: 'skew between panes p50', value: skewMs.p50, unit: 'ms' },
          { what: 'skew between panes p95', value: skewMs.p95, unit: 'ms', atMost: skewP95AtMostMs },
        ]
      : []),
    {
      what: 'stalls, worst pane',
      value: worst((pane) => pane.stallCount),
      unit: 'stalls',
      atMost: stallsPerPaneAtMost,
    },
    {
      what: 'longest stall',
      value: worst((pane) => pane.longestStallMs),
      unit: 'ms',
      atMost: stallsPerPaneAtMost === undefined ? undefined : SHORT_STALL_MS,
    },
    { what: 'frames per second, least', value: -worst((pane) => -pane.frameRate), unit: 'fps' },
    { what: 'frames dropped by the browser', value: worst((pane) => pane.droppedFrameCount), unit: 'frames' },
    {
      what: 'of p50: capture to grid (sender, SRT 120, demux, decode)',
      value: stages.beforeGridMs,
      unit: 'ms',
    },
    { what: 'of p50: grid to browser (encode, package, origin)', value: stages.deliveryMs, unit: 'ms' },
    { what: 'of p50: buffer in the browser', value: stages.bufferMs, unit: 'ms' },
    { what: 'machine busy', value: busy.machineShare * 100, unit: '%' },
    { what: 'of it taken by the host for others', value: busy.stolenShare * 100, unit: '%' },
    { what: 'Chromium', value: busy.chromiumCores, unit: 'cores' },
    { what: 'runners', value: busy.runnerCores, unit: 'cores' },
    { what: 'platform (origin, API, page)', value: busy.platformCores, unit: 'cores' },
    { what: 'feeds (sending only)', value: busy.feedCores, unit: 'cores' },
  ];
}

function feedWords(feed: Partial<FeedInput>): string {
  const { widthPx, heightPx, frameRate, audioCodec, captureTime = 'none' } = feed;
  const framesPerS = frameRate === undefined ? 30 : frameRate.num / frameRate.den;
  const sound = audioCodec === 'none' ? 'without sound' : 'with AAC';
  const clock = captureTime === 'none' ? '' : ', which tell when they captured';
  return `HEVC ${widthPx}x${heightPx} at ${framesPerS} fps ${sound}${clock}`;
}

function notesOf(report: GlassToGlassReport, { feed }: Scenario): string[] {
  const readings = report.latencyMs.count;
  const unreadable = report.panes.reduce((sum, pane) => sum + pane.unreadableCount, 0);
  return [
    `Feeds: ${feedWords(feed)} over SRT (latency 120 ms, included), encoded ahead and repeated every ${LOOP_MS / 1000} s.`,
    `${readings} clocks were read from pixels, ${unreadable} could not be read. A stall is 200 ms without a new picture.`,
  ];
}
