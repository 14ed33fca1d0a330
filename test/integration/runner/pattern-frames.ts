/** Real H.264 and AAC frames on the grid, made by the encoders in node-av; and FFmpeg as a judge of bytes. */
import {
  AV_CHANNEL_LAYOUT_STEREO,
  AV_CODEC_FLAG_GLOBAL_HEADER,
  AV_LOG_WARNING,
  AV_PIX_FMT_YUV420P,
  AV_SAMPLE_FMT_FLTP,
  type AVLogLevel,
  AVMEDIA_TYPE_VIDEO,
  FF_ENCODER_AAC,
  FF_ENCODER_LIBX264,
} from 'node-av/constants';
import {
  Codec,
  CodecContext,
  Dictionary,
  FormatContext,
  Frame,
  InputFormat,
  IOContext,
  Log,
  Packet,
  Rational,
} from 'node-av/lib';
import type { Profile } from '../../../domain/profile.ts';
import type { Track } from '../../../domain/renditions.ts';
import { partStartTicks } from '../../../domain/timeline.ts';
import type { EncodedFrame, EncoderConfig } from '../../../gpu-runner/media.ts';

export interface PatternMedia {
  readonly encoder: EncoderConfig;
  /** Video and audio in the order of their time. */
  readonly frames: readonly EncodedFrame[];
}

/** Encodes whole segments of a moving gradient and a tone, beginning with segment `firstMediaSequenceNumber`. */
export async function encodePattern(options: {
  readonly profile: Profile;
  readonly firstMediaSequenceNumber: number;
  readonly segmentCount: number;
}): Promise<PatternMedia> {
  Log.setLevel(AV_LOG_WARNING);
  const video = await encodeVideo(options);
  const audio = await encodeAudio(options);
  const { timescaleHz } = options.profile.video;
  const { sampleRateHz } = options.profile.audio;
  const seconds = (frame: EncodedFrame) =>
    frame.decodeTimeTicks / (frame.track === 'video' ? timescaleHz : sampleRateHz);
  return {
    encoder: { videoExtradata: video.extradata, audioSpecificConfig: audio.extradata },
    frames: [...video.frames, ...audio.frames].sort((one, other) => seconds(one) - seconds(other)),
  };
}

type PatternOptions = Parameters<typeof encodePattern>[0];

async function encodeVideo({ profile, firstMediaSequenceNumber, segmentCount }: PatternOptions) {
  const { widthPx, heightPx, frameRate, timescaleHz, bitrateBps } = profile.video;
  const framesPerSegment = (frameRate * profile.segmentMs) / 1000;
  using context = new CodecContext();
  const codec = Codec.findEncoderByName(FF_ENCODER_LIBX264);
  context.allocContext3(codec);
  context.width = widthPx;
  context.height = heightPx;
  context.pixelFormat = AV_PIX_FMT_YUV420P;
  context.timeBase = new Rational(1, frameRate);
  context.framerate = new Rational(frameRate, 1);
  context.gopSize = framesPerSegment;
  context.maxBFrames = 0;
  context.threadCount = 1;
  context.bitRate = BigInt(bitrateBps);
  context.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER);
  check(
    await context.open2(
      codec,
      Dictionary.fromObject({ preset: 'superfast', tune: 'zerolatency', 'x264-params': 'scenecut=0' }),
    ),
  );
  const frameDurationTicks = timescaleHz / frameRate;
  const startTicks = partStartTicks(
    { mediaSequenceNumber: firstMediaSequenceNumber, partIndex: 0 },
    timescaleHz,
    profile,
  );
  const frames: EncodedFrame[] = [];
  for (let index = 0; index < framesPerSegment * segmentCount; index += 1) {
    using frame = Frame.fromVideoBuffer(gradient(widthPx, heightPx, index), {
      width: widthPx,
      height: heightPx,
      format: AV_PIX_FMT_YUV420P,
      pts: BigInt(index),
      timeBase: { num: 1, den: frameRate },
    });
    for (const packet of await encode(context, frame)) {
      frames.push({
        track: 'video',
        decodeTimeTicks: startTicks + packet.pts * frameDurationTicks,
        durationTicks: frameDurationTicks,
        independent: packet.independent,
        bytes: packet.bytes,
      });
    }
  }
  return { frames, extradata: Uint8Array.from(context.extraData ?? []) };
}

