/**
 * One connection, from the opening of the port to its end: opens FFmpeg's input, reads it, notices silence,
 * and closes it. A new connection is a new object.
 */
import { AV_PKT_FLAG_CORRUPT, AVERROR_EIO, AVERROR_EOF, AVFMT_FLAG_NOPARSE } from 'node-av/constants';
import { Dictionary, FFmpegError, FormatContext, InputFormat, type Packet } from 'node-av/lib';
import type { Log } from '../../domain/log.ts';
import type { Clock } from '../../domain/timeline.ts';
import type { SourceEvent } from '../media.ts';
import { ingestErrors } from './errors.ts';
import { FeedTracks } from './feed-tracks.ts';
import type { IngestCounters } from './ingest-counters.ts';
import { type InputPlan, SRT_CONNECT_LIMIT_MS } from './input-options.ts';
import { newPacket } from './pes-pieces.ts';

/** A sender is taken for dead when nothing came for this long. */
export const SILENCE_LIMIT_MS = 1_500;

/** Bytes come, but no program map that is taken among them, for this long: not a feed for us. */
export const PROGRAM_MAP_LIMIT_MS = 3_000;

/** A second program of the same feed may hold what the first does not: the refusal waits this long. */
export const REFUSAL_DELAY_MS = 500;

const CHECK_INTERVAL_MS = 50;

/** How a connection ended. */
export type FeedEnd =
  | { readonly kind: 'aborted'; readonly reason: string }
  /** The port could not be opened, or the other side not reached. */
  | { readonly kind: 'not-opened'; readonly reason: string; readonly afterMs: number }
  /** Something came, and it is not a feed that is taken. */
  | { readonly kind: 'refused'; readonly reason: string; readonly remedy: string }
  | { readonly kind: 'ended'; readonly reason: string }
  /** An RTP port stayed quiet, or what came there was dropped by FFmpeg. */
  | { readonly kind: 'quiet'; readonly reason: string };

const NO_PROGRAM_MAP: FeedEnd = {
  kind: 'refused',
  reason: 'what came is not MPEG-TS, or has no program map',
  remedy: 'Set the encoder to send MPEG-TS (mpegts), with PAT and PMT at least twice a second.',
};

export interface FeedConnectionOptions {
  /** How long an RTP input waits for its feed; for ever when absent. */
  readonly quietLimitMs?: number | undefined;
  readonly plan: InputPlan;
  readonly clock: Clock;
  readonly log: Log;
  readonly counters: IngestCounters;
  readonly emit: (event: SourceEvent) => void | Promise<void>;
  readonly remoteAddress?: string | undefined;
}

/** Longest time from the call of FFmpeg to an open SRT input: the connection, then the program map. */
const SRT_OPEN_LIMIT_MS = SRT_CONNECT_LIMIT_MS + PROGRAM_MAP_LIMIT_MS;

export class FeedConnection {
  readonly #options: FeedConnectionOptions;
  readonly #context = new FormatContext();
  readonly #tracks: FeedTracks;
  #streamCount = 0;
  #startedAtMs: number | undefined;
  #openedAtMs: number | undefined;
  #firstPacketMs: number | undefined;
  #lastArrivalMs = 0;
  #byteCount = 0n;
  /** Set before an interrupt: why this side ended the connection. */
  #ownEnd: FeedEnd | undefined;

