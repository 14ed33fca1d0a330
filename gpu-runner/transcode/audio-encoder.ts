/** The AAC encoder: exactly one grid frame of samples in, finished access units out with their grid index. */

import {
  AV_CH_LAYOUT_STEREO,
  AV_CHANNEL_ORDER_NATIVE,
  AV_SAMPLE_FMT_FLTP,
  FF_ENCODER_AAC,
} from 'node-av/constants';
import { Codec, CodecContext, Frame, Packet, Rational } from 'node-av/lib';
import type { Profile } from '../../domain/profile.ts';
import { openWithOptions, resultOf, textOf } from './codec-call.ts';
import { transcodeErrors } from './errors.ts';
import { audioEncoderOptions } from './options.ts';

/** FFmpeg's native AAC-LC encoder: each access unit overlaps with the frame before (ISO 14496-3 §4.6.11). */
export interface EncodedSound {
  /** Grid index: the access unit decodes to the samples from `frameIndex * 1024` since EPOCH. */
  readonly frameIndex: number;
  readonly bytes: Uint8Array;
}

const STEREO = { nbChannels: 2, order: AV_CHANNEL_ORDER_NATIVE, mask: AV_CH_LAYOUT_STEREO };

export class AudioEncoder {
  readonly audioSpecificConfig: Uint8Array;
  readonly #context: CodecContext;
  readonly #packet: Packet;
  readonly #frame: Frame;
  readonly #sampleCount: number;
  /** Grid indexes of frames that went in and whose access unit did not come out yet: one or two. */
  readonly #fedIndexes: number[] = [];
  #previousIndex: number | undefined;

  private constructor(context: CodecContext, frame: Frame, profile: Profile) {
    this.#context = context;
    this.#frame = frame;
    this.#sampleCount = profile.audio.frameSampleCount;
    this.audioSpecificConfig = new Uint8Array(context.extraData ?? []);
    this.#packet = new Packet();
    this.#packet.alloc();
  }

  /** @throws MirrorError `TRANSCODE_MISSING_CODEC`, `TRANSCODE_ENCODER_FAILED` */
  static async open(profile: Profile): Promise<AudioEncoder> {
    const codec = Codec.findEncoderByName(FF_ENCODER_AAC);
    if (!codec) throw transcodeErrors.create('MISSING_CODEC', 'No encoder aac.');
    const { audio } = profile;
    const context = new CodecContext();
    context.allocContext3(codec);
    context.sampleRate = audio.sampleRateHz;
    context.sampleFormat = AV_SAMPLE_FMT_FLTP;
    context.channelLayout = STEREO;
    context.timeBase = new Rational(1, audio.sampleRateHz);
    const problem = await openWithOptions(context, codec, audioEncoderOptions(profile));
    if (problem) {
      context.freeContext();
      throw transcodeErrors.create('ENCODER_FAILED', `aac: ${problem}`);
    }
    return new AudioEncoder(context, newFrame(profile), profile);
  }

  /**
   * Encodes the samples of one grid frame: left then right, `frameSampleCount` floats each.
   *
   * @returns the access unit that this completes; none at first, while the encoder is primed.
   * @throws MirrorError `TRANSCODE_ENCODER_FAILED`
   */
  encode(planes: Float32Array, frameIndex: number): EncodedSound | undefined {
    const frame = this.#frame;
    const writable = frame.makeWritable();
    const copied =
      writable < 0
        ? writable
        : frame.fromBuffer(Buffer.from(planes.buffer, planes.byteOffset, planes.byteLength));
    if (copied < 0) throw transcodeErrors.create('ENCODER_FAILED', textOf(copied));
    frame.pts = BigInt(frameIndex) * BigInt(this.#sampleCount);
    // A third of a millisecond of work: less than it costs to wake another thread for it.
    const sent = this.#context.sendFrameSync(frame);
    if (sent < 0) throw transcodeErrors.create('ENCODER_FAILED', textOf(sent));
    this.#fedIndexes.push(frameIndex);
    // One frame in is one access unit out.
    if (resultOf(this.#context.receivePacketSync(this.#packet)) !== 'ok') return undefined;
    const unit = { frameIndex: this.#nextIndex(), bytes: new Uint8Array(this.#packet.data ?? []) };
    this.#packet.unref();
    return unit;
  }

  /** An access unit decodes to the samples that were fed one frame before its own; the first is priming. */
  #nextIndex(): number {
    const own = this.#fedIndexes.shift() ?? 0;
    const decodesTo = this.#previousIndex ?? own - 1;
    this.#previousIndex = own;
    return decodesTo;
  }

  free(): void {
    this.#packet.free();
    this.#frame.free();
    this.#context.freeContext();
  }
}

function newFrame(profile: Profile): Frame {
  const { sampleRateHz, frameSampleCount } = profile.audio;
  const frame = new Frame();
  frame.alloc();
  frame.nbSamples = frameSampleCount;
  frame.format = AV_SAMPLE_FMT_FLTP;
  frame.sampleRate = sampleRateHz;
  frame.channelLayout = STEREO;
  frame.getBuffer();
  return frame;
}
