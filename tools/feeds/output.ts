/** From packets to the network: as MPEG-TS over SRT or RTP, or as elementary streams over RTP. */
import type { CodecContext, Packet } from 'node-av/lib';
import { Corruption } from './corruption.ts';
import type { FeedOptions } from './options.ts';
import { RtpOutput } from './rtp-output.ts';
import { type FeedSink, openRtpMpegts, openSrt } from './sinks.ts';
import { TsMuxer } from './ts-muxer.ts';
import { TsRetimer } from './ts-retimer.ts';

export interface FeedOutput {
  /** Describes the streams when they travel as elementary streams in RTP (RFC 8866). */
  readonly sdp?: string;
  /**
   * Sends one packet. `ptsTicks` counts 90 kHz.
   *
   * @param repeated the packet of a loop of which this one is a copy.
   * @returns how many bytes went out.
   * @throws MirrorError `FEED_SEND`.
   */
  write(streamIndex: number, packet: Packet, ptsTicks: number, repeated?: Packet): Promise<number>;
  close(): Promise<void>;
}

/** Elementary streams carry no parameter sets of their own accord: the SDP has them. */
export function needsGlobalHeader(options: FeedOptions): boolean {
  return options.to.startsWith('rtp+sdp:');
}

/**
 * @param contexts open encoders: video, then audio if there is any.
 * @throws MirrorError `FEED_CONNECT`.
 */
export async function openOutput(
  options: FeedOptions,
  contexts: readonly CodecContext[],
  signal: AbortSignal,
): Promise<FeedOutput> {
  if (options.to.startsWith('rtp+sdp:')) return RtpOutput.open(options, contexts);
  const sink = options.to.startsWith('srt:')
    ? await openSrt(options.to, { connectTimeoutMs: options.connectTimeoutMs, signal })
    : await openRtpMpegts(options.to);
  return new TsOutput(await TsMuxer.open(contexts, options), sink, options);
}

/** A packet of a loop as it was when it was sent first. */
interface Muxed {
  readonly bytes: Buffer;
  readonly ptsTicks: number;
}

class TsOutput implements FeedOutput {
  private readonly muxer: TsMuxer;
  private readonly sink: FeedSink;
  private readonly corruption: Corruption;
  private readonly retimer = new TsRetimer();
  private readonly muxed = new Map<Packet, Muxed>();
  /** Sound in bursts is in no bytes of its own. */
  private readonly keeps: boolean;

  constructor(muxer: TsMuxer, sink: FeedSink, options: FeedOptions) {
    this.muxer = muxer;
    this.sink = sink;
    this.corruption = new Corruption(options);
    this.keeps = !options.audioBursts;
  }

  async write(streamIndex: number, packet: Packet, ptsTicks: number, repeated?: Packet): Promise<number> {
    const known = repeated && this.muxed.get(repeated);
    const { bytes, ptsTicks: atTicks } = known ?? (await this.mux(streamIndex, packet, ptsTicks));
    if (repeated && !known && this.keeps) this.muxed.set(repeated, { bytes, ptsTicks });
    const sent = this.corruption.apply(this.retimer.retime(bytes, ptsTicks - atTicks));
    if (sent.length > 0) await this.sink.write(sent);
    return sent.length;
  }

  async close(): Promise<void> {
    await this.muxer.close();
    await this.sink.close();
  }

  private async mux(streamIndex: number, packet: Packet, ptsTicks: number): Promise<Muxed> {
    return { bytes: await this.muxer.write(streamIndex, packet, ptsTicks), ptsTicks };
  }
}
