/**
 * Glass to glass: from the clock burned into a feed's frame to the same pixels on the screen of a browser,
 * through everything between.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import type { WallMeasure } from '../player/wall.ts';
import { launchChromium } from './browser.ts';
import type { ProbeRecord } from './pixel-probe.ts';
import { coresUsed, machineTimes, type ProcessSample, processTree } from './process-tree.ts';
import { percentile, type Summary, summarize } from './statistics.ts';

export interface PaneReport {
  readonly feedNumber: number;
  readonly latencyMs: Summary;
  readonly frameRate: number;
  readonly stallCount: number;
  readonly stalledMs: number;
  readonly longestStallMs: number;
  readonly waitingEventCount: number;
  readonly droppedFrameCount: number;
  readonly unreadableCount: number;
}

export interface GlassToGlassReport {
  readonly durationMs: number;
  readonly panes: readonly PaneReport[];
  /** Of all panes together. */
  readonly latencyMs: Summary;
  /** What the page itself says of that, median; undefined when the cameras do not tell when they captured. */
  readonly pageSaysMs: number | undefined;
  readonly skewMs: Summary;
  readonly busy: BusyReport;
  /** Of all pictures together, as the page counts them. */
  readonly requestsPerS: number;
  readonly stages: StageReport;
  /** What the page says of itself, at the end. */
  readonly page: unknown;
}

/** Where the time goes, medians. */
export interface StageReport {
  /** From capture to the place on the grid: sender, SRT, demultiplexer, decoder. */
  readonly beforeGridMs: number;
  /** From the place on the grid to the end of what the browser holds: encoder, packager, origin, network. */
  readonly deliveryMs: number;
  /** In the browser's buffer, picture on the screen to the newest that it holds. */
  readonly bufferMs: number;
}

/** In cores: 0.5 is half of one core. */
export interface BusyReport {
  /** Share of the whole machine. */
  readonly machineShare: number;
  /** Share of the machine that its host gave to others while this one wanted it (proc(5), "steal"). */
  readonly stolenShare: number;
  readonly chromiumCores: number;
  readonly runnerCores: number;
  readonly platformCores: number;
  readonly feedCores: number;
}

export interface GlassToGlassOptions {
  readonly pageUrl: string;
  readonly streamIds: readonly string[];
  readonly warmUpMs: number;
  readonly durationMs: number;
  /** More of the page's parameters, such as `engine`. */
  readonly query?: Readonly<Record<string, string>>;
  /** The feeds repeat themselves after this time: a clock may be whole rounds old. */
  readonly loopMs?: number;
  /** A picture of the page at the end. */
  readonly screenshotPath?: string;
}

const FIRST_PICTURE_MAX_MS = 30_000;
const POLL_MS = 250;
const ASK_PAGE_EVERY_MS = 2_000;

/** Plays the streams in Chromium and reads what it shows. */
export async function measureGlassToGlass(options: GlassToGlassOptions): Promise<GlassToGlassReport> {
  const browser = await launchChromium();
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, ignoreHTTPSErrors: true });
    const { loopMs } = options;
    const settings = JSON.stringify(loopMs === undefined ? {} : { loopMs });
    await page.addInitScript({
      content: `window.mirrorProbeSettings = ${settings};\n${await bundledProbe()}`,
    });
    const url = new URL(options.pageUrl);
    url.searchParams.set('streams', options.streamIds.join(','));
    for (const [name, value] of Object.entries(options.query ?? {})) url.searchParams.set(name, value);
    await page.goto(url.href);
    await untilReadable(page, options.streamIds.length);
    await sleep(options.warmUpMs);

    await page.evaluate(() => window.mirrorProbe.reset());
    const startMs = performance.now();
    const before = processTree(process.pid);
    const machineBefore = machineTimes();
    const requestsBefore = requestCountOf(await measureOf(page));
    const said = await watchPage(page, options.durationMs);
    const record = await page.evaluate(() => window.mirrorProbe.read());
    const after = processTree(process.pid);
    const machineAfter = machineTimes();
    const durationMs = performance.now() - startMs;
    if (options.screenshotPath !== undefined) await page.screenshot({ path: options.screenshotPath });
    const shareOf = (what: 'busyMs' | 'stolenMs') =>
      (machineAfter[what] - machineBefore[what]) / (machineAfter.totalMs - machineBefore.totalMs);
    const report = reportOf(record, durationMs);
    return {
      ...report,
      durationMs,
      requestsPerS: (requestCountOf(await measureOf(page)) - requestsBefore) / (durationMs / 1000),
      pageSaysMs: pageSaysMs(said),
      stages: stagesOf(report.latencyMs.p50, said),
      busy: {
        machineShare: shareOf('busyMs'),
        stolenShare: shareOf('stolenMs'),
        ...coresByProgram(before, after, durationMs),
      },
      page: said.at(-1),
    };
  } finally {
    await browser.close();
  }
}

