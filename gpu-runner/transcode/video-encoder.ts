/** The H.264 encoder: pictures in at the rendition's size, one access unit out for each, at once. */

import {
  AV_PICTURE_TYPE_I,
  AV_PICTURE_TYPE_NONE,
  AV_PIX_FMT_CUDA,
  AV_PIX_FMT_YUV420P,
  AVCOL_PRI_BT709,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_BT709,
  AVCOL_TRC_BT709,
} from 'node-av/constants';
import { Codec, CodecContext, Frame, Packet, Rational } from 'node-av/lib';
import type { Profile } from '../../domain/profile.ts';
import { openWithOptions, resultOf, textOf } from './codec-call.ts';
import { transcodeErrors } from './errors.ts';
import { type GpuDevice, type HardwareChoice, newGpuPool } from './hardware.ts';
import { type HardwareKind, slotsPerSegment, videoEncoderName, videoEncoderOptions } from './options.ts';

export interface EncodedPicture {
  readonly slot: number;
  readonly keyframe: boolean;
  readonly bytes: Uint8Array;
}

export class VideoEncoder {
  readonly extradata: Uint8Array;
  readonly #context: CodecContext;
  readonly #packet: Packet;
  readonly #slotsPerSegment: number;
  readonly #waits: boolean;

  private constructor(context: CodecContext, profile: Profile, hardware: HardwareKind) {
    this.#context = context;
    this.#waits = hardware !== 'cpu';
    this.#slotsPerSegment = slotsPerSegment(profile);
    this.extradata = new Uint8Array(context.extraData ?? []);
    this.#packet = new Packet();
    this.#packet.alloc();
  }

  /** @throws MirrorError `TRANSCODE_MISSING_CODEC`, `TRANSCODE_ENCODER_FAILED` */
  static async open(hardware: HardwareChoice, profile: Profile): Promise<VideoEncoder> {
    const name = videoEncoderName(hardware.kind);
    const codec = Codec.findEncoderByName(name);
    if (!codec) throw transcodeErrors.create('MISSING_CODEC', `No encoder ${name}.`);
    const context = new CodecContext();
    context.allocContext3(codec);
    describePictures(context, profile);
    if (hardware.kind === 'nvidia') {
      context.pixelFormat = AV_PIX_FMT_CUDA;
      context.hwFramesCtx = newGpuPool(hardware.device, profile.video);
    }
    const problem = await openWithOptions(context, codec, videoEncoderOptions(hardware.kind, profile));
    if (problem) {
      context.freeContext();
      throw transcodeErrors.create('ENCODER_FAILED', `${name}: ${problem}`);
    }
    return new VideoEncoder(context, profile, hardware.kind);
  }

  /** Encodes one picture on the GPU. @throws when this GPU or its driver has no encoder for us. */
  static async tryOut(device: GpuDevice, profile: Profile): Promise<void> {
    const encoder = await VideoEncoder.open({ kind: 'nvidia', device }, profile);
    using pool = newGpuPool(device, profile.video);
    using picture = new Frame();
    picture.alloc();
    try {
      const code = pool.getBuffer(picture);
      if (code < 0) throw transcodeErrors.create('ENCODER_FAILED', textOf(code));
      await encoder.encode(picture, 0);
    } finally {
      encoder.free();
    }
  }

  /**
   * Encodes the picture for one slot. The first slot of a segment becomes an IDR picture.
   *
   * @throws MirrorError `TRANSCODE_ENCODER_FAILED`
   */
  async encode(picture: Frame, slot: number): Promise<EncodedPicture> {
    const keyframe = slot % this.#slotsPerSegment === 0;
    picture.pts = BigInt(slot);
    picture.pictType = keyframe ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    // x264 works 3 ms on a picture of a rendition, wherever; a thread of its own and the way there and back would
    // add 0.2 ms. A GPU may let its caller wait.
    const sent = this.#waits ? await this.#context.sendFrame(picture) : this.#context.sendFrameSync(picture);
    if (sent < 0) throw transcodeErrors.create('ENCODER_FAILED', textOf(sent));
    // The picture was encoded by the send; this only hands it over.
    const received = this.#context.receivePacketSync(this.#packet);
    if (resultOf(received) !== 'ok')
      throw transcodeErrors.create('ENCODER_FAILED', `No access unit for a picture: ${textOf(received)}`);
    const bytes = new Uint8Array(this.#packet.data ?? []);
    const encoded = { slot: Number(this.#packet.pts), keyframe: this.#packet.isKeyframe, bytes };
    this.#packet.unref();
    return encoded;
  }

  free(): void {
    this.#packet.free();
    this.#context.freeContext();
  }
}

function describePictures(context: CodecContext, profile: Profile): void {
  const { video } = profile;
  context.width = video.widthPx;
  context.height = video.heightPx;
  context.pixelFormat = AV_PIX_FMT_YUV420P;
  context.sampleAspectRatio = new Rational(1, 1);
  // One tick of the encoder is one slot of the grid.
  context.timeBase = new Rational(1, video.frameRate);
  context.framerate = new Rational(video.frameRate, 1);
  context.colorRange = AVCOL_RANGE_MPEG;
  context.colorSpace = AVCOL_SPC_BT709;
  context.colorPrimaries = AVCOL_PRI_BT709;
  context.colorTrc = AVCOL_TRC_BT709;
}
