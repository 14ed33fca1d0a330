/** Lines for plots from what the panes kept of themselves. Pure. */
import { STATS_EVERY_MS, type StatsSeries } from '../stats.ts';
import type { PlotSeries } from './plot-data.ts';

/** A pane's numbers as a line; `scale` brings them to the plot's unit. */
export function lineOf(label: string, { timesMs, values }: StatsSeries, scale = 1): PlotSeries {
  return {
    label,
    timesMs,
    values: values.map((value) => (Number.isNaN(value) ? undefined : value * scale)),
  };
}

/**
 * One line of several. Panes take their samples each at its own moment, so what counts at a moment of the longest
 * line is the sample of each line that lies nearest.
 */
export function combined(
  label: string,
  lines: readonly PlotSeries[],
  combine: (values: readonly number[]) => number,
): PlotSeries {
  const { timesMs = [] } = [...lines].sort((a, b) => b.timesMs.length - a.timesMs.length)[0] ?? {};
  const nearest = lines.map((line) => nearestValues(line, timesMs));
  return {
    label,
    timesMs,
    values: timesMs.map((_, index) => {
      const known = nearest.flatMap((values) => values[index] ?? []);
      return known.length === 0 ? undefined : combine(known);
    }),
  };
}

/** A line's values at the given times, which rise; undefined where it has no sample near. */
function nearestValues(
  { timesMs, values }: PlotSeries,
  atMs: readonly number[],
): readonly (number | undefined)[] {
  let index = 0;
  return atMs.map((timeMs) => {
    const awayMs = (at: number) => Math.abs((timesMs[at] ?? Number.POSITIVE_INFINITY) - timeMs);
    while (awayMs(index + 1) <= awayMs(index) && index + 1 < timesMs.length) index += 1;
    return awayMs(index) <= STATS_EVERY_MS ? values[index] : undefined;
  });
}

export function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** How far apart the values are. */
export function spreadOf(values: readonly number[]): number {
  return Math.max(...values) - Math.min(...values);
}
