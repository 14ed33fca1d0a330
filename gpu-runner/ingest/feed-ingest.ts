/**
 * Takes one feed after the other from the same port, for ever: waits, receives, waits again. What a sender
 * does wrong is said once, counted, and never ends the wait.
 */
import type { Log } from '../../domain/log.ts';
import { pause } from '../../domain/pause.ts';
import type { Ingest, RefusedFeed } from '../../domain/stream.ts';
import type { Clock } from '../../domain/timeline.ts';
import type { SourceEvent } from '../media.ts';
import { type Complaint, Complaints } from './complaints.ts';
import { FeedConnection, type FeedEnd } from './feed-connection.ts';
import { IngestCounters, type IngestCounterValues } from './ingest-counters.ts';
import { inputPlan } from './input-options.ts';
import { retryDelayMs } from './retry.ts';
import { waitAtRtpDoor } from './rtp-door.ts';
import { isMulticast, MPEG_TS_PAYLOAD_TYPE, videoOf } from './session-description.ts';
import { callProblem, resolveHost } from './srt-caller.ts';
import { SrtDoor } from './srt-door.ts';
import { portProblem, type TurnedAway, usableHost } from './udp-door.ts';

/** After a refused feed the port stays shut for this long, so that an encoder that insists costs nothing. */
export const REFUSED_PAUSE_MS = 500;

/** libsrt gives a port back a little after its connection is closed; until then nobody else is to blame. */
export const PORT_RELEASE_LIMIT_MS = 3_000;
const PORT_RELEASE_POLL_MS = 20;

export const RTP_QUIET_LIMIT_MS = 10_000;
const CALL_AGAIN_MS = 200;

type RtpIngest = Extract<Ingest, { protocol: 'rtp-mpegts' | 'rtp-sdp' }>;
type SrtCaller = Extract<Ingest, { protocol: 'srt-caller' }>;
type SrtListener = Extract<Ingest, { protocol: 'srt-listener' }>;

export interface FeedIngestOptions {
  readonly ingest: Ingest;
  readonly clock: Clock;
  readonly log: Log;
  /** How long an RTP port may stay without a feed before it is watched for what else comes. */
  readonly quietLimitMs?: number;
}

/** Receives events in order. While a promise that it returned is pending, nothing more is read. */
export type SourceSink = (event: SourceEvent) => void | Promise<void>;

export class FeedIngest {
  readonly #options: FeedIngestOptions;
  readonly #counters: IngestCounters;
  readonly #complaints: Complaints;
  #failedTryCount = 0;
  #takenCount = 0;
  /** Who was seen at the door of an RTP port. */
  #rtpSender: string | undefined;
  #lastEndMs = Number.NEGATIVE_INFINITY;
  #refusedFeed: RefusedFeed | undefined;

  constructor(options: FeedIngestOptions) {
    this.#options = options;
    this.#counters = new IngestCounters(options.clock);
    this.#complaints = new Complaints(options.log, options.clock);
  }

  get counters(): IngestCounterValues {
    return this.#counters.values();
  }

