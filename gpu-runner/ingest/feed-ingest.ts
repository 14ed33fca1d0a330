/**
 * Takes one feed after the other from the same port, for ever: waits, receives, waits again. What a sender
 * does wrong is said once, counted, and never ends the wait.
 */
import type { Log } from '../../domain/log.ts';
import type { Ingest } from '../../domain/stream.ts';
import type { Clock } from '../../domain/timeline.ts';
import type { SourceEvent } from '../media.ts';
import { Complaints } from './complaints.ts';
import { FeedConnection, type FeedEnd } from './feed-connection.ts';
import { IngestCounters, type IngestCounterValues } from './ingest-counters.ts';
import { inputPlan } from './input-options.ts';
import { pause, retryDelayMs } from './retry.ts';
import { SrtDoor, type TurnedAway } from './srt-door.ts';

/** After a refused feed the port stays shut for this long, so that an encoder that insists costs nothing. */
export const REFUSED_PAUSE_MS = 500;

type SrtListener = Extract<Ingest, { protocol: 'srt-listener' }>;

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
  readonly #complaints: Complaints;
  #failedTryCount = 0;

  constructor(options: FeedIngestOptions) {
    this.#options = options;
    this.#counters = new IngestCounters(options.clock);
    this.#complaints = new Complaints(options.log, options.clock);
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
    const { ingest, log } = this.#options;
    log.info('ingest-waiting', { protocol: ingest.protocol });
    while (!signal.aborted) {
      if (ingest.protocol === 'srt-listener') await this.#listenOnce(ingest, signal, sink);
      else await this.#connectOnce(ingest, signal, sink);
    }
  }

  /** Waits at the door for a caller that may come in, then receives it. */
  async #listenOnce(ingest: SrtListener, signal: AbortSignal, sink: SourceSink): Promise<void> {
    const { host, port, passphrase, streamId } = ingest;
    const onTurnedAway = (peer: TurnedAway) => this.#turnAway(peer);
    const outcome = await new SrtDoor({ host, port, passphrase, streamId, onTurnedAway }).wait(signal);
    if (outcome.kind === 'aborted') return;
    if (outcome.kind === 'not-opened') return await this.#retry(outcome.reason, signal);
    await this.#connectOnce({ ...ingest, host: outcome.host }, signal, sink, outcome.remoteAddress);
  }

  async #connectOnce(
    ingest: Ingest,
    signal: AbortSignal,
    sink: SourceSink,
    remoteAddress?: string,
  ): Promise<void> {
    const { clock, log } = this.#options;
    const plan = inputPlan(ingest);
    const counters = this.#counters;
    const connection = new FeedConnection({ plan, clock, log, counters, emit: sink, remoteAddress });
    await this.#afterwards(await connection.run(signal), signal, remoteAddress);
  }

  async #afterwards(end: FeedEnd, signal: AbortSignal, remoteAddress = ''): Promise<void> {
    if (end.kind === 'not-opened') return await this.#retry(end.reason, signal);
    this.#failedTryCount = 0;
    if (end.kind === 'ended') this.#options.log.info('feed-ended', { reason: end.reason, remoteAddress });
    if (end.kind !== 'refused') return;
    this.#turnAway({ address: remoteAddress, port: 0, reason: end.reason, remedy: end.remedy });
    await pause(REFUSED_PAUSE_MS, signal);
  }

  #turnAway({ address, port, reason, remedy }: TurnedAway): void {
    if (this.#complaints.isNewAttempt(`${address}|${port}|${reason}`))
      this.#counters.rejectedConnectionCount += 1;
    this.#complaints.warn('feed-refused', address, { reason, remedy });
  }

  async #retry(reason: string, signal: AbortSignal): Promise<void> {
    this.#failedTryCount += 1;
    this.#complaints.warn('ingest-not-opened', '', { reason });
    await pause(retryDelayMs(this.#failedTryCount), signal);
  }
}
