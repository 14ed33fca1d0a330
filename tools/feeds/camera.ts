/**
 * Where a feed's packets come from: live, each frame drawn and encoded at its instant, or rehearsed, encoded
 * before the first one is due, so that the sender takes next to no CPU while something else is measured.
 */
import type { CodecContext, Packet } from 'node-av/lib';
import { AudioEncoder, SAMPLE_RATE_HZ } from './audio-encoder.ts';
import type { FeedOptions } from './options.ts';
import { Scene } from './scene.ts';
import { themeOf } from './themes.ts';
import { Tone } from './tone.ts';
import { VideoEncoder } from './video-encoder.ts';

/**
 * A packet is valid only until the promise settles. One that is repeated comes with that of which it is a copy,
 * always the same.
 */
type OnPacket = (packet: Packet, repeated?: Packet) => Promise<void>;

export interface VideoSource {
  readonly context: CodecContext;
  /** @param atMs wall clock of the capture. */
  encode(frameIndex: number, atMs: number, onPacket: OnPacket): Promise<void>;
  close(): void;
}

export interface AudioSource {
  readonly context: CodecContext;
  readonly frameSampleCount: number;
  /** What comes out of an encoder lies so far behind what went in last. */
  readonly delaySampleCount: number;
  /** @param atMs wall clock of the first sample. */
  encode(frameIndex: number, atMs: number, onPacket: OnPacket): Promise<void>;
  close(): void;
}

export async function openLiveVideo(
  options: FeedOptions,
  headers: { globalHeader: boolean },
): Promise<VideoSource> {
  const encoder = await VideoEncoder.open(options, headers);
  const scene = new Scene(options);
  return {
    context: encoder.context,
    encode(frameIndex, atMs, onPacket) {
      scene.draw(encoder.planes, atMs);
      return encoder.encode(frameIndex, onPacket);
    },
    close: () => encoder.close(),
  };
}

/** @returns undefined for a feed without audio. */
export async function openLiveAudio(
  options: FeedOptions,
  headers: { globalHeader: boolean },
): Promise<AudioSource | undefined> {
  const { toneHz } = themeOf(options.feedNumber);
  const tone = new Tone({ toneHz, sampleRateHz: SAMPLE_RATE_HZ, beep: options.beep });
  const encoder = await AudioEncoder.open(options, tone, headers);
  if (!encoder) return undefined;
  const { frameSampleCount } = encoder;
  const delaySampleCount = await encoder.warmUp();
  return {
    context: encoder.context,
    frameSampleCount,
    delaySampleCount,
    encode(frameIndex, atMs, onPacket) {
      const toneSample = Math.round(((atMs % 1000) * SAMPLE_RATE_HZ) / 1000);
      return encoder.encode(frameIndex * frameSampleCount, toneSample, onPacket);
    },
    close: () => encoder.close(),
  };
}

/**
 * Encodes `frameCount` frames ahead. After the last one the first follows again: the pictures go on, but
 * their clocks then show the past.
 */
export async function rehearse<Source extends VideoSource | AudioSource>(
  source: Source,
  frameCount: number,
  atMs: (frameIndex: number) => number,
): Promise<Source> {
  const frames: Packet[][] = [];
  for (let frameIndex = 0; frameIndex < frameCount; frameIndex++) {
    const packets: Packet[] = [];
    await source.encode(frameIndex, atMs(frameIndex), async (packet) => {
      const copy = packet.clone();
      if (copy) packets.push(copy);
    });
    frames.push(packets);
  }
  return {
    ...source,
    async encode(frameIndex: number, _atMs: number, onPacket: OnPacket) {
      for (const packet of frames[frameIndex % frameCount] ?? []) {
        // The muxer moves a packet's timestamps; the next round needs a fresh one.
        const copy = packet.clone();
        if (!copy) continue;
        await onPacket(copy, packet);
        copy.free();
      }
    },
    close() {
      for (const packet of frames.flat()) packet.free();
      source.close();
    },
  };
}

/** Encodes one GOP and throws it away, to learn how long a frame takes. */
export async function encodeMsPerFrame(options: FeedOptions): Promise<number> {
  const video = await openLiveVideo(options, { globalHeader: false });
  const { num, den } = options.frameRate;
  const frameCount = Math.max(5, Math.min(30, Math.round(num / den)));
  const startMs = performance.now();
  for (let frameIndex = 0; frameIndex < frameCount; frameIndex++)
    await video.encode(frameIndex, Date.now() + frameIndex, async () => undefined);
  video.close();
  return (performance.now() - startMs) / frameCount;
}

/**
 * Encodes a run of sound that is whole seconds, and repeats it: what is encoded once costs nothing later. It
 * begins at the frame whose place in its second is nearest to that of the first instant asked for (AAC: within
 * 1.4 ms), so that beep and flash stay together.
 */
export async function loopAudio(source: AudioSource): Promise<AudioSource> {
  const frameMs = (source.frameSampleCount * 1000) / SAMPLE_RATE_HZ;
  const frameCount = loopingFrameCount(source.frameSampleCount);
  // The first packets still hold what was encoded before: let that be the end of the run.
  for (const frameIndex of [-2, -1])
    await source.encode(frameIndex, frameIndex * frameMs, async () => undefined);
  const loop = await rehearse(source, frameCount, (frameIndex) => frameIndex * frameMs);
  let offset: number | undefined;
  return {
    ...loop,
    encode(frameIndex, atMs, onPacket) {
      offset ??= nearestInSecond(frameCount, frameMs, atMs - frameIndex * frameMs);
      return loop.encode(frameIndex + offset, atMs, onPacket);
    },
  };
}

function nearestInSecond(frameCount: number, frameMs: number, atMs: number): number {
  const distanceMs = (frameIndex: number) => {
    const ms = (((frameIndex * frameMs - atMs) % 1000) + 1000) % 1000;
    return Math.min(ms, 1000 - ms);
  };
  let nearest = 0;
  for (let frameIndex = 1; frameIndex < frameCount; frameIndex++)
    if (distanceMs(frameIndex) < distanceMs(nearest)) nearest = frameIndex;
  return nearest;
}

/** AAC: 375 frames of 1024 samples are 8 s. */
function loopingFrameCount(frameSampleCount: number): number {
  for (let seconds = 1; seconds <= MAX_LOOP_S; seconds++) {
    const frames = (seconds * SAMPLE_RATE_HZ) / frameSampleCount;
    if (Number.isInteger(frames)) return frames;
  }
  return Math.round((MAX_LOOP_S * SAMPLE_RATE_HZ) / frameSampleCount);
}

const MAX_LOOP_S = 8;