  /** The newest. */
  get refusedFeed(): RefusedFeed | undefined {
    return this.#refusedFeed;
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
      const end = await this.#takeOne(ingest, signal, sink);
      if (end !== undefined) await this.#retry(end, signal);
    }
  }

  /** @returns why nothing could be opened, or undefined when there is nothing to complain of. */
  async #takeOne(ingest: Ingest, signal: AbortSignal, sink: SourceSink): Promise<Complaint | undefined> {
    switch (ingest.protocol) {
      case 'srt-listener':
        return await this.#listen(ingest, signal, sink);
      case 'srt-caller':
        return await this.#call(ingest, signal, sink);
      default:
        return await this.#awaitRtp(ingest, signal, sink);
    }
  }

  /** Waits at the door for a caller that may come in, then receives it. */
  async #listen(ingest: SrtListener, signal: AbortSignal, sink: SourceSink): Promise<Complaint | undefined> {
    const { host, port, passphrase, streamId } = ingest;
    const onTurnedAway = (peer: TurnedAway) => this.#turnAway(peer);
    const outcome = await new SrtDoor({ host, port, passphrase, streamId, onTurnedAway }).wait(signal);
    if (outcome.kind === 'aborted') return undefined;
    if (outcome.kind === 'not-opened') {
      const sinceEndMs = this.#options.clock.nowMs() - this.#lastEndMs;
      if (!outcome.portInUse || sinceEndMs >= PORT_RELEASE_LIMIT_MS) return outcome;
      await pause(PORT_RELEASE_POLL_MS, signal);
      return undefined;
    }
    const { remoteAddress } = outcome;
    const end = await this.#receive({ ...ingest, host: outcome.host }, signal, sink, remoteAddress);
    if (end.kind === 'not-opened')
      this.#turnAway({ address: remoteAddress, port: this.#takenCount, ...HANDSHAKE_LEFT });
    return undefined;
  }

  /**
   * FFmpeg waits first, so that it has the very first packet of a sender that starts, a keyframe most often.
   * Where none comes for a while, the port is watched for what does come.
   */
  async #awaitRtp(ingest: RtpIngest, signal: AbortSignal, sink: SourceSink): Promise<Complaint | undefined> {
    const usable = 'host' in ingest ? { ...ingest, host: await usableHost(ingest.host) } : ingest;
    const end = await this.#receive(usable, signal, sink, this.#rtpSender);
    this.#rtpSender = undefined;
    const place = rtpPortOf(usable);
    if (end.kind === 'not-opened')
      return (await portProblem(place.host, place.port)) ?? { reason: end.reason, remedy: SEE_SDP };
    if (end.kind !== 'quiet') return undefined;
    const onTurnedAway = (peer: TurnedAway) => this.#turnAway(peer);
    const { allowedSources } = ingest;
    const door = { ...place, allowedSources, onTurnedAway };
    const outcome = await waitAtRtpDoor(door, signal);
    if (outcome.kind === 'caller') this.#rtpSender = outcome.remoteAddress;
    return outcome.kind === 'not-opened' ? outcome : undefined;
  }

  async #call(ingest: SrtCaller, signal: AbortSignal, sink: SourceSink): Promise<Complaint | undefined> {
    const { host, port } = ingest;
    const resolved = await resolveHost(host);
    if (resolved.kind === 'unresolved') return resolved;
    const end = await this.#receive({ ...ingest, host: resolved.address }, signal, sink, resolved.address);
    if (end.kind === 'not-opened') return callProblem(host, port, end.afterMs);
    // A sender that takes every call and hangs up would be called as fast as it can.
    await pause(CALL_AGAIN_MS, signal);
    return undefined;
  }

  async #receive(
    ingest: Ingest,
    signal: AbortSignal,
    sink: SourceSink,
    remoteAddress?: string,
  ): Promise<FeedEnd> {
    const { clock, log } = this.#options;
    const plan = inputPlan(ingest);
    const counters = this.#counters;
    const quietLimitMs = this.#quietLimitMs(ingest);
    const connection = new FeedConnection({
      plan,
      clock,
      log,
      counters,
      emit: sink,
      remoteAddress,
      quietLimitMs,
    });
    this.#takenCount += 1;
    const end = await connection.run(signal);
    this.#lastEndMs = clock.nowMs();
    if (end.kind !== 'not-opened') this.#failedTryCount = 0;
    if (end.kind === 'ended') log.info('feed-ended', { reason: end.reason, remoteAddress });
    if (end.kind === 'refused') {
      // An SRT connection is one attempt; what comes on an RTP port is one until it pauses.
      const port = remoteAddress === undefined ? 0 : this.#takenCount;
      this.#turnAway({ address: remoteAddress ?? '', port, reason: end.reason, remedy: end.remedy });
      await pause(REFUSED_PAUSE_MS, signal);
    }
    return end;
  }

  /** A group is left to FFmpeg, which joins it; the door would not hear it. */
  #quietLimitMs(ingest: Ingest): number | undefined {
    const { quietLimitMs = RTP_QUIET_LIMIT_MS } = this.#options;
    if (ingest.protocol === 'rtp-mpegts') return isMulticast(ingest.host) ? undefined : quietLimitMs;
    return ingest.protocol === 'rtp-sdp' && !isMulticast(ingest.sdp) ? quietLimitMs : undefined;
  }

  /** `port` tells two attempts of one address apart; any number that does so will do. */
  #turnAway({ address, port, reason, remedy }: TurnedAway): void {
    if (this.#complaints.isNewAttempt(`${address}|${port}|${reason}`))
      this.#counters.rejectedConnectionCount += 1;
    this.#refusedFeed = { atMs: Math.round(this.#options.clock.nowMs()), reason, remedy };
    this.#complaints.warn('feed-refused', address, { reason, remedy });
  }

  async #retry(complaint: Complaint, signal: AbortSignal): Promise<void> {
    this.#failedTryCount += 1;
    this.#complaints.warn('ingest-not-opened', '', complaint);
    await pause(retryDelayMs(this.#failedTryCount), signal);
  }
}

/** The port that the video comes to, on any address where an SDP names the sender's. */
function rtpPortOf(ingest: RtpIngest): { host: string; port: number; payloadType: number } {
  if (ingest.protocol === 'rtp-mpegts')
    return { host: ingest.host, port: ingest.port, payloadType: MPEG_TS_PAYLOAD_TYPE };
  const { port = 0, payloadType = MPEG_TS_PAYLOAD_TYPE } = videoOf(ingest.sdp) ?? {};
  return { host: '::', port, payloadType };
}

const SEE_SDP = "See that the port is free and that the SDP's addresses and ports are this machine's.";

const HANDSHAKE_LEFT: Complaint = {
  reason: 'the sender began an SRT handshake and did not finish it',
  remedy: 'See that UDP passes both ways between the encoder and this port.',
};
