/** Encodes the scene with the least delay and CPU that the codec's encoder offers: one thread, no look-ahead. */
import {
  AV_CODEC_FLAG_GLOBAL_HEADER,
  AV_CODEC_FLAG_INTERLACED_DCT,
  AV_CODEC_FLAG_INTERLACED_ME,
  AV_FRAME_DATA_A53_CC,
  AV_PIX_FMT_YUV420P,
  AV_PIX_FMT_YUV420P10LE,
  AV_PIX_FMT_YUV422P,
  AV_PIX_FMT_YUV422P10LE,
  AVCOL_PRI_BT709,
  AVCOL_PRI_BT2020,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_BT709,
  AVCOL_SPC_BT2020_NCL,
  AVCOL_TRC_ARIB_STD_B67,
  AVCOL_TRC_BT709,
  AVCOL_TRC_SMPTE2084,
  AVERROR_EAGAIN,
  type AVPixelFormat,
  FF_ENCODER_LIBX264,
  FF_ENCODER_LIBX265,
  FF_ENCODER_MPEG2VIDEO,
  type FFEncoderCodec,
  SWS_POINT,
} from 'node-av/constants';
import {
  Codec,
  CodecContext,
  Dictionary,
  FFmpegError,
  Frame,
  Packet,
  Rational,
  SoftwareScaleContext,
} from 'node-av/lib';
import { captionsOfPicture } from './captions.ts';
import { feedErrors } from './errors.ts';
import type { FeedOptions } from './options.ts';
import type { Planes } from './scene.ts';

interface CodecChoice {
  readonly encoder: FFEncoderCodec;
  readonly pixelFormat: AVPixelFormat;
  readonly encoderOptions: (gopFrameCount: number, bitrateBps: number | undefined) => Record<string, string>;
}

/**
 * Constant quantizer and no adaptive quantization take half the CPU of rate control: a feed is the thing that
 * tests the platform, so what it costs itself only stands in the way.
 */
const CONSTANT_QP = 26;

const X265_PARAMS = (gopFrameCount: number, bitrateBps: number | undefined) =>
  [
    'log-level=error',
    'pools=none',
    'frame-threads=1',
    'wpp=0',
    `keyint=${gopFrameCount}`,
    `min-keyint=${gopFrameCount}`,
    'scenecut=0',
    'bframes=0',
    'rc-lookahead=0',
    'repeat-headers=1',
    ...(bitrateBps === undefined ? [`qp=${CONSTANT_QP}`, 'aq-mode=0', 'psy-rd=0'] : []),
  ].join(':');

const x265 = (gopFrameCount: number, bitrateBps: number | undefined) => ({
  preset: 'ultrafast',
  tune: 'zerolatency',
  'x265-params': X265_PARAMS(gopFrameCount, bitrateBps),
  // Off unless asked for, unlike libx264's.
  a53cc: '1',
});
const x264 = (gopFrameCount: number, bitrateBps: number | undefined) => ({
  ...(bitrateBps === undefined ? { qp: String(CONSTANT_QP) } : {}),
  preset: 'ultrafast',
  tune: 'zerolatency',
  'x264-params': `keyint=${gopFrameCount}:min-keyint=${gopFrameCount}:scenecut=0:repeat-headers=1`,
});

const CHOICES: Readonly<Record<FeedOptions['videoCodec'], CodecChoice>> = {
  hevc: { encoder: FF_ENCODER_LIBX265, pixelFormat: AV_PIX_FMT_YUV420P, encoderOptions: x265 },
  'hevc-main10': {
    encoder: FF_ENCODER_LIBX265,
    pixelFormat: AV_PIX_FMT_YUV420P10LE,
    encoderOptions: x265,
  },
  'hevc-422': { encoder: FF_ENCODER_LIBX265, pixelFormat: AV_PIX_FMT_YUV422P, encoderOptions: x265 },
  'hevc-422-10': {
    encoder: FF_ENCODER_LIBX265,
    pixelFormat: AV_PIX_FMT_YUV422P10LE,
    encoderOptions: x265,
  },
  h264: { encoder: FF_ENCODER_LIBX264, pixelFormat: AV_PIX_FMT_YUV420P, encoderOptions: x264 },
  mpeg2: {
    encoder: FF_ENCODER_MPEG2VIDEO,
    pixelFormat: AV_PIX_FMT_YUV420P,
    encoderOptions: () => ({}),
  },
};

export class VideoEncoder {
  readonly context: CodecContext;
  /** Draw the next frame here, then call `encode`. */
  readonly planes: Planes;
  private readonly drawn: Frame;
  private readonly converted: Frame | undefined;
  private readonly scaler: SoftwareScaleContext | undefined;
  private readonly packet: Packet;
  private readonly interlaced: boolean;
  private readonly captions: ((frameIndex: number) => Uint8Array) | undefined;

  private constructor(context: CodecContext, options: FeedOptions) {
    this.context = context;
    this.interlaced = options.interlaced;
    const { num, den } = options.frameRate;
    this.captions = options.captions
      ? (index) => captionsOfPicture(index, num / den, (second) => `${options.name} SECOND ${second}`)
      : undefined;
    this.drawn = newFrame(context, AV_PIX_FMT_YUV420P);
    this.planes = planesOf(this.drawn);
    if (context.pixelFormat !== AV_PIX_FMT_YUV420P) {
      const { width, height, pixelFormat } = context;
      this.converted = newFrame(context, pixelFormat);
      this.scaler = new SoftwareScaleContext();
      this.scaler.getContext(width, height, AV_PIX_FMT_YUV420P, width, height, pixelFormat, SWS_POINT);
    }
    this.packet = new Packet();
    this.packet.alloc();
  }