async function encodeAudio({ profile, firstMediaSequenceNumber, segmentCount }: PatternOptions) {
  const { sampleRateHz, frameSampleCount, bitrateBps } = profile.audio;
  using context = new CodecContext();
  const codec = Codec.findEncoderByName(FF_ENCODER_AAC);
  context.allocContext3(codec);
  context.sampleRate = sampleRateHz;
  context.sampleFormat = AV_SAMPLE_FMT_FLTP;
  context.channelLayout = AV_CHANNEL_LAYOUT_STEREO;
  context.timeBase = new Rational(1, sampleRateHz);
  context.bitRate = BigInt(bitrateBps);
  context.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER);
  check(await context.open2(codec, null));
  const segmentSampleCount = (sampleRateHz * profile.segmentMs) / 1000;
  const firstFrame = Math.ceil((firstMediaSequenceNumber * segmentSampleCount) / frameSampleCount);
  const endFrame = Math.ceil(
    ((firstMediaSequenceNumber + segmentCount) * segmentSampleCount) / frameSampleCount,
  );
  const frames: EncodedFrame[] = [];
  // One frame more goes in: the encoder holds one back (its delay of 1024 samples).
  for (let index = 0; index <= endFrame - firstFrame; index += 1) {
    using frame = Frame.fromAudioBuffer(tone(frameSampleCount, sampleRateHz, index), {
      nbSamples: frameSampleCount,
      format: AV_SAMPLE_FMT_FLTP,
      sampleRate: sampleRateHz,
      channelLayout: AV_CHANNEL_LAYOUT_STEREO,
      pts: BigInt(index * frameSampleCount),
      timeBase: { num: 1, den: sampleRateHz },
    });
    for (const packet of await encode(context, frame)) {
      frames.push({
        track: 'audio',
        decodeTimeTicks: (firstFrame + frames.length) * frameSampleCount,
        durationTicks: frameSampleCount,
        independent: true,
        bytes: packet.bytes,
      });
    }
  }
  return { frames, extradata: Uint8Array.from(context.extraData ?? []) };
}

async function encode(context: CodecContext, frame: Frame) {
  const packets: { pts: number; independent: boolean; bytes: Uint8Array }[] = [];
  check(await context.sendFrame(frame));
  for (;;) {
    using packet = new Packet();
    packet.alloc();
    if ((await context.receivePacket(packet)) < 0) return packets;
    packets.push({
      pts: Number(packet.pts),
      independent: packet.isKeyframe,
      bytes: Uint8Array.from(packet.data ?? []),
    });
  }
}

function gradient(widthPx: number, heightPx: number, index: number): Buffer {
  const picture = Buffer.alloc((widthPx * heightPx * 3) / 2, 128);
  for (let y = 0; y < heightPx; y += 1)
    for (let x = 0; x < widthPx; x += 1) picture[y * widthPx + x] = (x + y + index * 4) & 0xff;
  return picture;
}

function tone(sampleCount: number, sampleRateHz: number, index: number): Buffer {
  const samples = new Float32Array(sampleCount * 2);
  for (let sample = 0; sample < sampleCount; sample += 1) {
    const value = 0.3 * Math.sin((2 * Math.PI * 440 * (index * sampleCount + sample)) / sampleRateHz);
    samples[sample] = value;
    samples[sampleCount + sample] = value;
  }
  return Buffer.from(samples.buffer);
}

export interface TrackJudgement {
  frameCount: number;
  packetCount: number;
  firstPtsTicks: number;
  lastPtsTicks: number;
}

export interface Judgement {
  /** What FFmpeg logged at warning level or worse while it opened, read and decoded the bytes. */
  readonly complaints: readonly string[];
  readonly tracks: Readonly<Partial<Record<Track, TrackJudgement>>>;
}

