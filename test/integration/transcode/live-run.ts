/** Plays clips into a transcoder in real time and decodes what comes out. */
import { AV_NOPTS_VALUE } from 'node-av/constants';
import { Codec, CodecContext, Frame, Packet } from 'node-av/lib';
import type { Log } from '../../../domain/log.ts';
import { type Profile, SEED_PROFILE } from '../../../domain/profile.ts';
import type { RunnerSpec } from '../../../domain/stream.ts';
import { EPOCH_MS } from '../../../domain/timeline.ts';
import type { EncodedFrame, EncoderConfig } from '../../../gpu-runner/media.ts';
import { Transcoder } from '../../../gpu-runner/transcode/transcoder.ts';
import type { TranscodeStatus } from '../../../gpu-runner/transcode/transcoder-options.ts';
import { type Clip, type ClipPacket, packetOf } from './clip.ts';

export interface OutputFrame extends EncodedFrame {
  /** When it came out, in milliseconds since EPOCH. */
  readonly atMs: number;
}

export interface LiveRun {
  readonly config: EncoderConfig;
  readonly video: readonly OutputFrame[];
  readonly audio: readonly OutputFrame[];
  /** At the end of each step. */
  readonly statuses: readonly TranscodeStatus[];
  readonly profile: Profile;
}

/** Connects if there is no connection, plays the clip in real time, and leaves the connection open. */
export interface PlayStep {
  readonly play: Clip;
  /** Added to every timestamp, 90 kHz. */
  readonly shiftTicks?: number;
  /** Connects anew, as after a change of codec. */
  readonly reconnect?: boolean;
  /** How late the clip's first pictures come, in milliseconds; sound is on time. */
  readonly firstPicturesLateMs?: number;
  readonly change?: PacketChange;
}

export type Step = PlayStep | { readonly disconnect: string } | { readonly waitMs: number };

/** Spoils or drops packets on their way: undefined drops. */
export type PacketChange = (
  packet: ClipPacket,
  track: 'video' | 'audio',
  index: number,
) => ClipPacket | undefined;

export const clock = { nowMs: () => performance.timeOrigin + performance.now() };

export function silentLog(lines: string[] = []): Log {
  const write = (event: string) => void lines.push(event);
  const log: Log = { debug: write, info: write, warn: write, error: write, child: () => log };
  return log;
}

export async function runLive(
  steps: readonly Step[],
  options: { profile?: Profile; signalLoss?: RunnerSpec['signalLoss']; log?: Log } = {},
): Promise<LiveRun> {
  const profile = options.profile ?? SEED_PROFILE;
  const frames: OutputFrame[] = [];
  const configs: EncoderConfig[] = [];
  const transcoder = new Transcoder({
    profile,
    hardware: 'cpu',
    signalLoss: options.signalLoss ?? 'last-picture',
    clock,
    log: options.log ?? silentLog(),
    sink: {
      onConfig: (config) => configs.push(config),
      onFrame: (frame) => frames.push({ ...frame, atMs: clock.nowMs() - EPOCH_MS }),
    },
  });
  const abort = new AbortController();
  const running = transcoder.run(abort.signal);
  while (configs.length === 0) await pause(5);
  const statuses: TranscodeStatus[] = [];
  let connected = false;
  for (const step of steps) {
    if ('play' in step) {
      if (!connected || step.reconnect) {
        const tracks = [step.play.video, step.play.audio].flatMap((track) => (track ? [track.source] : []));
        transcoder.handle({ kind: 'connected', tracks });
      }
      connected = true;
      await play(transcoder, step);
    } else if ('disconnect' in step) {
      connected = false;
      transcoder.handle({ kind: 'disconnected', reason: step.disconnect });
    } else await pause(step.waitMs);
    statuses.push(transcoder.status());
  }
  abort.abort();
  await running;
  const [config] = configs;
  if (!config || configs.length !== 1) throw new Error(`onConfig was called ${configs.length} times`);
  return {
    config,
    video: frames.filter((frame) => frame.track === 'video'),
    audio: frames.filter((frame) => frame.track === 'audio'),
    statuses,
    profile,
  };
}