/** Polls from outside: the page's own policy forbids scripts made of text, which waiting inside would need. */
async function untilReadable(page: Page, paneCount: number): Promise<void> {
  for (let waitedMs = 0; waitedMs < FIRST_PICTURE_MAX_MS; waitedMs += POLL_MS) {
    const { panes } = await page.evaluate(() => window.mirrorProbe.read());
    if (panes.filter((pane) => pane.latenciesMs.length > 0).length >= paneCount) return;
    await sleep(POLL_MS);
  }
  const said: unknown = await page.evaluate(() => window.mirror.measure());
  throw new Error(`Not every pane showed a readable clock in time: ${JSON.stringify(said)}`);
}

function measureOf(page: Page): Promise<WallMeasure> {
  return page.evaluate(() => window.mirror.measure());
}

function requestCountOf({ panes }: WallMeasure): number {
  return panes.reduce((sum, pane) => sum + pane.requestCount, 0);
}

/** Asks the page now and then what it thinks of itself. */
async function watchPage(page: Page, durationMs: number): Promise<WallMeasure[]> {
  const said: WallMeasure[] = [];
  const endMs = performance.now() + durationMs;
  while (performance.now() < endMs) {
    await sleep(Math.min(ASK_PAGE_EVERY_MS, Math.max(0, endMs - performance.now())));
    said.push(await measureOf(page));
  }
  return said;
}

function pageSaysMs(said: readonly WallMeasure[]): number | undefined {
  const saidMs = said.flatMap(({ panes }) => panes.flatMap((pane) => pane.glassToGlassMs ?? []));
  return saidMs.length === 0 ? undefined : percentile(saidMs, 50);
}

/** The page measures from the grid, the pixels from the capture: the difference lies before the grid. */
function stagesOf(latencyP50Ms: number, said: readonly WallMeasure[]): StageReport {
  const panes = said.flatMap((measure) => measure.panes);
  const sinceGridMs = percentile(
    panes.flatMap((pane) => pane.latencyMs ?? []),
    50,
  );
  const bufferMs = percentile(
    panes.flatMap((pane) => pane.bufferMs ?? []),
    50,
  );
  return { beforeGridMs: latencyP50Ms - sinceGridMs, deliveryMs: sinceGridMs - bufferMs, bufferMs };
}

async function bundledProbe(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('./pixel-probe.ts', import.meta.url))],
    bundle: true,
    format: 'iife',
    target: 'es2022',
    write: false,
  });
  return outputFiles[0]?.text ?? '';
}

function reportOf(record: ProbeRecord, durationMs: number) {
  const panes = record.panes.map(
    (pane): PaneReport => ({
      feedNumber: pane.feedNumber,
      latencyMs: summarize(pane.latenciesMs),
      frameRate: (pane.frameCount * 1000) / durationMs,
      stallCount: pane.stallsMs.length,
      stalledMs: pane.stallsMs.reduce((sum, value) => sum + value, 0),
      longestStallMs: Math.max(0, ...pane.stallsMs),
      waitingEventCount: pane.waitingEventCount,
      droppedFrameCount: pane.droppedFrameCount,
      unreadableCount: pane.unreadableCount,
    }),
  );
  const latencyMs = summarize(record.panes.flatMap((pane) => pane.latenciesMs));
  return { panes, latencyMs, skewMs: summarize(record.skewsMs) };
}

function coresByProgram(
  before: readonly ProcessSample[],
  after: readonly ProcessSample[],
  wallMs: number,
): Omit<BusyReport, 'machineShare' | 'stolenShare'> {
  const cores = (part: RegExp) => coresUsed(before, after, wallMs, ({ command }) => part.test(command));
  return {
    chromiumCores: cores(/chromium/),
    runnerCores: cores(/gpu-runner\/main|local\/runner-/),
    platformCores: cores(/local\/main/),
    feedCores: cores(/feeds\/demo|local\/demoFeeds-/),
  };
}
