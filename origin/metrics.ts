/** What the origin counts, and its text form for scrapers. Counters only grow; gauges are of now. */
import { embeddedMetricLine } from '../domain/embedded-metric.ts';
import type { StreamWindow } from './stream-window.ts';

export interface OriginMetrics {
  /** Counters. */
  readonly requestCount: number;
  readonly heldRequestCount: number;
  /** Waits that ended in 503. */
  readonly expiredHoldCount: number;
  /** Requests that were refused because too many waited. */
  readonly refusedHoldCount: number;
  /** Clients that went away while they waited. */
  readonly abandonedHoldCount: number;
  readonly failedAnswerCount: number;
  readonly playlistWriteCount: number;
  readonly storeReadCount: number;
  readonly storeAbsentCount: number;
  readonly storeFailureCount: number;
  /** Requests for what was older than the window, answered from the store. */
  readonly windowMissCount: number;
  /** Parts whose bytes came late after their announcement. */
  readonly latePartCount: number;
  /** Lines of players' reports that were counted, and those that were not (viewer-reports.ts). */
  readonly viewerReportCount: number;
  readonly refusedViewerReportCount: number;
  /** Gauges. */
  readonly waitingCount: number;
  readonly followedStreamCount: number;
  readonly windowByteCount: number;
  /** From the end of the newest part's interval to its announcement here; the worst stream, in ms. */
  readonly worstEdgeDelayMs: number;
  /** From the newest part's announcement to its bytes being here; the worst stream, in ms. */
  readonly worstFetchDelayMs: number;
  /** How long ago the stalest live stream announced its newest part, in ms. */
  readonly worstWindowAgeMs: number;
}

/** Counters of the origin's own; those of streams live as long as the stream is followed. */
export interface OriginCounters {
  requestCount: number;
  heldRequestCount: number;
  expiredHoldCount: number;
  refusedHoldCount: number;
  abandonedHoldCount: number;
  failedAnswerCount: number;
  windowMissCount: number;
  /** What streams that are followed no more had counted. */
  playlistWriteCount: number;
  latePartCount: number;
}

export function newCounters(): OriginCounters {
  return {
    requestCount: 0,
    heldRequestCount: 0,
    expiredHoldCount: 0,
    refusedHoldCount: 0,
    abandonedHoldCount: 0,
    failedAnswerCount: 0,
    windowMissCount: 0,
    playlistWriteCount: 0,
    latePartCount: 0,
  };
}

export function collectMetrics(input: {
  readonly counters: OriginCounters;
  readonly store: { readCount: number; absentCount: number; failureCount: number };
  readonly streams: Iterable<StreamWindow>;
  readonly waitingCount: number;
  readonly nowMs: number;
  readonly viewerReports: { readonly reportCount: number; readonly refusedCount: number };
}): OriginMetrics {
  let { playlistWriteCount, latePartCount } = input.counters;
  let followedStreamCount = 0;
  let windowByteCount = 0;
  let worstEdgeDelayMs = 0;
  let worstFetchDelayMs = 0;
  let worstWindowAgeMs = 0;
  for (const stream of input.streams) {
    followedStreamCount += 1;
    playlistWriteCount += stream.playlistWriteCount;
    latePartCount += stream.latePartCount;
    windowByteCount += stream.known?.byteCount ?? 0;
    if (stream.ended || stream.state !== 'known') continue;
    worstEdgeDelayMs = Math.max(worstEdgeDelayMs, stream.edgeDelayMs);
    worstFetchDelayMs = Math.max(worstFetchDelayMs, stream.fetchDelayMs);
    if (stream.lastPartMs > 0) worstWindowAgeMs = Math.max(worstWindowAgeMs, input.nowMs - stream.lastPartMs);
  }
  return {
    ...input.counters,
    playlistWriteCount,
    latePartCount,
    storeReadCount: input.store.readCount,
    storeAbsentCount: input.store.absentCount,
    storeFailureCount: input.store.failureCount,
    viewerReportCount: input.viewerReports.reportCount,
    refusedViewerReportCount: input.viewerReports.refusedCount,
    waitingCount: input.waitingCount,
    followedStreamCount,
    windowByteCount,
    worstEdgeDelayMs,
    worstFetchDelayMs,
    worstWindowAgeMs,
  };
}

/** Which of them go down as well as up. */
const GAUGES: ReadonlySet<string> = new Set<keyof OriginMetrics>([
  'waitingCount',
  'followedStreamCount',
  'windowByteCount',
  'worstEdgeDelayMs',
  'worstFetchDelayMs',
  'worstWindowAgeMs',
]);

/** The text exposition format that Prometheus and the CloudWatch agent read. */
export function metricsText(metrics: OriginMetrics): string {
  let text = '';
  for (const [name, value] of Object.entries(metrics)) {
    const isGauge = GAUGES.has(name);
    const snake = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const exposed = `mirror_origin_${isGauge ? snake : `${snake.replace(/_count$/, '')}_total`}`;
    text += `# TYPE ${exposed} ${isGauge ? 'gauge' : 'counter'}\n${exposed} ${String(value)}\n`;
  }
  return text;
}

/**
 * A log line in CloudWatch's embedded metric format, which becomes metrics without a call to its API. Counters
 * are given as what was added since `previous`, because CloudWatch sums what it is told.
 */
export function embeddedMetricsLine(
  metrics: OriginMetrics,
  previous: OriginMetrics,
  { nowMs, environmentName }: { readonly nowMs: number; readonly environmentName: string },
): string {
  const before = new Map(Object.entries(previous));
  const values: Record<string, number> = {};
  for (const [name, value] of Object.entries(metrics))
    values[name] = GAUGES.has(name) ? value : value - (before.get(name) ?? 0);
  return embeddedMetricLine(
    {
      namespace: 'mirror/origin',
      dimensions: { environment: environmentName },
      dimensionSets: [['environment']],
      values,
    },
    nowMs,
  );
}