const FIRST_PICTURES_MS = 200;

async function play(transcoder: Transcoder, step: PlayStep): Promise<void> {
  const { video, audio } = step.play;
  const firstDts = [video, audio].flatMap((track) => track?.packets[0]?.dts ?? []);
  const firstTicks = Math.max(0, Math.min(...firstDts));
  const lateMs = step.firstPicturesLateMs ?? 0;
  const sentMs = (track: 'video' | 'audio', packet: ClipPacket): number => {
    const mediaMs = (packet.dts - firstTicks) / 90;
    return track === 'audio' ? mediaMs : Math.max(mediaMs, Math.min(mediaMs, FIRST_PICTURES_MS) + lateMs);
  };
  const queue = (['video', 'audio'] as const)
    .flatMap((track) => {
      const packets = (track === 'video' ? video : audio)?.packets ?? [];
      return packets.map((packet, index) => ({ track, packet, index }));
    })
    .sort((a, b) => sentMs(a.track, a.packet) - sentMs(b.track, b.packet));
  const startMs = performance.now();
  for (const { track, packet, index } of queue) {
    const dueMs = startMs + sentMs(track, packet);
    if (dueMs > performance.now()) await pause(dueMs - performance.now());
    const sent = step.change ? step.change(packet, track, index) : packet;
    if (!sent) continue;
    transcoder.handle({
      kind: 'packet',
      track,
      packet: packetOf(sent, step.shiftTicks ?? 0),
      arrivalMs: clock.nowMs(),
    });
  }
}

export async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/** What is wrong with the order and the spacing of the output; empty when every slot was filled. */
export function gridProblems(run: LiveRun): string[] {
  const { video, audio, segmentMs } = run.profile;
  const problems: string[] = [];
  const first = run.video[0];
  const segmentTicks = (video.timescaleHz * segmentMs) / 1000;
  if (!first) return ['no video'];
  if (first.decodeTimeTicks % segmentTicks !== 0) problems.push('video does not begin at a segment start');
  run.video.forEach((frame, index) => {
    const before = run.video[index - 1];
    if (frame.decodeTimeTicks % (video.timescaleHz / video.frameRate) !== 0)
      problems.push('video is off its slots');
    if (before && frame.decodeTimeTicks !== before.decodeTimeTicks + before.durationTicks)
      problems.push(`video slot ${frame.decodeTimeTicks} does not follow ${before.decodeTimeTicks}`);
    if (frame.independent !== (frame.decodeTimeTicks % segmentTicks === 0))
      problems.push('a keyframe that is not a segment start, or the other way round');
  });
  run.audio.forEach((frame, index) => {
    const before = run.audio[index - 1];
    if (frame.decodeTimeTicks % audio.frameSampleCount !== 0) problems.push('audio is off its frames');
    if (before && frame.decodeTimeTicks !== before.decodeTimeTicks + audio.frameSampleCount)
      problems.push(`audio frame ${frame.decodeTimeTicks} does not follow ${before.decodeTimeTicks}`);
  });
  const startMs = (first.decodeTimeTicks * 1000) / video.timescaleHz;
  const audioStartMs = ((run.audio[0]?.decodeTimeTicks ?? 0) * 1000) / audio.sampleRateHz;
  const frameMs = (audio.frameSampleCount * 1000) / audio.sampleRateHz;
  if (audioStartMs < startMs || audioStartMs >= startMs + frameMs)
    problems.push('audio begins elsewhere than video');
  return problems;
}

export interface DecodedPicture {
  /** Milliseconds since EPOCH. */
  readonly atMs: number;
  readonly widthPx: number;
  readonly heightPx: number;
  /** Packed 4:2:0. */
  readonly bytes: Buffer;
}

