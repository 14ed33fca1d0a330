/** Encodes the tone of a feed. */
import {
  AV_CHANNEL_LAYOUT_5POINT1,
  AV_CHANNEL_LAYOUT_MONO,
  AV_CHANNEL_LAYOUT_STEREO,
  AV_CODEC_FLAG_GLOBAL_HEADER,
  AV_SAMPLE_FMT_FLT,
  AV_SAMPLE_FMT_FLTP,
  AV_SAMPLE_FMT_S16,
  AVERROR_EAGAIN,
  type AVSampleFormat,
  FF_ENCODER_AAC,
  FF_ENCODER_AC3,
  FF_ENCODER_LIBOPUS,
  FF_ENCODER_MP2,
  type FFEncoderCodec,
} from 'node-av/constants';
import {
  Codec,
  CodecContext,
  CodecParameters,
  Dictionary,
  FFmpegError,
  Frame,
  Packet,
  Rational,
} from 'node-av/lib';
import { feedErrors } from './errors.ts';
import type { FeedOptions } from './options.ts';
import type { Tone } from './tone.ts';

export const SAMPLE_RATE_HZ = 48_000;

const CHOICES: Readonly<
  Record<
    Exclude<FeedOptions['audioCodec'], 'none'>,
    { encoder: FFEncoderCodec; sampleFormat: AVSampleFormat }
  >
> = {
  aac: { encoder: FF_ENCODER_AAC, sampleFormat: AV_SAMPLE_FMT_FLTP },
  ac3: { encoder: FF_ENCODER_AC3, sampleFormat: AV_SAMPLE_FMT_FLTP },
  mp2: { encoder: FF_ENCODER_MP2, sampleFormat: AV_SAMPLE_FMT_S16 },
  opus: { encoder: FF_ENCODER_LIBOPUS, sampleFormat: AV_SAMPLE_FMT_FLT },
};
/** No encoder here keeps more back; AAC keeps one. */
const MAX_LAG_FRAMES = 8;

const LAYOUTS = {
  1: AV_CHANNEL_LAYOUT_MONO,
  2: AV_CHANNEL_LAYOUT_STEREO,
  6: AV_CHANNEL_LAYOUT_5POINT1,
} as const;

export class AudioEncoder {
  readonly context: CodecContext;
  /** Samples per channel of one frame. */
  readonly frameSampleCount: number;
  private readonly frame: Frame;
  private readonly packet: Packet;
  private readonly mono: Float32Array;
  private readonly tone: Tone;
  private hasGivenPacket = false;
  private delaySampleCount: number;

  private constructor(context: CodecContext, tone: Tone) {
    this.context = context;
    this.tone = tone;
    this.frameSampleCount = context.frameSize;
    const parameters = new CodecParameters();
    parameters.alloc();
    parameters.fromContext(context);
    this.delaySampleCount = parameters.initialPadding;
    parameters.free();
    this.mono = new Float32Array(this.frameSampleCount);
    this.frame = new Frame();
    this.frame.alloc();
    this.frame.format = context.sampleFormat;
    this.frame.nbSamples = this.frameSampleCount;
    this.frame.sampleRate = SAMPLE_RATE_HZ;
    this.frame.channelLayout = context.channelLayout;
    FFmpegError.throwIfError(this.frame.getBuffer(0), 'allocate an audio frame');
    this.packet = new Packet();
    this.packet.alloc();
  }

  /**
   * @param globalHeader the codec's configuration goes to the extradata, for an SDP.
   * @returns undefined when the feed has no audio.
   * @throws MirrorError `FEED_CODEC`.
   */
  static async open(
    options: FeedOptions,
    tone: Tone,
    { globalHeader = false } = {},
  ): Promise<AudioEncoder | undefined> {
    if (options.audioCodec === 'none') return undefined;
    const choice = CHOICES[options.audioCodec];
    const codec = Codec.findEncoderByName(choice.encoder);
    if (!codec) throw feedErrors.create('CODEC', `There is no encoder ${choice.encoder}.`);
    const context = new CodecContext();
    context.allocContext3(codec);
    context.sampleRate = SAMPLE_RATE_HZ;
    context.sampleFormat = choice.sampleFormat;
    context.channelLayout = LAYOUTS[options.audioChannelCount];
    context.timeBase = new Rational(1, SAMPLE_RATE_HZ);
    context.bitRate = BigInt(options.audioBitrateBps);
    context.threadCount = 1;
    if (globalHeader) context.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER);
    const settings: Record<string, string> =
      options.audioCodec === 'aac'
        ? { aac_coder: 'fast' }
        : options.audioCodec === 'opus'
          ? { frame_duration: '20' }
          : {};
    const code = await context.open2(codec, Dictionary.fromObject(settings));
    if (code < 0) {
      context.freeContext();
      throw feedErrors.create('CODEC', `${choice.encoder}: ${FFmpegError.strerror(code)}.`);
    }
    return new AudioEncoder(context, tone);
  }

  /**
   * Encodes the frame that begins at `firstSample`.
   *
   * @param toneSample the same instant counted from the start of a second of the feed's clock.
   */
  async encode(
    firstSample: number,
    toneSample: number,
    onPacket: (packet: Packet) => Promise<void>,
  ): Promise<void> {
    this.frame.makeWritable();
    this.tone.read(toneSample, this.mono);
    this.fill();
    this.frame.pts = BigInt(firstSample);
    FFmpegError.throwIfError(await this.context.sendFrame(this.frame), 'encode audio');
    for (;;) {
      const code = await this.context.receivePacket(this.packet);
      if (code === AVERROR_EAGAIN || code < 0) break;
      this.hasGivenPacket = true;
      await onPacket(this.packet);
      this.packet.unref();
    }
    if (!this.hasGivenPacket) this.delaySampleCount += this.frameSampleCount;
  }

  /**
   * Feeds the encoder until each frame that goes in brings one packet out.
   *
   * @returns how many samples the first sample of a packet lies behind that of the frame given last: what the
   * encoder looks ahead and what it keeps back.
   */
  async warmUp(): Promise<number> {
    for (let frameIndex = -MAX_LAG_FRAMES; !this.hasGivenPacket && frameIndex < 0; frameIndex++) {
      const firstSample = frameIndex * this.frameSampleCount;
      await this.encode(firstSample, firstSample, async () => undefined);
    }
    return this.delaySampleCount;
  }

  close(): void {
    this.packet.free();
    this.frame.free();
    this.context.freeContext();
  }

  private fill(): void {
    const channelCount = this.context.channelLayout.nbChannels;
    const planes = this.frame.data ?? [];
    const count = this.frameSampleCount;
    if (this.context.sampleFormat === AV_SAMPLE_FMT_FLTP) {
      for (const plane of planes.slice(0, channelCount))
        new Float32Array(plane.buffer, plane.byteOffset, count).set(this.mono);
      return;
    }
    const plane = planes[0];
    if (!plane) return;
    const float = this.context.sampleFormat === AV_SAMPLE_FMT_FLT;
    const target = float
      ? new Float32Array(plane.buffer, plane.byteOffset, count * channelCount)
      : new Int16Array(plane.buffer, plane.byteOffset, count * channelCount);
    const full = float ? 1 : 32_767;
    for (let at = 0; at < target.length; at++)
      target[at] = (this.mono[Math.floor(at / channelCount)] ?? 0) * full;
  }
}
