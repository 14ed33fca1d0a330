/** A plain FFmpeg receiver, so that the sender is judged by something that is not ours. */
import {
  AV_CODEC_FLAG_LOW_DELAY,
  AV_SAMPLE_FMT_FLTP,
  AVMEDIA_TYPE_AUDIO,
  AVMEDIA_TYPE_VIDEO,
} from 'node-av/constants';
import {
  avGetCodecName,
  avGetPixFmtName,
  Codec,
  CodecContext,
  Dictionary,
  FFmpegError,
  FormatContext,
  Frame,
  Packet,
  type Stream,
} from 'node-av/lib';
import { type CaptureTime, captureTimeOf } from '../../../gpu-runner/transcode/capture-time.ts';
import { type ClockReading, codeRect, decodeClock } from '../../../tools/feeds/clock-code.ts';
import { flashRect } from '../../../tools/feeds/scene.ts';

export interface Received {
  readonly videoCodec: string;
  readonly pixelFormat: string;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly frameRate: number;
  readonly audioCodec: string | undefined;
  readonly audioChannelCount: number | undefined;
  readonly interlaced: boolean;
  readonly colorTransfer: number;
  /** One for each decoded frame; undefined where the clock could not be read. */
  readonly readings: readonly (
    | {
        readonly arrivedAtMs: number;
        readonly clock: ClockReading;
        /** What the encoder told beside the picture. */
        readonly capture: CaptureTime | undefined;
      }
    | undefined
  )[];
  readonly audioPacketCount: number;
  readonly videoPtsTicks: readonly bigint[];
  /** Presentation times of the first picture of each flash, and of the first loud sample of each beep. */
  readonly flashesMs: readonly number[];
  readonly beepsMs: readonly number[];
}

const TICKS_PER_MS = 90;
/** A little more than one at 24 fps. */
const ONE_PICTURE_MS = 45;
/** Between two beeps there is nothing loud for this long. */
const QUIET_MS = 300;
/** The beep is half of full scale, the tone below it a twelfth. */
const LOUD = 0.25;

/** Planar floats, as the AAC and AC-3 decoders give them. */
function loudSamplesMs(frame: Frame): number[] {
  const plane = frame.data?.[0];
  if (!plane || frame.format !== AV_SAMPLE_FMT_FLTP) return [];
  const samples = new Float32Array(plane.buffer, plane.byteOffset, frame.nbSamples);
  const found: number[] = [];
  for (const [index, level] of samples.entries())
    if (Math.abs(level) > LOUD)
      found.push(Number(frame.pts) / TICKS_PER_MS + (index * 1000) / frame.sampleRate);
  return found;
}

function isFlashing(frame: Frame): boolean {
  const { x, y, width, height } = flashRect({ widthPx: frame.width, heightPx: frame.height });
  const at = Math.floor(y + height / 2) * (frame.linesize[0] ?? 0) + Math.floor(x + width / 2);
  return (frame.data?.[0]?.[at] ?? 0) > 128;
}

const INTERLACED_FRAME = 1 << 3;

/**
 * Opens the address, decodes so many frames (or until the sender ends), and closes.
 *
 * @param options.beforeClosing ends the sender, where it is still sending: one whose receiver goes away between
 *   two frames is right to complain.
 */
