/** Which plots an hour of a stream becomes. Pure. */
import type { SampleSeries, StreamMetricsView } from '../../domain/control/operations-api.ts';
import type { PlotSeries } from '../ui/plot-data.ts';

export interface MetricPlot {
  readonly label: string;
  readonly unit: string;
  readonly digits: number;
  readonly lines: readonly { readonly name: SampleSeries; readonly label: string; readonly factor: number }[];
}

const count = (name: SampleSeries, label: string) => ({ name, label, factor: 1 });

/** Counts are those of ten seconds each. */
export const METRIC_PLOTS: readonly MetricPlot[] = [
  {
    label: 'Ingest bitrate',
    unit: 'Mbps',
    digits: 1,
    lines: [{ name: 'ingestBitrateBps', label: 'Ingest', factor: 1e-6 }],
  },
  {
    label: 'Feed errors in 10 s',
    unit: '',
    digits: 0,
    lines: [count('continuityErrorCount', 'Packet gaps'), count('decodeErrorCount', 'Broken frames')],
  },
  {
    label: 'Frames in 10 s',
    unit: '',
    digits: 0,
    lines: [count('repeatedFrameCount', 'Repeated'), count('droppedFrameCount', 'Dropped')],
  },
  {
    label: 'Part latency, worst of 10 s',
    unit: 'ms',
    digits: 1,
    lines: [{ name: 'partLatencyMs', label: 'Part latency', factor: 1 }],
  },
  {
    label: 'Missing parts in 10 s',
    unit: '',
    digits: 0,
    lines: [count('gapCount', 'GAPs'), count('storeErrorCount', 'Failed uploads')],
  },
  {
    label: 'Connections in 10 s',
    unit: '',
    digits: 0,
    lines: [count('connectionCount', 'Taken'), count('rejectedConnectionCount', 'Refused')],
  },
];

const HOUR_MS = 3_600_000;
/** A stream that has just begun is no needle at the edge of an empty hour. */
const NARROWEST_MS = 600_000;

/** Silent intervals become holes in the line: a line across them would say what nobody measured. */
export function metricSeries(
  plot: MetricPlot,
  metrics: StreamMetricsView,
  nowMs: number,
): readonly PlotSeries[] {
  const [firstMs = nowMs] = metrics.atMs;
  // Without a first instant a single sample would be a plot of years.
  const beginMs = Math.max(nowMs - HOUR_MS, Math.min(nowMs - NARROWEST_MS, firstMs - metrics.intervalMs));
  const timesMs: number[] = [Math.min(beginMs, firstMs - metrics.intervalMs)];
  const indexes: (number | undefined)[] = [undefined];
  for (const [index, atMs] of metrics.atMs.entries()) {
    const before = metrics.atMs[index - 1];
    if (before !== undefined && atMs - before > metrics.intervalMs) {
      timesMs.push(before + metrics.intervalMs);
      indexes.push(undefined);
    }
    timesMs.push(atMs);
    indexes.push(index);
  }
  return plot.lines.map(({ name, label, factor }) => ({
    label,
    timesMs,
    values: indexes.map((index) => {
      const value = index === undefined ? undefined : metrics.series[name][index];
      return value === undefined ? undefined : value * factor;
    }),
  }));
}