  /**
   * @param globalHeader parameter sets go to the extradata too, for an SDP.
   * @throws MirrorError `FEED_CODEC`.
   */
  static async open(options: FeedOptions, { globalHeader = false } = {}): Promise<VideoEncoder> {
    const choice = CHOICES[options.videoCodec];
    const codec = Codec.findEncoderByName(choice.encoder);
    if (!codec) throw feedErrors.create('CODEC', `There is no encoder ${choice.encoder}.`);
    const context = new CodecContext();
    context.allocContext3(codec);
    const { num, den } = options.frameRate;
    const gopFrameCount = Math.max(1, Math.round((options.gopMs * num) / den / 1000));
    context.width = options.widthPx;
    context.height = options.heightPx;
    context.pixelFormat = choice.pixelFormat;
    context.timeBase = new Rational(den, num);
    context.framerate = new Rational(num, den);
    context.gopSize = gopFrameCount;
    context.maxBFrames = 0;
    context.threadCount = 1;
    const { videoBitrateBps } = options;
    if (videoBitrateBps !== undefined) {
      context.bitRate = BigInt(videoBitrateBps);
      context.rcMaxRate = BigInt(videoBitrateBps);
      context.rcBufferSize = Math.round(videoBitrateBps / 2);
    } else if (options.videoCodec === 'mpeg2') context.bitRate = 4_000_000n;
    setColours(context, options.hdr);
    if (options.sampleAspectRatio) {
      const { num: width, den: height } = options.sampleAspectRatio;
      context.sampleAspectRatio = new Rational(width, height);
    }
    if (options.interlaced) context.setFlags(AV_CODEC_FLAG_INTERLACED_DCT, AV_CODEC_FLAG_INTERLACED_ME);
    if (globalHeader) context.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER);
    const code = await context.open2(
      codec,
      Dictionary.fromObject(choice.encoderOptions(gopFrameCount, videoBitrateBps)),
    );
    if (code < 0) {
      context.freeContext();
      throw feedErrors.create('CODEC', `${choice.encoder}: ${FFmpegError.strerror(code)}.`);
    }
    return new VideoEncoder(context, options);
  }

  /**
   * Encodes what was drawn. The packet given to `onPacket` is valid only until its promise settles; its
   * timestamps count frames.
   */
  async encode(frameIndex: number, onPacket: (packet: Packet) => Promise<void>): Promise<void> {
    let frame = this.drawn;
    if (this.converted && this.scaler) {
      FFmpegError.throwIfError(await this.scaler.scaleFrame(this.converted, this.drawn), 'convert a frame');
      frame = this.converted;
    }
    frame.pts = BigInt(frameIndex);
    if (this.interlaced) frame.setFlags(INTERLACED_FRAME, TOP_FIELD_FIRST);
    // The frame is one and the same each time, and new side data stands beside the old.
    frame.removeSideData(AV_FRAME_DATA_A53_CC);
    if (this.captions) {
      const captions = this.captions(frameIndex);
      frame.newSideData(AV_FRAME_DATA_A53_CC, captions.byteLength).set(captions);
    }
    FFmpegError.throwIfError(await this.context.sendFrame(frame), 'encode a frame');
    for (;;) {
      const code = await this.context.receivePacket(this.packet);
      if (code === AVERROR_EAGAIN || code < 0) break;
      await onPacket(this.packet);
      this.packet.unref();
    }
  }

  close(): void {
    this.packet.free();
    this.drawn.free();
    this.converted?.free();
    this.scaler?.freeContext();
    this.context.freeContext();
  }
}

/** AV_FRAME_FLAG_INTERLACED and AV_FRAME_FLAG_TOP_FIELD_FIRST (libavutil/frame.h). */
const INTERLACED_FRAME = 1 << 3;
const TOP_FIELD_FIRST = 1 << 4;

function newFrame(context: CodecContext, pixelFormat: AVPixelFormat): Frame {
  const frame = new Frame();
  frame.alloc();
  frame.format = pixelFormat;
  frame.width = context.width;
  frame.height = context.height;
  FFmpegError.throwIfError(frame.getBuffer(0), 'allocate a frame');
  frame.colorRange = context.colorRange;
  frame.colorPrimaries = context.colorPrimaries;
  frame.colorTrc = context.colorTrc;
  frame.colorSpace = context.colorSpace;
  frame.sampleAspectRatio = context.sampleAspectRatio;
  return frame;
}

function planesOf(frame: Frame): Planes {
  const [y, u, v] = frame.data ?? [];
  const [strideY = 0, strideU = 0, strideV = 0] = frame.linesize;
  if (!y || !u || !v) throw feedErrors.create('CODEC', 'A frame has no memory.');
  return { data: [y, u, v], strideBytes: [strideY, strideU, strideV] };
}

function setColours(context: CodecContext, hdr: FeedOptions['hdr']): void {
  context.colorRange = AVCOL_RANGE_MPEG;
  const wide = hdr !== 'none';
  context.colorPrimaries = wide ? AVCOL_PRI_BT2020 : AVCOL_PRI_BT709;
  context.colorSpace = wide ? AVCOL_SPC_BT2020_NCL : AVCOL_SPC_BT709;
  context.colorTrc =
    hdr === 'pq' ? AVCOL_TRC_SMPTE2084 : hdr === 'hlg' ? AVCOL_TRC_ARIB_STD_B67 : AVCOL_TRC_BT709;
}
