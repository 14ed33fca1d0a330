/** From packets to the network: as MPEG-TS over SRT or RTP, or as elementary streams over RTP. */
import type { CodecContext, Packet } from 'node-av/lib';
import { Corruption } from './corruption.ts';
import type { FeedOptions } from './options.ts';
import { RtpOutput } from './rtp-output.ts';
import { type FeedSink, openRtpMpegts, openSrt } from './sinks.ts';
import { TsMuxer } from './ts-muxer.ts';

export interface FeedOutput {
  /** Describes the streams when they travel as elementary streams in RTP (RFC 8866). */
  readonly sdp?: string;
  /**
   * Sends one packet. `ptsTicks` counts 90 kHz.
   *
   * @returns how many bytes went out.
   * @throws MirrorError `FEED_SEND`.
   */
  write(streamIndex: number, packet: Packet, ptsTicks: number): Promise<number>;
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
  return new TsOutput(await TsMuxer.open(contexts, options), sink, new Corruption(options));
}

class TsOutput implements FeedOutput {
  private readonly muxer: TsMuxer;
  private readonly sink: FeedSink;
  private readonly corruption: Corruption;

  constructor(muxer: TsMuxer, sink: FeedSink, corruption: Corruption) {
    this.muxer = muxer;
    this.sink = sink;
    this.corruption = corruption;
  }

  async write(streamIndex: number, packet: Packet, ptsTicks: number): Promise<number> {
    const bytes = this.corruption.apply(await this.muxer.write(streamIndex, packet, ptsTicks));
    if (bytes.length > 0) await this.sink.write(bytes);
    return bytes.length;
  }

  async close(): Promise<void> {
    await this.muxer.close();
    await this.sink.close();
  }
}