/** Decodes the output as an ordinary player would. */
export async function decodeVideo(run: LiveRun): Promise<DecodedPicture[]> {
  const context = await openDecoder('h264', Buffer.from(run.config.videoExtradata));
  const pictures: DecodedPicture[] = [];
  await decodeAll(context, run.video, (frame, source) => {
    pictures.push({
      atMs: (source.decodeTimeTicks * 1000) / run.profile.video.timescaleHz,
      widthPx: frame.width,
      heightPx: frame.height,
      bytes: frame.toBuffer(),
    });
  });
  return pictures;
}

export interface DecodedSound {
  /** Milliseconds since EPOCH of the first sample. */
  readonly atMs: number;
  readonly sampleRateHz: number;
  readonly left: Float32Array;
}

export async function decodeAudio(run: LiveRun): Promise<DecodedSound> {
  const context = await openDecoder('aac', Buffer.from(run.config.audioSpecificConfig));
  const blocks: Float32Array[] = [];
  await decodeAll(context, run.audio, (frame) => {
    const plane = frame.data?.[0];
    if (!plane) throw new Error('no samples');
    blocks.push(new Float32Array(Uint8Array.from(plane).buffer, 0, frame.nbSamples));
  });
  const left = new Float32Array(blocks.reduce((sum, block) => sum + block.length, 0));
  let at = 0;
  for (const block of blocks) {
    left.set(block, at);
    at += block.length;
  }
  const { sampleRateHz } = run.profile.audio;
  return { atMs: ((run.audio[0]?.decodeTimeTicks ?? 0) * 1000) / sampleRateHz, sampleRateHz, left };
}

async function openDecoder(name: string, extradata: Buffer): Promise<CodecContext> {
  const codec = Codec.getCodecList().find((each) => each.name === name && each.isDecoder());
  if (!codec) throw new Error(`no decoder ${name}`);
  const context = new CodecContext();
  context.allocContext3(codec);
  context.extraData = extradata;
  context.threadCount = 1;
  const code = await context.open2(codec, null);
  if (code < 0) throw new Error(`decoder ${name} does not open`);
  return context;
}

async function decodeAll(
  context: CodecContext,
  sources: readonly EncodedFrame[],
  onFrame: (frame: Frame, source: EncodedFrame) => void,
): Promise<void> {
  const packet = new Packet();
  packet.alloc();
  const frame = new Frame();
  frame.alloc();
  const byPts = new Map(sources.map((source) => [BigInt(source.decodeTimeTicks), source]));
  const drain = async () => {
    while ((await context.receiveFrame(frame)) >= 0) {
      const source = byPts.get(frame.pts === AV_NOPTS_VALUE ? frame.bestEffortTimestamp : frame.pts);
      if (source) onFrame(frame, source);
      frame.unref();
    }
  };
  for (const source of sources) {
    packet.data = Buffer.from(source.bytes);
    packet.pts = BigInt(source.decodeTimeTicks);
    packet.dts = packet.pts;
    await context.sendPacket(packet);
    await drain();
  }
  await context.sendPacket(null);
  await drain();
  packet.free();
  frame.free();
  context.freeContext();
}

/** Luma of one spot, given as shares of width and height. */
export function lumaAt(picture: DecodedPicture, x: number, y: number): number {
  const column = Math.min(picture.widthPx - 1, Math.floor(x * picture.widthPx));
  const row = Math.min(picture.heightPx - 1, Math.floor(y * picture.heightPx));
  return picture.bytes[row * picture.widthPx + column] ?? 0;
}

export function rms(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return Math.sqrt(sum / Math.max(1, samples.length));
}

/** Of a single tone, from its zero crossings. */
export function toneHz(samples: Float32Array, sampleRateHz: number): number {
  let crossings = 0;
  for (let at = 1; at < samples.length; at++)
    if ((samples[at - 1] ?? 0) < 0 && (samples[at] ?? 0) >= 0) crossings++;
  return (crossings * sampleRateHz) / samples.length;
}
