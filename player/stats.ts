/**
 * What a pane has been like lately: a few numbers twice a second for two minutes, for plots, and rates of the
 * last seconds. Bounded: old samples make room for new ones.
 */

export interface StatsSample {
  /** Glass to glass, as far as the page can know it: the wall clock less the instant shown. */
  readonly latencyMs: number | undefined;
  /** How far the pane is from the latency that all share: positive is too early. */
  readonly skewMs: number | undefined;
  readonly bufferMs: number | undefined;
  readonly bitrateBps: number;
  readonly requestsPerS: number;
  readonly playbackRate: number;
  /** In the time since the sample before. */
  readonly droppedFrameCount: number;
  readonly stallCount: number;
}

/** What only grows while a pane lives. */
export interface StatsCounters {
  readonly requestCount: number;
  readonly byteCount: number;
  readonly droppedFrameCount: number;
  readonly stallCount: number;
}

export type StatsSeriesName = keyof StatsSample;

/** As a plot takes it: the same count of both; NaN where there was nothing to measure. */
export interface StatsSeries {
  /** Unix ms. */
  readonly timesMs: readonly number[];
  readonly values: readonly number[];
}

export const STATS_EVERY_MS = 500;
const STATS_KEPT_MS = 120_000;
const SAMPLES_MAX = STATS_KEPT_MS / STATS_EVERY_MS;
/** Rates are taken over this: long enough that a plan with one request a second reads as one. */
const RATE_WINDOW_MS = 5_000;

interface Counted extends StatsCounters {
  readonly atMs: number;
}

export class Stats {
  readonly #samples: { readonly atMs: number; readonly sample: StatsSample }[] = [];
  /** One from before the window and those within it. */
  readonly #counted: Counted[] = [];

  /** True when it is time for the next sample. */
  isDue(nowMs: number): boolean {
    const last = this.#samples.at(-1);
    return last === undefined || nowMs - last.atMs >= STATS_EVERY_MS || nowMs < last.atMs;
  }

  /** @param nowMs Unix ms. */
  add(
    nowMs: number,
    now: Pick<StatsSample, 'latencyMs' | 'skewMs' | 'bufferMs' | 'playbackRate'>,
    counters: StatsCounters,
  ): void {
    const before = this.#counted.at(-1);
    this.#counted.push({ atMs: nowMs, ...counters });
    while (this.#counted.length > 2 && nowMs - (this.#counted[1]?.atMs ?? nowMs) >= RATE_WINDOW_MS)
      this.#counted.shift();
    const rates = this.rates;
    this.#samples.push({
      atMs: nowMs,
      sample: {
        ...now,
        ...rates,
        // A new engine begins to count dropped frames anew.
        droppedFrameCount: Math.max(0, counters.droppedFrameCount - (before?.droppedFrameCount ?? 0)),
        stallCount: counters.stallCount - (before?.stallCount ?? 0),
      },
    });
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift();
  }

  /** Over the last seconds. */
  get rates(): Pick<StatsSample, 'bitrateBps' | 'requestsPerS'> {
    const first = this.#counted[0];
    const last = this.#counted.at(-1);
    if (!first || !last || last.atMs <= first.atMs) return { bitrateBps: 0, requestsPerS: 0 };
    const elapsedS = (last.atMs - first.atMs) / 1000;
    return {
      bitrateBps: (8 * (last.byteCount - first.byteCount)) / elapsedS,
      requestsPerS: (last.requestCount - first.requestCount) / elapsedS,
    };
  }

  series(name: StatsSeriesName): StatsSeries {
    return {
      timesMs: this.#samples.map(({ atMs }) => atMs),
      values: this.#samples.map(({ sample }) => sample[name] ?? Number.NaN),
    };
  }
}