/** Opens a file made of these bytes with FFmpeg, reads and decodes all of it. */
export async function judge(bytes: Uint8Array): Promise<Judgement> {
  return listening(async (complaints) => {
    let offset = 0;
    const io = new IOContext();
    io.allocContextWithCallbacks(32_768, 0, (size) => {
      if (offset >= bytes.byteLength) return null;
      const chunk = Buffer.from(bytes.subarray(offset, offset + size));
      offset += chunk.byteLength;
      return chunk;
    });
    await using input = new FormatContext();
    input.allocContext();
    input.pb = io;
    check(await input.openInput('', null, null));
    // Awaited here: the input is closed when this function returns.
    return await decodeAll(input, complaints);
  });
}

/** The same for an HLS playlist in a file, from its first object. */
export async function judgePlaylist(path: string): Promise<Judgement> {
  return listening(async (complaints) => {
    await using input = new FormatContext();
    input.allocContext();
    const options = Dictionary.fromObject({ allowed_extensions: 'ALL', live_start_index: '0' });
    check(await input.openInput(path, InputFormat.findInputFormat('hls'), options));
    // Awaited here: the input is closed when this function returns.
    return await decodeAll(input, complaints);
  });
}

async function listening(work: (complaints: string[]) => Promise<Judgement['tracks']>): Promise<Judgement> {
  const complaints: string[] = [];
  Log.setLevel(AV_LOG_WARNING);
  Log.setCallback((level: AVLogLevel, message: string) => complaints.push(`${level}: ${message.trim()}`), {
    maxLevel: AV_LOG_WARNING,
  });
  try {
    const tracks = await work(complaints);
    // The log callback is queued from FFmpeg's threads: let the queue run out.
    await new Promise((resolve) => setTimeout(resolve, 20));
    return { complaints, tracks };
  } finally {
    Log.resetCallback();
  }
}

async function decodeAll(input: FormatContext, complaints: string[]): Promise<Judgement['tracks']> {
  check(await input.findStreamInfo(null));
  const result: Partial<Record<Track, TrackJudgement>> = {};
  const decoders = new Map<number, { track: Track; context: CodecContext }>();
  for (const stream of input.streams) {
    const track: Track = stream.codecpar.codecType === AVMEDIA_TYPE_VIDEO ? 'video' : 'audio';
    const codec = Codec.findDecoder(stream.codecpar.codecId);
    const context = new CodecContext();
    context.allocContext3(codec);
    check(context.parametersToContext(stream.codecpar));
    context.threadCount = 1;
    check(await context.open2(codec, null));
    decoders.set(stream.index, { track, context });
    result[track] = { frameCount: 0, packetCount: 0, firstPtsTicks: -1, lastPtsTicks: -1 };
  }
  for (;;) {
    using packet = new Packet();
    packet.alloc();
    if ((await input.readFrame(packet)) < 0) break;
    const decoder = decoders.get(packet.streamIndex);
    const counts = decoder && result[decoder.track];
    if (!decoder || !counts) continue;
    counts.packetCount += 1;
    if (counts.firstPtsTicks < 0) counts.firstPtsTicks = Number(packet.pts);
    counts.lastPtsTicks = Number(packet.pts);
    const sent = await decoder.context.sendPacket(packet);
    if (sent < 0) complaints.push(`${decoder.track} packet ${counts.packetCount}: error ${sent}`);
    counts.frameCount += await drain(decoder.context);
  }
  for (const { track, context } of decoders.values()) {
    await context.sendPacket(null);
    const counts = result[track];
    if (counts) counts.frameCount += await drain(context);
    context.freeContext();
  }
  return result;
}

async function drain(context: CodecContext): Promise<number> {
  let frameCount = 0;
  for (;;) {
    using frame = new Frame();
    frame.alloc();
    if ((await context.receiveFrame(frame)) < 0) return frameCount;
    frameCount += 1;
  }
}

function check(code: number): void {
  if (code < 0) throw new Error(`FFmpeg answered ${code}`);
}
