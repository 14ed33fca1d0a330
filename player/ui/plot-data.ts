/** What a plot draws, as its drawing library wants it: one row of times, and a row of values for each line. */

export interface PlotSeries {
  readonly label: string;
  /** Unix ms, rising. */
  readonly timesMs: readonly number[];
  /** One for each time; undefined where nothing could be measured, which leaves a gap in the line. */
  readonly values: readonly (number | undefined)[];
}

/** uPlot's own shape: seconds, null where a line has a gap, undefined where only other lines have a point. */
export type AlignedRows = [number[], ...(number | null | undefined)[][]];

/** As many as theme.css has. */
export const COLOUR_COUNT = 6;

/** Name of a line's colour. */
export function colourName(index: number): string {
  return `--plot-${(index % COLOUR_COUNT) + 1}`;
}

export function alignedRows(series: readonly PlotSeries[]): AlignedRows {
  const [first] = series;
  if (!first) return [[]];
  const alike = series.every(({ timesMs }) => timesMs === first.timesMs);
  const timesMs = alike ? first.timesMs : allTimes(series);
  const rows = series.map((one) => {
    if (alike) return one.values.map((value) => value ?? null);
    const byTime = new Map(one.timesMs.map((timeMs, index) => [timeMs, one.values[index] ?? null]));
    return timesMs.map((timeMs) => byTime.get(timeMs));
  });
  return [timesMs.map((timeMs) => timeMs / 1000), ...rows];
}

function allTimes(series: readonly PlotSeries[]): readonly number[] {
  return [...new Set(series.flatMap(({ timesMs }) => timesMs))].sort((a, b) => a - b);
}

/** The plot in a sentence, for those who hear the page instead of seeing it. */
export function plotInWords(label: string, series: readonly PlotSeries[], format: (value: number) => string) {
  const parts = series.map((one) => {
    const known = one.values.filter((value) => value !== undefined);
    const name = series.length > 1 ? `${one.label}: ` : '';
    const last = known.at(-1);
    if (last === undefined) return `${name}nothing measured`;
    const [least, most] = [Math.min(...known), Math.max(...known)];
    return `${name}now ${format(last)}, between ${format(least)} and ${format(most)}`;
  });
  return `${label}. ${parts.join('; ')}.`;
}
