/** Elementary streams in RTP, one port each: HEVC (RFC 7798), H.264 (RFC 6184), AAC (RFC 3640), Opus (RFC 7587). */
import {
  avSdpCreate,
  type CodecContext,
  Dictionary,
  FFmpegError,
  FormatContext,
  type Packet,
  type Stream,
} from 'node-av/lib';
import { feedErrors } from './errors.ts';
import type { FeedOptions } from './options.ts';
import type { FeedOutput } from './output.ts';
import { TS_CLOCK_HZ } from './ts-muxer.ts';

/** RTP takes an even port and RTCP the odd one above it (RFC 3550 §11). */
const PORTS_PER_STREAM = 2;
const PACKET_BYTES = 1_400;

export class RtpOutput implements FeedOutput {
  readonly sdp: string;
  private readonly muxers: readonly { readonly format: FormatContext; readonly stream: Stream }[];

  private constructor(muxers: RtpOutput['muxers'], sdp: string) {
    this.muxers = muxers;
    this.sdp = sdp;
  }

  static async open(options: FeedOptions, contexts: readonly CodecContext[]): Promise<RtpOutput> {
    const { hostname, port, searchParams } = new URL(options.to.replace('rtp+sdp:', 'http:'));
    const secondPort = Number(searchParams.get('second') ?? Number(port) + PORTS_PER_STREAM);
    const muxers = [];
    for (const [index, context] of contexts.entries()) {
      const url = `rtp://${hostname}:${index === 0 ? port : secondPort}?pkt_size=${PACKET_BYTES}`;
      const format = new FormatContext();
      FFmpegError.throwIfError(format.allocOutputContext2(null, 'rtp', url), 'make an RTP sender');
      const stream = format.newStream();
      stream.codecpar.fromContext(context);
      stream.timeBase = context.timeBase;
      FFmpegError.throwIfError(await format.openOutput(), `open ${url}`);
      const code = await format.writeHeader(Dictionary.fromObject({}));
      if (code < 0) throw feedErrors.create('CODEC', `RTP cannot carry it: ${FFmpegError.strerror(code)}.`);
      muxers.push({ format, stream });
    }
    const sdp = avSdpCreate(muxers.map(({ format }) => format));
    if (!sdp) throw feedErrors.create('CODEC', 'No SDP can be written for it.');
    return new RtpOutput(muxers, sdp);
  }

  async write(streamIndex: number, packet: Packet, ptsTicks: number): Promise<number> {
    const muxer = this.muxers[streamIndex];
    if (!muxer) throw new Error(`no stream ${streamIndex}`);
    const byteCount = packet.size;
    const { num, den } = muxer.stream.timeBase;
    const ticks = Math.round((ptsTicks * den) / (num * TS_CLOCK_HZ));
    packet.streamIndex = 0;
    packet.pts = BigInt(ticks);
    packet.dts = BigInt(ticks);
    const code = await muxer.format.writeFrame(packet);
    if (code < 0) throw feedErrors.create('SEND', `${FFmpegError.strerror(code)}.`);
    return byteCount;
  }

  async close(): Promise<void> {
    for (const { format } of this.muxers) {
      await format.writeTrailer();
      await format.closeOutput();
      format.freeContext();
    }
  }
}
