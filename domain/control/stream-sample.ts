/**
 * An hour of a stream, in samples of ten seconds: what an operator looks at when a feed is ill. Made from the
 * runner's reports where they arrive, so that nobody has to ask for them.
 */
import * as z from 'zod';
import { type RunnerCounters, type RunnerStatus, STREAM_STATES } from '../stream.ts';

export const SAMPLE_LIMITS = {
  /** Samples end on the grid of this interval, so that two who saw the same reports make the same ones. */
  intervalMs: 10_000,
  /** One hour. */
  countMax: 360,
  /** A stream without reports for so long has no history left. */
  ttlMs: 3_660_000,
} as const;

/** Counters whose increase a sample tells, as the runner names them. */
export const SAMPLED_COUNTERS = [
  'continuityErrorCount',
  'decodeErrorCount',
  'repeatedFrameCount',
  'droppedFrameCount',
  'timestampJumpCount',
  'publishedPartCount',
  'gapCount',
  'storeErrorCount',
  'connectionCount',
  'rejectedConnectionCount',
] as const satisfies readonly (keyof RunnerCounters)[];
type SampledCounter = (typeof SAMPLED_COUNTERS)[number];

const countSchema = z.int().min(0);
/** Keys in the order of SAMPLED_COUNTERS. */
const increaseShape: Readonly<Record<SampledCounter, typeof countSchema>> = {
  continuityErrorCount: countSchema,
  decodeErrorCount: countSchema,
  repeatedFrameCount: countSchema,
  droppedFrameCount: countSchema,
  timestampJumpCount: countSchema,
  publishedPartCount: countSchema,
  gapCount: countSchema,
  storeErrorCount: countSchema,
  connectionCount: countSchema,
  rejectedConnectionCount: countSchema,
};

export const streamSampleSchema = z.object({
  /** End of the interval, Unix ms, a multiple of `SAMPLE_LIMITS.intervalMs`. */
  atMs: z.int(),
  /** At the end of the interval. */
  state: z.enum(STREAM_STATES),
  /** Mean of the reports. */
  ingestBitrateBps: z.number(),
  /** Worst of the reports. */
  partLatencyMs: z.number(),
  /** Increase of each counter within the interval. */
  ...increaseShape,
});
export type StreamSample = z.output<typeof streamSampleSchema>;

/** Makes samples of one runner's reports, which begin at its start with counters at zero. */
export class SampleCollector {
  #previous: RunnerCounters | undefined;
  #interval: IntervalInTheMaking | undefined;

  /** @returns the sample of the interval that ended before this report, if it was the first after it. */
  take(status: RunnerStatus): StreamSample | undefined {
    const { intervalMs } = SAMPLE_LIMITS;
    const atMs = (Math.floor(status.atMs / intervalMs) + 1) * intervalMs;
    const ended = this.#interval !== undefined && this.#interval.atMs < atMs ? this.#interval : undefined;
    if (ended || !this.#interval) this.#interval = new IntervalInTheMaking(atMs);
    this.#interval.add(status, this.#previous);
    this.#previous = status.counters;
    return ended?.sample();
  }
}

class IntervalInTheMaking {
  readonly atMs: number;
  readonly #increase = new Map<SampledCounter, number>();
  #state: RunnerStatus['state'] = 'waiting';
  #bitrateSumBps = 0;
  #reportCount = 0;
  #partLatencyMs = 0;

  constructor(atMs: number) {
    this.atMs = atMs;
  }

  add({ state, counters }: RunnerStatus, previous: RunnerCounters | undefined): void {
    this.#state = state;
    this.#bitrateSumBps += counters.ingestBitrateBps;
    this.#reportCount += 1;
    this.#partLatencyMs = Math.max(this.#partLatencyMs, counters.partLatencyMs);
    for (const name of SAMPLED_COUNTERS) {
      const before = previous?.[name] ?? 0;
      // A counter that went down began anew: its runner was started again.
      const increase = counters[name] >= before ? counters[name] - before : counters[name];
      this.#increase.set(name, (this.#increase.get(name) ?? 0) + increase);
    }
  }

  sample(): StreamSample {
    const of = (name: SampledCounter) => this.#increase.get(name) ?? 0;
    return {
      atMs: this.atMs,
      state: this.#state,
      ingestBitrateBps: Math.round(this.#bitrateSumBps / Math.max(1, this.#reportCount)),
      partLatencyMs: Math.round(this.#partLatencyMs * 10) / 10,
      continuityErrorCount: of('continuityErrorCount'),
      decodeErrorCount: of('decodeErrorCount'),
      repeatedFrameCount: of('repeatedFrameCount'),
      droppedFrameCount: of('droppedFrameCount'),
      timestampJumpCount: of('timestampJumpCount'),
      publishedPartCount: of('publishedPartCount'),
      gapCount: of('gapCount'),
      storeErrorCount: of('storeErrorCount'),
      connectionCount: of('connectionCount'),
      rejectedConnectionCount: of('rejectedConnectionCount'),
    };
  }
}
