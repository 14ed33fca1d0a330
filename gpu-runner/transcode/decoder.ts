/**
 * One decoder of the feed: packets in, frames out, errors counted and survived. It is opened with the first
 * packet, because a feed's size stands in its parameter sets and MPEG-TS tells them nowhere else.
 */
import { AV_PIX_FMT_CUDA, AV_PKT_FLAG_CORRUPT, AVMEDIA_TYPE_VIDEO } from 'node-av/constants';
import { Codec, CodecContext, Frame, type Packet, Rational } from 'node-av/lib';
import type { SourceTrack } from '../media.ts';
import { openWithOptions, resultOf, textOf } from './codec-call.ts';
import { transcodeErrors } from './errors.ts';
import type { GpuDevice } from './hardware.ts';
import { hardwareDecoderOptions, type OptionTable, videoDecoderOptions } from './options.ts';

/** A decoder that gives more errors than this for one packet is asked again with the next one. */
const MAX_ERRORS_PER_PACKET = 32;

/** The decoder is emptied to the last frame this often, should it ever give more than it gets. */
const DRAIN_EVERY = 16;

export interface DecoderOptions {
  readonly track: SourceTrack;
  readonly firstPacket: Packet;
  /** Absent on the CPU path. What the GPU cannot decode (4:2:2) is decoded on the CPU all the same. */
  readonly device?: GpuDevice | undefined;
  readonly onError: () => void;
}

export class Decoder {
  readonly track: SourceTrack;
  readonly codecName: string;
  readonly #context: CodecContext;
  readonly #frame: Frame;
  readonly #onError: () => void;
  #packetCount = 0;
  #onlyKeyframes = false;

  private constructor(options: DecoderOptions, context: CodecContext, codecName: string) {
    this.track = options.track;
    this.codecName = codecName;
    this.#context = context;
    this.#onError = options.onError;
    this.#frame = new Frame();
    this.#frame.alloc();
  }

  /** @throws MirrorError `TRANSCODE_MISSING_CODEC` when nothing here decodes the feed's codec. */
  static async open(options: DecoderOptions): Promise<Decoder> {
    const { track } = options;
    const codec = Codec.findDecoder(track.codecParameters.codecId);
    if (!codec)
      throw transcodeErrors.create('MISSING_CODEC', `No decoder for codec ${track.codecParameters.codecId}.`);
    const context = new CodecContext();
    context.allocContext3(codec);
    context.pktTimebase = new Rational(track.timeBase.num, track.timeBase.den);
    const problem =
      copyParameters(track, context) ??
      (await openWithOptions(context, codec, await decoderOptions(options, codec, context)));
    if (problem) {
      context.freeContext();
      throw transcodeErrors.create('MISSING_CODEC', `${codec.name}: ${problem}`);
    }
    return new Decoder(options, context, codec.name ?? 'unknown');
  }

  /** The codec's profile as the decoder found it; -99 when it does not say. */
  get profile(): number {
    return this.#context.profile;
  }

  /** As the decoder gives it out: `cuda` while the picture is in GPU memory. */
  get pixelFormat() {
    return this.#context.pixelFormat;
  }

  /**
   * Decodes one packet. `onFrame` may take the frame's data (move it out) but not the frame itself, which is
   * used again.
   */
  async decode(packet: Packet, onFrame: (frame: Frame) => Promise<void>): Promise<void> {
    if (packet.hasFlags(AV_PKT_FLAG_CORRUPT)) this.#onError();
    this.#packetCount++;
    let sent = resultOf(await this.#send(packet));
    if (sent === 'again') {
      await this.#drain(onFrame);
      sent = resultOf(await this.#send(packet));
    }
    if (sent !== 'ok') this.#onError();
    await this.#drain(onFrame);
  }

  /** Pictures are decoded on another thread; sound takes less time than waking one. */
  #send(packet: Packet): number | Promise<number> {
    const isVideo = this.#context.codecType === AVMEDIA_TYPE_VIDEO;
    return isVideo ? this.#context.sendPacket(packet) : this.#context.sendPacketSync(packet);
  }

  /** After packets were left out: everything up to the next keyframe passes without being decoded. */
  resumeAtKeyframe(): void {
    this.#context.flushBuffers();
    this.#setOnlyKeyframes(true);
  }

  async #drain(onFrame: (frame: Frame) => Promise<void>): Promise<void> {
    for (let errorCount = 0; errorCount <= MAX_ERRORS_PER_PACKET; ) {
      // The work was done by the send; this takes what it left, in microseconds, where a thread would cost more.
      const received = resultOf(this.#context.receiveFrameSync(this.#frame));
      if (received === 'error') {
        errorCount++;
        this.#onError();
        continue;
      }
      if (received !== 'ok') return;
      if (this.#onlyKeyframes) this.#setOnlyKeyframes(false);
      if (this.#frame.decodeErrorFlags !== 0) this.#onError();
      await onFrame(this.#frame);
      this.#frame.unref();
      // Without reordering a packet is one frame; looking for a second costs a call, and what it frees.
      if (this.#context.hasBFrames === 0 && this.#packetCount % DRAIN_EVERY !== 0) return;
    }
  }

  #setOnlyKeyframes(only: boolean): void {
    this.#onlyKeyframes = only;
    this.#context.setOption('skip_frame', only ? 'nokey' : 'default');
  }

  free(): void {
    this.#frame.free();
    this.#context.freeContext();
  }
}

function copyParameters(track: SourceTrack, context: CodecContext): string | undefined {
  const code = context.parametersToContext(track.codecParameters);
  return code < 0 ? textOf(code) : undefined;
}

async function decoderOptions(
  options: DecoderOptions,
  codec: Codec,
  context: CodecContext,
): Promise<OptionTable> {
  if (options.track.codecParameters.codecType !== AVMEDIA_TYPE_VIDEO) return {};
  if (options.device) {
    context.hwDeviceCtx = options.device.context;
    context.setHardwarePixelFormat(AV_PIX_FMT_CUDA);
    return hardwareDecoderOptions();
  }
  return videoDecoderOptions(await pictureSizeOf(options, codec));
}

/**
 * MPEG-TS does not tell the size of the picture, and the number of threads must be chosen before the decoder
 * opens: the first picture is decoded once only to see how large it is.
 *
 * @returns zero by zero when it cannot be decoded alone.
 */
async function pictureSizeOf(
  options: DecoderOptions,
  codec: Codec,
): Promise<{ widthPx: number; heightPx: number }> {
  const { track, firstPacket } = options;
  const given = track.codecParameters;
  if (given.width > 0) return { widthPx: given.width, heightPx: given.height };
  using context = new CodecContext();
  using frame = new Frame();
  context.allocContext3(codec);
  frame.alloc();
  const unknown = { widthPx: 0, heightPx: 0 };
  if (copyParameters(track, context) ?? (await openWithOptions(context, codec, { threads: '1' })))
    return unknown;
  await context.sendPacket(firstPacket);
  // The end of the stream makes the decoder give out what it would hold back for reordering.
  await context.sendPacket(null);
  const received = resultOf(await context.receiveFrame(frame));
  return received === 'ok' ? { widthPx: frame.width, heightPx: frame.height } : unknown;
}
