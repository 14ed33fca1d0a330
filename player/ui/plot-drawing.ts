/** The drawing of a plot on a canvas. Loaded only when a plot is shown: pictures do not wait for it. */
import uPlot from 'uplot';
import { alignedRows, COLOUR_COUNT, colourName, type PlotSeries } from './plot-data.ts';

export interface PlotDrawingOptions {
  readonly heightPx: number;
  readonly seriesCount: number;
  /** After the point, at the axis. */
  readonly digits: number;
}

/** Lines beyond the colours that there are repeat them in another pattern. */
const DASHES: readonly (readonly number[])[] = [[], [6, 3], [2, 3]];
const AXIS_FONT_PX = 11;
const AXIS_WIDTH_PX = 52;
const AXIS_HEIGHT_PX = 22;
/** Of the page's letters, for which the numbers above are; larger pages have larger plots. */
const REM_PX = 15;
/** Plots of less than this show seconds at their axis of time. */
const MINUTES_ONLY_FROM_S = 600;

export class PlotDrawing {
  readonly #root: HTMLElement;
  readonly #plot: uPlot;
  readonly #resizes: ResizeObserver;

  constructor(root: HTMLElement, options: PlotDrawingOptions) {
    this.#root = root;
    const { heightPx } = options;
    this.#plot = new uPlot(plotOptions(root, options), [[]], root);
    this.#resizes = new ResizeObserver(() => {
      const { clientWidth: width, clientHeight: height } = root;
      if (width > 0) this.#plot.setSize({ width, height: height || heightPx });
    });
    this.#resizes.observe(root);
  }

  show(series: readonly PlotSeries[]): void {
    this.#plot.setData(alignedRows(series));
  }

  /** After the colours of the page have changed. */
  recolour(): void {
    this.#plot.redraw(false, true);
  }

  close(): void {
    this.#resizes.disconnect();
    this.#plot.destroy();
    this.#root.replaceChildren();
  }
}

function plotOptions(root: HTMLElement, options: PlotDrawingOptions): uPlot.Options {
  const colour = (name: string) => getComputedStyle(root).getPropertyValue(name).trim();
  const scale = Number.parseFloat(getComputedStyle(document.documentElement).fontSize) / REM_PX;
  const axis = {
    stroke: () => colour('--quiet'),
    font: `${AXIS_FONT_PX * scale}px system-ui, "DejaVu Sans", sans-serif`,
    grid: { stroke: () => colour('--plot-grid'), width: 1 },
    ticks: { show: false },
  };
  return {
    width: Math.max(1, root.clientWidth),
    height: root.clientHeight || options.heightPx,
    legend: { show: false },
    cursor: { show: false },
    // At the right there is room for half of a time that stands at the very end.
    padding: [6, 20, 0, 0],
    scales: { y: { range: (_plot, leastValue, mostValue) => valueRange(leastValue, mostValue) } },
    series: [
      {},
      ...Array.from({ length: options.seriesCount }, (_, index) => ({
        stroke: () => colour(colourName(index)),
        width: 1.5,
        dash: [...(DASHES[Math.floor(index / COLOUR_COUNT)] ?? [])],
        points: { show: false },
      })),
    ],
    axes: [
      {
        ...axis,
        size: AXIS_HEIGHT_PX * scale,
        space: 70 * scale,
        values: (plot, values) => values.map((value) => timeOfDay(value, secondsShown(plot))),
      },
      {
        ...axis,
        size: AXIS_WIDTH_PX * scale,
        space: 24 * scale,
        incrs: valueSteps(options.digits),
        values: (_plot, values) => values.map((value) => value.toFixed(options.digits)),
      },
    ],
  };
}

/** 1, 2, 5, 10 ... from the last digit that is written: finer ones would all read the same. */
function valueSteps(digits: number): number[] {
  return Array.from({ length: 12 }, (_, index) => 10 ** (index - digits)).flatMap((power) => [
    power,
    2 * power,
    5 * power,
  ]);
}

function secondsShown({ scales }: uPlot): number {
  return (scales['x']?.max ?? 0) - (scales['x']?.min ?? 0);
}

function timeOfDay(unixS: number, shownS: number): string {
  const text = new Date(unixS * 1_000).toLocaleTimeString('en-GB');
  return shownS >= MINUTES_ONLY_FROM_S ? text.slice(0, 5) : text;
}

/** From 0, with a little room above: a line that trembles by a millisecond must look calm. */
function valueRange(leastValue: number | null, mostValue: number | null): [number, number] {
  const [least, most] = [Math.min(0, leastValue ?? 0), Math.max(0, mostValue ?? 0)];
  return most === least ? [0, 1.1] : [least * 1.1, most * 1.1];
}