  constructor(options: FeedConnectionOptions) {
    this.#options = options;
    this.#tracks = new FeedTracks({
      emit: options.emit,
      log: options.log,
      isMpegTs: options.plan.parsesOutside,
      remoteAddress: options.remoteAddress,
      onUnaligned: () => this.#parse(),
    });
  }

  /** Opens, receives until the end, closes. Throws only for a broken installation. */
  async run(signal: AbortSignal): Promise<FeedEnd> {
    const onAbort = () => this.#endWith({ kind: 'aborted', reason: 'the ingest was stopped' });
    const checks = setInterval(() => this.#check(), CHECK_INTERVAL_MS);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      const end = (await this.#open()) ?? (await this.#receive());
      await this.#tracks.leave(end.reason);
      return end;
    } finally {
      clearInterval(checks);
      signal.removeEventListener('abort', onAbort);
      await this.#context.closeInput();
    }
  }

  /** @returns undefined when the input is open. */
  async #open(): Promise<FeedEnd | undefined> {
    const { plan, clock } = this.#options;
    const format = InputFormat.findInputFormat(plan.formatName);
    if (format === null) throw ingestErrors.create('UNKNOWN_INPUT_FORMAT', `Missing: ${plan.formatName}.`);
    this.#context.allocContext();
    if (this.#ownEnd !== undefined) return this.#ownEnd;
    this.#startedAtMs = clock.nowMs();
    using dictionary = Dictionary.fromObject(plan.options);
    const code = await this.#context.openInput(plan.url, format, dictionary);
    if (this.#ownEnd !== undefined) return this.#ownEnd;
    if (code < 0) {
      const afterMs = clock.nowMs() - this.#startedAtMs;
      return { kind: 'not-opened', reason: new FFmpegError(code).message, afterMs };
    }
    this.#openedAtMs = clock.nowMs();
    this.#lastArrivalMs = this.#openedAtMs;
    this.#noticeStreams();
    return undefined;
  }

  async #receive(): Promise<FeedEnd> {
    const { clock } = this.#options;
    let packet = newPacket();
    try {
      for (;;) {
        const code = await this.#context.readFrame(packet);
        const arrivalMs = clock.nowMs();
        if (this.#ownEnd !== undefined) return this.#ownEnd;
        if (code < 0) return this.#endOf(code);
        this.#lastArrivalMs = arrivalMs;
        this.#firstPacketMs ??= arrivalMs;
        this.#count(packet);
        if (!this.#tracks.announced || this.#context.nbStreams !== this.#streamCount) this.#noticeStreams();
        const wasAnnounced = this.#tracks.announced;
        const taken = await this.#tracks.deliver(packet, arrivalMs);
        if (!wasAnnounced && this.#tracks.announced) this.#options.counters.connectionCount += 1;
        if (taken) packet = newPacket();
        else packet.unref();
      }
    } finally {
      packet.free();
    }
  }

  #count(packet: Packet): void {
    const { counters } = this.#options;
    if (packet.hasFlags(AV_PKT_FLAG_CORRUPT)) counters.continuityErrorCount += 1;
    // An RTP input has no byte stream beneath it that could be asked.
    if (this.#options.plan.formatName === 'sdp') counters.addBytes(packet.size);
  }

  #noticeStreams(): void {
    const { streams } = this.#context;
    this.#streamCount = streams.length;
    // Joined in mid-stream, FFmpeg guesses at streams until the program map comes; guesses are not looked at.
    const isMapped = !this.#options.plan.parsesOutside || this.#context.nbPrograms > 0;
    if (isMapped) this.#tracks.noticeStreams(streams);
  }

  /** Runs beside the blocking read, which tells nothing while nothing comes. */
  #check(): void {
    if (this.#ownEnd !== undefined) {
      // Repeated, because an interrupt that comes before the blocking call begins is not kept.
      this.#context.interrupt();
      return;
    }
    const nowMs = this.#options.clock.nowMs();
    if (this.#openedAtMs === undefined) {
      this.#limitOpening(nowMs);
      return;
    }
    this.#noticeBytes(nowMs);
    const isRtp = this.#options.plan.formatName === 'sdp';
    // Nobody connects in RTP: until a feed is there, silence is what it waits in.
    const mayBeSilent = isRtp && !this.#tracks.announced;
    if (nowMs - this.#lastArrivalMs >= SILENCE_LIMIT_MS && !mayBeSilent)
      this.#endWith({ kind: 'ended', reason: `nothing came from the sender for ${SILENCE_LIMIT_MS} ms` });
    const { quietLimitMs = Number.POSITIVE_INFINITY } = this.#options;
    if (mayBeSilent && nowMs - this.#lastArrivalMs >= quietLimitMs)
      this.#endWith({ kind: 'quiet', reason: 'no feed came' });
    const { choice } = this.#tracks;
    // Over SRT there is a sender as soon as the input is open, over RTP with its first packet.
    const feedForMs = nowMs - ((isRtp ? this.#firstPacketMs : this.#openedAtMs) ?? nowMs);
    if (choice.kind === 'refused' && feedForMs >= REFUSAL_DELAY_MS)
      this.#endWith({ kind: 'refused', reason: choice.reason, remedy: choice.remedy });
    if (choice.kind === 'none-yet' && feedForMs >= PROGRAM_MAP_LIMIT_MS) this.#endWith(NO_PROGRAM_MAP);
  }

  /** FFmpeg reads on for a program map as long as anything else comes. */
  #limitOpening(nowMs: number): void {
    if (this.#startedAtMs === undefined || this.#options.plan.formatName === 'sdp') return;
    if (nowMs - this.#startedAtMs >= SRT_OPEN_LIMIT_MS) this.#endWith(NO_PROGRAM_MAP);
  }

  #noticeBytes(nowMs: number): void {
    if (this.#options.plan.formatName === 'sdp') return;
    const byteCount = this.#context.pbBytes;
    if (byteCount <= this.#byteCount) return;
    this.#options.counters.addBytes(Number(byteCount - this.#byteCount));
    this.#byteCount = byteCount;
    this.#lastArrivalMs = nowMs;
  }

  /** From the next packet on FFmpeg cuts and joins pictures itself, which costs one picture of delay. */
  #parse(): void {
    this.#context.clearFlags(AVFMT_FLAG_NOPARSE);
    this.#options.log.info('feed-unaligned', {
      reason: 'its pictures do not begin with its PES packets, so each waits for the next one',
      remedy: 'To save one frame of delay, let the encoder send one picture in each PES packet.',
    });
  }

  #endWith(end: FeedEnd): void {
    this.#ownEnd ??= end;
    this.#context.interrupt();
  }

  #endOf(code: number): FeedEnd {
    // libsrt reports a connection that its sender closed as an I/O error.
    if (code === AVERROR_EOF || code === AVERROR_EIO)
      return { kind: 'ended', reason: 'the sender closed the connection' };
    if (this.#tracks.choice.kind === 'none-yet') return NO_PROGRAM_MAP;
    return { kind: 'ended', reason: `reading failed: ${new FFmpegError(code).message}` };
  }
}
