/**
 * Takes one feed after the other from the same port, for ever: waits, receives, waits again. What a sender
 * does wrong is said once, counted, and never ends the wait.
 */
import type { Log } from '../../domain/log.ts';
import type { Ingest } from '../../domain/stream.ts';
import type { Clock } from '../../domain/timeline.ts';
import type { SourceEvent } from '../media.ts';
import { FeedConnection, type FeedEnd } from './feed-connection.ts';
import { IngestCounters, type IngestCounterValues } from './ingest-counters.ts';
import { inputPlan } from './input-options.ts';
import { RepeatedLog } from './repeated-log.ts';
import { pause, retryDelayMs } from './retry.ts';

/** After a refused feed the port stays shut for this long, so that an encoder that insists costs nothing. */
export const REFUSED_PAUSE_MS = 500;

export interface FeedIngestOptions {
  readonly ingest: Ingest;
  readonly clock: Clock;
  readonly log: Log;
}

/** Receives events in order. While a promise that it returned is pending, nothing more is read. */
export type SourceSink = (event: SourceEvent) => void | Promise<void>;

export class FeedIngest {
  readonly #options: FeedIngestOptions;
  readonly #counters: IngestCounters;
  readonly #repeated: RepeatedLog;
  #failedTryCount = 0;

  constructor(options: FeedIngestOptions) {
    this.#options = options;
    this.#counters = new IngestCounters(options.clock);
    this.#repeated = new RepeatedLog(options.log, options.clock);
  }

  get counters(): IngestCounterValues {
    return this.#counters.values();
  }

  /**
   * Delivers events until the signal is aborted, which ends it within a second, whatever it waits for.
   *
   * @throws INGEST_BAD_SDP or INGEST_UNKNOWN_INPUT_FORMAT, which no sender can cause.
   */
  async run(signal: AbortSignal, sink: SourceSink): Promise<void> {
    const { ingest, clock, log } = this.#options;
    const plan = inputPlan(ingest);
    log.info('ingest-waiting', { protocol: ingest.protocol });
    while (!signal.aborted) {
      const connection = new FeedConnection({ plan, clock, log, counters: this.#counters, emit: sink });
      const end = await connection.run(signal);
      await this.#afterwards(end, signal);
    }
  }

  async #afterwards(end: FeedEnd, signal: AbortSignal): Promise<void> {
    if (end.kind !== 'not-opened') this.#failedTryCount = 0;
    switch (end.kind) {
      case 'aborted':
        return;
      case 'ended':
        this.#options.log.info('feed-ended', { reason: end.reason });
        return;
      case 'refused':
        this.#counters.rejectedConnectionCount += 1;
        this.#repeated.warn('feed-refused', '', { reason: end.reason, remedy: end.remedy });
        await pause(REFUSED_PAUSE_MS, signal);
        return;
      case 'not-opened': {
        this.#failedTryCount += 1;
        this.#repeated.warn('ingest-not-opened', '', { reason: end.reason });
        await pause(retryDelayMs(this.#failedTryCount), signal);
      }
    }
  }
}
