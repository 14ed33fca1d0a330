/** The last two minutes of what every pane did, one sample a second, as lines for plots. Pure. */
import type { PaneMeasure } from '../pane.ts';
import type { WallMeasure } from '../wall.ts';
import type { PlotSeries } from './plot-data.ts';

const SAMPLES_MAX = 120;

/** What a pane counted since the sample before, per second, and what it is at. */
interface PaneSample {
  readonly latencyMs: number | undefined;
  readonly bufferMs: number | undefined;
  readonly bitrateKbps: number | undefined;
  readonly requestsPerS: number | undefined;
  readonly droppedFrameCount: number | undefined;
  readonly stallCount: number | undefined;
}

interface Sample {
  readonly atMs: number;
  readonly skewMs: number;
  readonly panes: ReadonlyMap<string, PaneSample>;
}

export type PaneNumber = keyof PaneSample;

export class StatsHistory {
  #samples: readonly Sample[] = [];
  #before: { atMs: number; panes: ReadonlyMap<string, PaneMeasure> } | undefined;

  /** @param atMs Unix ms, rising. */
  add(atMs: number, { panes, skewMs }: WallMeasure): void {
    const before = this.#before;
    const elapsedS = before ? (atMs - before.atMs) / 1000 : 0;
    const samples = panes.map((pane): [string, PaneSample] => [
      pane.streamId,
      sampleOf(pane, before?.panes.get(pane.streamId), elapsedS),
    ]);
    const sample = { atMs, skewMs, panes: new Map(samples) };
    this.#samples = [...this.#samples.slice(1 - SAMPLES_MAX), sample];
    this.#before = { atMs, panes: new Map(panes.map((pane) => [pane.streamId, pane])) };
  }

  /** One line for each of these feeds. */
  lines(number: PaneNumber, feeds: readonly { readonly id: string; readonly name: string }[]): PlotSeries[] {
    const timesMs = this.#samples.map(({ atMs }) => atMs);
    return feeds.map(({ id, name }) => ({
      label: name,
      timesMs,
      values: this.#samples.map(({ panes }) => panes.get(id)?.[number]),
    }));
  }

  /** Of all panes together. */
  total(
    number: 'bitrateKbps' | 'requestsPerS' | 'droppedFrameCount' | 'stallCount',
    label: string,
  ): PlotSeries {
    return {
      label,
      timesMs: this.#samples.map(({ atMs }) => atMs),
      values: this.#samples.map(({ panes }) => {
        const known = [...panes.values()].flatMap((pane) => pane[number] ?? []);
        return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0);
      }),
    };
  }

  /** How far apart the panes were. */
  skew(label: string): PlotSeries {
    return {
      label,
      timesMs: this.#samples.map(({ atMs }) => atMs),
      values: this.#samples.map(({ skewMs, panes }) => (panes.size > 1 ? skewMs : undefined)),
    };
  }
}

function sampleOf(now: PaneMeasure, before: PaneMeasure | undefined, elapsedS: number): PaneSample {
  const gained = (count: (measure: PaneMeasure) => number) =>
    // A pane that was taken off and put on again counts from 0.
    before && elapsedS > 0 ? Math.max(0, count(now) - count(before)) : undefined;
  const perS = (value: number | undefined) => (value === undefined ? undefined : value / elapsedS);
  const bytesPerS = perS(gained((measure) => measure.byteCount));
  return {
    latencyMs: now.phase === 'playing' ? now.latencyMs : undefined,
    bufferMs: now.bufferMs,
    bitrateKbps: bytesPerS === undefined ? undefined : (bytesPerS * 8) / 1000,
    requestsPerS: perS(gained((measure) => measure.requestCount)),
    droppedFrameCount: gained((measure) => measure.droppedFrameCount),
    stallCount: gained((measure) => measure.stallCount),
  };
}
