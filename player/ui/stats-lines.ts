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

/** One line of several, from the values that belong to the same moment. */
export function combined(
  label: string,
  lines: readonly PlotSeries[],
  combine: (values: readonly number[]) => number,
): PlotSeries {
  const moments = new Map<number, number[]>();
  for (const { timesMs, values } of lines) {
    for (const [index, timeMs] of timesMs.entries()) {
      // Panes take their samples within one beat of each other.
      const moment = Math.round(timeMs / STATS_EVERY_MS) * STATS_EVERY_MS;
      const value = values[index];
      const known = moments.get(moment) ?? [];
      if (value !== undefined) known.push(value);
      moments.set(moment, known);
    }
  }
  const timesMs = [...moments.keys()].sort((a, b) => a - b);
  return {
    label,
    timesMs,
    values: timesMs.map((timeMs) => {
      const known = moments.get(timeMs) ?? [];
      return known.length === 0 ? undefined : combine(known);
    }),
  };
}

export function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** How far apart the values are. */
export function spreadOf(values: readonly number[]): number {
  return Math.max(...values) - Math.min(...values);
}
