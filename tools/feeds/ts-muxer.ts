/** Packets to MPEG-TS bytes, each access unit complete as soon as it was written. */
import { AV_CODEC_ID_NONE } from 'node-av/constants';
import {
  type CodecContext,
  Dictionary,
  FFmpegError,
  FormatContext,
  IOContext,
  type Packet,
  type Stream,
} from 'node-av/lib';

/** MPEG-TS timestamps count 90 kHz (ISO 13818-1 §2.4.3.7). */
export const TS_CLOCK_HZ = 90_000;
const IO_BUFFER_BYTES = 64 * 1024;

export class TsMuxer {
  private readonly format: FormatContext;
  private readonly io: IOContext;
  private readonly streams: readonly Stream[];
  private readonly chunks: Buffer[];

  private constructor(format: FormatContext, io: IOContext, streams: readonly Stream[], chunks: Buffer[]) {
    this.format = format;
    this.io = io;
    this.streams = streams;
    this.chunks = chunks;
  }

  /** @param contexts open encoders; their order is that of the stream indices. */
  static async open(
    contexts: readonly CodecContext[],
    { audioBursts }: { audioBursts: boolean },
  ): Promise<TsMuxer> {
    const format = new FormatContext();
    FFmpegError.throwIfError(format.allocOutputContext2(null, 'mpegts', null), 'make an MPEG-TS muxer');
    const chunks: Buffer[] = [];
    const io = new IOContext();
    io.allocContextWithCallbacks(IO_BUFFER_BYTES, 1, null, (bytes) => {
      chunks.push(Buffer.from(bytes));
      return bytes.length;
    });
    format.pb = io;
    const streams = contexts.map((context) => {
      const stream = format.newStream();
      stream.codecpar.fromContext(context);
      if (stream.codecpar.codecId === AV_CODEC_ID_NONE) throw new Error('an encoder without a codec id');
      stream.timeBase = context.timeBase;
      return stream;
    });
    // Each access unit leaves the muxer by itself: one call instead of two.
    const options: Record<string, string> = {
      flush_packets: '1',
      mpegts_copyts: '1',
      pat_period: '0.2',
      pcr_period: '20',
    };
    if (!audioBursts) options.pes_payload_size = '0';
    FFmpegError.throwIfError(await format.writeHeader(Dictionary.fromObject(options)), 'start MPEG-TS');
    return new TsMuxer(format, io, streams, chunks);
  }

  /** Writes one packet with its presentation time in 90 kHz ticks and returns the bytes that it became. */
  async write(streamIndex: number, packet: Packet, ptsTicks: number): Promise<Buffer> {
    const stream = this.streams[streamIndex];
    if (!stream) throw new Error(`no stream ${streamIndex}`);
    packet.streamIndex = streamIndex;
    packet.pts = BigInt(ptsTicks);
    packet.dts = BigInt(ptsTicks);
    FFmpegError.throwIfError(await this.format.writeFrame(packet), 'write MPEG-TS');
    return Buffer.concat(this.chunks.splice(0));
  }

  /** What the muxer still holds (audio of an unfinished burst). */
  async close(): Promise<Buffer> {
    await this.format.writeTrailer();
    await this.io.flush();
    this.format.pb = null;
    this.format.freeContext();
    this.io.freeContext();
    return Buffer.concat(this.chunks.splice(0));
  }
}