export async function receive(
  url: string,
  options: { readonly frameCount: number; readonly beforeClosing?: () => Promise<void> },
): Promise<Received> {
  const format = new FormatContext();
  const settings = {
    protocol_whitelist: 'file,udp,rtp,srt',
    probesize: '200000',
    analyzeduration: '800000',
    correct_ts_overflow: '0',
  };
  FFmpegError.throwIfError(await format.openInput(url, null, Dictionary.fromObject(settings)), 'open');
  FFmpegError.throwIfError(await format.findStreamInfo(), 'probe');
  const video = format.streams.find((stream) => stream.codecpar.codecType === AVMEDIA_TYPE_VIDEO);
  const audio = format.streams.find((stream) => stream.codecpar.codecType === AVMEDIA_TYPE_AUDIO);
  if (!video) throw new Error('the feed has no video');
  const decoder = await openDecoder(video);
  const ear = audio && (await openDecoder(audio));
  const flashesMs: number[] = [];
  const beepsMs: number[] = [];
  let wasLit = true;
  let lastShownMs = Number.NEGATIVE_INFINITY;
  let lastLoudMs = Number.POSITIVE_INFINITY;
  const packet = new Packet();
  packet.alloc();
  const frame = new Frame();
  frame.alloc();
  const readings: Received['readings'][number][] = [];
  const videoPtsTicks: bigint[] = [];
  let audioPacketCount = 0;
  let interlaced = false;
  while (readings.length < options.frameCount && (await format.readFrame(packet)) >= 0) {
    const arrivedAtMs = Date.now();
    if (ear && packet.streamIndex === audio.index) {
      audioPacketCount++;
      await ear.sendPacket(packet);
      while ((await ear.receiveFrame(frame)) >= 0) {
        for (const loudMs of loudSamplesMs(frame)) {
          if (loudMs > lastLoudMs + QUIET_MS) beepsMs.push(loudMs);
          lastLoudMs = loudMs;
        }
        if (lastLoudMs === Number.POSITIVE_INFINITY) lastLoudMs = Number.NEGATIVE_INFINITY;
        frame.unref();
      }
    }
    if (packet.streamIndex === video.index) {
      videoPtsTicks.push(packet.pts);
      await decoder.sendPacket(packet);
      while ((await decoder.receiveFrame(frame)) >= 0) {
        interlaced ||= frame.hasFlags(INTERLACED_FRAME);
        const clock = readClock(frame);
        const lit = isFlashing(frame);
        const shownMs = Number(frame.pts) / TICKS_PER_MS;
        // After a lost picture nobody knows whether this one is the first of its flash.
        if (lit && !wasLit && shownMs - lastShownMs < ONE_PICTURE_MS) flashesMs.push(shownMs);
        wasLit = lit;
        lastShownMs = shownMs;
        const capture = captureTimeOf(frame, video.rFrameRate.num / video.rFrameRate.den);
        readings.push(clock && { arrivedAtMs, clock, capture });
        frame.unref();
      }
    }
    packet.unref();
  }
  const received: Received = {
    videoCodec: avGetCodecName(video.codecpar.codecId) ?? '?',
    pixelFormat: avGetPixFmtName(decoder.pixelFormat) ?? '?',
    widthPx: video.codecpar.width,
    heightPx: video.codecpar.height,
    frameRate: video.rFrameRate.num / video.rFrameRate.den,
    audioCodec: audio && (avGetCodecName(audio.codecpar.codecId) ?? '?'),
    audioChannelCount: audio?.codecpar.channels,
    interlaced,
    colorTransfer: decoder.colorTrc,
    readings,
    audioPacketCount,
    videoPtsTicks,
    flashesMs,
    beepsMs,
  };
  await options.beforeClosing?.();
  packet.free();
  frame.free();
  decoder.freeContext();
  ear?.freeContext();
  await format.closeInput();
  return received;
}

async function openDecoder(stream: Stream): Promise<CodecContext> {
  const codec = Codec.findDecoder(stream.codecpar.codecId);
  const context = new CodecContext();
  context.allocContext3(codec);
  stream.codecpar.toContext(context);
  context.threadCount = 1;
  context.setFlags(AV_CODEC_FLAG_LOW_DELAY);
  FFmpegError.throwIfError(await context.open2(codec), 'open the decoder');
  return context;
}

/** 10-bit luma lies in two bytes, little end first. */
function readClock(frame: Frame): ClockReading | undefined {
  const luma = frame.data?.[0];
  const strideBytes = frame.linesize[0] ?? 0;
  if (!luma) return undefined;
  const { width: widthPx, height: heightPx } = frame;
  const wide = strideBytes >= widthPx * 2;
  const data = new Uint8Array(widthPx * heightPx);
  for (let y = 0; y < heightPx; y++) {
    for (let x = 0; x < widthPx; x++) {
      const at = y * strideBytes + x * (wide ? 2 : 1);
      data[y * widthPx + x] = wide ? luma.readUInt16LE(at) >> 2 : (luma[at] ?? 0);
    }
  }
  return decodeClock({ data, widthPx, heightPx, channels: 1 }, codeRect({ widthPx, heightPx }));
}
