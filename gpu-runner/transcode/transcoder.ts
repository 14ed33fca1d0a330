/**
 * A feed in, the rendition on the wall-clock grid out.
 *
 * Before the first picture ever, nothing is delivered and the state is `waiting`. From the first picture on,
 * output begins at the next segment start and never ends: a slot whose picture is missing repeats the last
 * one, sound that is missing is silence.
 */
import type { Frame, Packet } from 'node-av/lib';
import { messageOf } from '../../domain/errors.ts';
import type { Log } from '../../domain/log.ts';
import type { Profile } from '../../domain/profile.ts';
import type { RunnerSpec, SourceStatus } from '../../domain/stream.ts';
import { type Clock, EPOCH_MS } from '../../domain/timeline.ts';
import type { EncodedFrame, EncoderConfig, SourceEvent, SourceTrack } from '../media.ts';
import { AudioEncoder } from './audio-encoder.ts';
import { Decoder } from './decoder.ts';
import { type HardwareKind, slotsPerSegment } from './options.ts';
import { PicturePath, type Reservation } from './picture-path.ts';
import { MAX_SLOT_WAIT_MS, SlotFiller, SourceClock } from './reclock.ts';
import { SampleLine } from './sample-line.ts';
import { SerialQueue } from './serial-queue.ts';
import { SoundPath } from './sound-path.ts';
import { VideoEncoder } from './video-encoder.ts';

/** Packets that wait for the decoder: two seconds of the fastest feed. */
const MAX_WAITING_PACKETS = 240;
/** Slots and frames that wait for an encoder. */
const MAX_WAITING_SLOTS = 120;
/** Without a picture for this long the feed counts as lost. */
export const SIGNAL_LOSS_MS = 500;
/** Output this far behind the clock is given up, up to the next segment start. */
export const MAX_OUTPUT_LAG_MS = 1_000;
/** Longest time that a frame of sound waits for its samples beyond its nominal end. */
export const MAX_SOUND_WAIT_MS = 400;
/** Silence is known in advance: it goes in early enough that the encoder's delay costs nothing. */
const SILENCE_LEAD_FRAMES = 3;

export interface TranscodeSink {
  onConfig(config: EncoderConfig): void;
  onFrame(frame: EncodedFrame): void;
}

export interface TranscodeStatus {
  readonly state: 'waiting' | 'live' | 'interrupted';
  readonly reason: string;
  readonly hardware: HardwareKind;
  readonly source?: SourceStatus;
  readonly repeatedFrameCount: number;
  readonly droppedFrameCount: number;
  readonly timestampJumpCount: number;
  readonly decodeErrorCount: number;
  /** Parts that were never made because the machine could not keep up. */
  readonly skippedPartCount: number;
}

export interface TranscoderOptions {
  readonly profile: Profile;
  readonly hardware: HardwareKind;
  readonly signalLoss: RunnerSpec['signalLoss'];
  readonly clock: Clock;
  readonly log: Log;
  readonly sink: TranscodeSink;
}

type VideoItem =
  | { readonly kind: 'open'; readonly track: SourceTrack }
  | { readonly kind: 'close' }
  | PacketItem;
interface PacketItem {
  readonly kind: 'packet';
  readonly packet: Packet;
  readonly arrivalMs: number;
}
/** Work for the video encoder, in slot order. Without a picture the slot repeats what was shown last. */
interface SlotItem {
  readonly slot?: number;
  readonly picture?: Promise<Frame | undefined>;
}

export class Transcoder {
  readonly #options: TranscoderOptions;
  readonly #frameMs: number;
  readonly #sampleRateHz: number;
  readonly #frameSampleCount: number;
  readonly #sourceClock: SourceClock;
  readonly #videoQueue: SerialQueue<VideoItem>;
  readonly #audioQueue: SerialQueue<VideoItem>;
  readonly #slotQueue: SerialQueue<SlotItem>;
  readonly #soundQueue: SerialQueue<number>;
  readonly #counters = { repeated: 0, dropped: 0, jumps: 0, decodeErrors: 0, skippedParts: 0 };
  readonly #soundFrame: Float32Array;
  #videoEncoder: VideoEncoder | undefined;
  #audioEncoder: AudioEncoder | undefined;
  #picturePath: PicturePath | undefined;
  #soundPath: SoundPath | undefined;
  #filler: SlotFiller | undefined;
  #line: SampleLine | undefined;
  #nextSoundFrame = 0;
  #firstSoundFrame = 0;
  #soundWaitMs = 100;
  #shown: Frame | undefined;
  #lastPictureMs = Number.NEGATIVE_INFINITY;
  #needKeyframe = false;
  #timer: NodeJS.Timeout | undefined;
  #reason = 'No feed has arrived yet.';

  constructor(options: TranscoderOptions) {
    this.#options = options;
    const { profile } = options;
    this.#frameMs = 1000 / profile.video.frameRate;
    this.#sampleRateHz = profile.audio.sampleRateHz;
    this.#frameSampleCount = profile.audio.frameSampleCount;
    this.#soundFrame = new Float32Array(profile.audio.channelCount * this.#frameSampleCount);
    this.#sourceClock = new SourceClock((readyMs) => this.#anchorMs(readyMs));
    const queue = <Item>(limit: number, stage: string, handle: (item: Item) => Promise<void>) =>
      new SerialQueue<Item>({ limit, handle, onError: (error) => this.#onStageError(stage, error) });
    this.#videoQueue = queue(MAX_WAITING_PACKETS, 'picture', (item) => this.#onVideo(item));
    this.#audioQueue = queue(MAX_WAITING_PACKETS, 'sound', (item) => this.#onAudio(item));
    this.#slotQueue = queue(MAX_WAITING_SLOTS, 'video-encoder', (item) => this.#encodeSlot(item));
    this.#soundQueue = queue(MAX_WAITING_SLOTS, 'audio-encoder', (item) => this.#encodeSound(item));
  }

  /** Opens the encoders and delivers until the signal aborts. Then everything native is freed. */
  async run(signal: AbortSignal): Promise<void> {
    const { hardware, profile, sink } = this.#options;
    this.#videoEncoder = await VideoEncoder.open(hardware, profile);
    this.#audioEncoder = await AudioEncoder.open(profile);
    sink.onConfig({
      videoExtradata: this.#videoEncoder.extradata,
      audioSpecificConfig: this.#audioEncoder.audioSpecificConfig,
    });
    this.#arm();
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await this.#close();
  }

  /** Takes the next event of the ingest; owns its packet from here on. */
  handle(event: SourceEvent): void {
    if (event.kind === 'packet') {
      const queue = event.track === 'video' ? this.#videoQueue : this.#audioQueue;
      if (queue.push({ kind: 'packet', packet: event.packet, arrivalMs: event.arrivalMs })) return;
      // The decoder is two seconds behind: this packet and all up to the next keyframe are given up.
      event.packet.free();
      if (event.track === 'video') this.#needKeyframe = true;
      this.#counters.dropped++;
      return;
    }
    if (event.kind === 'disconnected') this.#reason = event.reason;
    for (const [track, queue] of [
      ['video', this.#videoQueue],
      ['audio', this.#audioQueue],
    ] as const) {
      const source =
        event.kind === 'connected' ? event.tracks.find((each) => each.track === track) : undefined;
      for (const item of queue.clear()) if (item.kind === 'packet') item.packet.free();
      queue.push(source ? { kind: 'open', track: source } : { kind: 'close' });
    }
  }

  status(): TranscodeStatus {
    const lost = this.#lost(this.#nowMs());
    const state = !this.#filler ? 'waiting' : lost ? 'interrupted' : 'live';
    const source = this.#sourceStatus();
    return {
      state,
      reason: state === 'live' ? 'The feed is on air.' : this.#reason,
      hardware: this.#options.hardware,
      ...(source ? { source } : {}),
      repeatedFrameCount: this.#counters.repeated,
      droppedFrameCount: this.#counters.dropped,
      timestampJumpCount: this.#counters.jumps,
      decodeErrorCount: this.#counters.decodeErrors,
      skippedPartCount: this.#counters.skippedParts,
    };
  }

  #sourceStatus(): SourceStatus | undefined {
    const shape = this.#picturePath?.shape;
    if (!this.#picturePath || !shape) return undefined;
    return {
      video: {
        codec: String(this.#picturePath.track.codecParameters.codecId),
        widthPx: shape.widthPx,
        heightPx: shape.heightPx,
        interlaced: shape.interlaced,
        decoder: this.#picturePath.decoder.hardware,
      },
    };
  }

  #nowMs(): number {
    return this.#options.clock.nowMs() - EPOCH_MS;
  }

  /** Pictures are mapped to the slot in which they become ready; by a hair it continues where output is. */
  #anchorMs(readyMs: number): number {
    const slot = Math.floor(readyMs / this.#frameMs);
    const next = this.#filler?.nextSlot;
    return (next !== undefined && Math.abs(next - slot) <= 1 ? next : slot) * this.#frameMs;
  }

  #lost(nowMs: number): boolean {
    return nowMs - this.#lastPictureMs > SIGNAL_LOSS_MS;
  }

  // --- pictures in ---

  async #onVideo(item: VideoItem): Promise<void> {
    if (item.kind === 'packet') {
      try {
        if (this.#needKeyframe && !item.packet.isKeyframe) return;
        this.#needKeyframe = false;
        await this.#picturePath?.take(item.packet);
      } finally {
        item.packet.free();
      }
      return;
    }
    this.#picturePath?.free();
    this.#picturePath = undefined;
    this.#sourceClock.reset();
    if (item.kind === 'close') return;
    this.#picturePath = new PicturePath({
      decoder: await Decoder.open(item.track, () => this.#counters.decodeErrors++),
      target: this.#options.profile.video,
      log: this.#options.log,
      gate: (sourceMs) => this.#gate(sourceMs),
    });
  }

  #gate(sourceMs: number): Reservation | undefined {
    const nowMs = this.#nowMs();
    const observation = this.#sourceClock.observe(sourceMs, nowMs);
    if (observation === 'jump') this.#counters.jumps++;
    this.#filler ??= this.#start(nowMs);
    this.#lastPictureMs = nowMs;
    const placement = this.#filler.place(this.#sourceClock.wallMs(sourceMs));
    if (placement.kind === 'surplus') {
      this.#counters.dropped++;
      return undefined;
    }
    if (placement.kind === 'late') return this.#reserve(undefined);
    for (let back = placement.repeatCount; back > 0; back--) this.#pushRepeat(placement.slot - back);
    const reservation = this.#reserve(placement.slot);
    this.#arm();
    return reservation;
  }

  /** The place in the queue is taken now, so that a repeat that falls due meanwhile comes after it. */
  #reserve(slot: number | undefined): Reservation | undefined {
    const { promise, resolve } = deferred<Frame | undefined>();
    const item = slot === undefined ? { picture: promise } : { slot, picture: promise };
    return this.#slotQueue.push(item) ? { fulfil: resolve } : undefined;
  }

  #start(nowMs: number): SlotFiller {
    const { profile } = this.#options;
    const segment = Math.floor(nowMs / profile.segmentMs) + 1;
    const startMs = segment * profile.segmentMs;
    this.#firstSoundFrame = Math.ceil((startMs * this.#sampleRateHz) / 1000 / this.#frameSampleCount);
    // One frame more in front: an access unit overlaps with the frame before it.
    this.#nextSoundFrame = this.#firstSoundFrame - 1;
    this.#line = new SampleLine({
      channelCount: profile.audio.channelCount,
      capacitySamples: this.#sampleRateHz * 2,
      firstSample: this.#nextSoundFrame * this.#frameSampleCount,
    });
    return new SlotFiller({
      frameRate: profile.video.frameRate,
      firstSlot: segment * slotsPerSegment(profile),
    });
  }

  #pushRepeat(slot: number): void {
    this.#counters.repeated++;
    this.#slotQueue.push({ slot });
  }

  // --- sound in ---

  async #onAudio(item: VideoItem): Promise<void> {
    if (item.kind === 'packet') {
      try {
        await this.#soundPath?.take(item.packet);
      } finally {
        item.packet.free();
      }
      return;
    }
    this.#soundPath?.free();
    this.#soundPath = undefined;
    if (item.kind === 'close') return;
    this.#soundPath = new SoundPath({
      decoder: await Decoder.open(item.track, () => this.#counters.decodeErrors++),
      profile: this.#options.profile.audio,
      wallMs: (sourceMs) => (this.#sourceClock.mapped ? this.#sourceClock.wallMs(sourceMs) : undefined),
      deliver: (block) => {
        this.#line?.write(block.firstSample, block.planes, block.sampleCount);
        this.#arm();
      },
    });
  }

  // --- the grid ---

  /** Fills what is due, then sets the timer to the next instant at which something falls due. */
  #arm(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = undefined;
    const nowMs = this.#nowMs();
    const dueMs = Math.min(this.#fillSlots(nowMs), this.#fillSound(nowMs));
    this.#timer = setTimeout(() => this.#arm(), Math.max(1, Math.min(dueMs - nowMs, 50)));
  }

  #fillSlots(nowMs: number): number {
    const filler = this.#filler;
    if (!filler) return Number.POSITIVE_INFINITY;
    this.#giveUpIfBehind(filler, nowMs);
    while (this.#slotDueMs(filler, nowMs) <= nowMs) this.#pushRepeat(filler.repeat());
    return this.#slotDueMs(filler, nowMs);
  }

  #slotDueMs(filler: SlotFiller, nowMs: number): number {
    if (!this.#sourceClock.mapped || this.#lost(nowMs)) return (filler.nextSlot + 1) * this.#frameMs;
    return this.#sourceClock.expectedReadyMs(filler.nextSlotReachMs) + this.#sourceClock.waitMs;
  }

  #giveUpIfBehind(filler: SlotFiller, nowMs: number): void {
    const lagMs = nowMs - MAX_SLOT_WAIT_MS - (filler.nextSlot - this.#slotQueue.length) * this.#frameMs;
    if (lagMs < MAX_OUTPUT_LAG_MS) return;
    const { segmentMs, partMs } = this.#options.profile;
    const segment = Math.floor(nowMs / segmentMs) + 1;
    const from = filler.nextSlot;
    filler.skipTo(segment * slotsPerSegment(this.#options.profile));
    const skippedParts = Math.floor(((filler.nextSlot - from) * this.#frameMs) / partMs);
    this.#counters.skippedParts += skippedParts;
    this.#options.log.warn('output-behind', { lagMs: Math.round(lagMs), skippedParts });
  }

  #fillSound(nowMs: number): number {
    const line = this.#line;
    if (!line) return Number.POSITIVE_INFINITY;
    for (;;) {
      const frame = this.#nextSoundFrame;
      const endSample = (frame + 1) * this.#frameSampleCount;
      const dueMs = this.#soundDueMs(frame, nowMs);
      if (line.writePosition < endSample && dueMs > nowMs) return dueMs;
      this.#nextSoundFrame++;
      if (!this.#soundQueue.push(frame)) this.#counters.skippedParts++;
      // The line is read in the encoder's turn; frames in the queue are contiguous with it.
    }
  }

  #soundDueMs(frame: number, nowMs: number): number {
    const frameMs = (this.#frameSampleCount * 1000) / this.#sampleRateHz;
    if (!this.#soundPath || this.#lost(nowMs)) return (frame - SILENCE_LEAD_FRAMES) * frameMs;
    return (frame + 1) * frameMs + this.#soundWaitMs;
  }

  // --- encoders ---

  async #encodeSlot(item: SlotItem): Promise<void> {
    const picture = await item.picture;
    if (picture) {
      this.#shown?.free();
      this.#shown = picture;
    }
    if (item.slot === undefined || !this.#shown || !this.#videoEncoder) return;
    const encoded = await this.#videoEncoder.encode(this.#shown, item.slot);
    const { timescaleHz, frameRate } = this.#options.profile.video;
    const durationTicks = timescaleHz / frameRate;
    this.#options.sink.onFrame({
      track: 'video',
      decodeTimeTicks: encoded.slot * durationTicks,
      durationTicks,
      independent: encoded.keyframe,
      bytes: encoded.bytes,
    });
  }

  async #encodeSound(frame: number): Promise<void> {
    if (!this.#audioEncoder || !this.#line) return;
    this.#line.skipTo(frame * this.#frameSampleCount);
    this.#line.read(this.#frameSampleCount, this.#soundFrame);
    for (const unit of await this.#audioEncoder.encode(this.#soundFrame, frame)) {
      if (unit.frameIndex < this.#firstSoundFrame) continue;
      this.#options.sink.onFrame({
        track: 'audio',
        decodeTimeTicks: unit.frameIndex * this.#frameSampleCount,
        durationTicks: this.#frameSampleCount,
        independent: true,
        bytes: unit.bytes,
      });
    }
  }

  #onStageError(stage: string, error: unknown): void {
    this.#counters.decodeErrors++;
    this.#options.log.warn('stage-failed', { stage, error: messageOf(error) });
  }

  async #close(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    for (const queue of [this.#videoQueue, this.#audioQueue]) {
      for (const item of queue.clear()) if (item.kind === 'packet') item.packet.free();
      await queue.idle();
    }
    await this.#slotQueue.idle();
    await this.#soundQueue.idle();
    this.#picturePath?.free();
    this.#soundPath?.free();
    this.#shown?.free();
    this.#videoEncoder?.free();
    this.#audioEncoder?.free();
  }
}

/** Promise.withResolvers is not there on Node 20. */
function deferred<Value>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  let resolve: (value: Value) => void = () => undefined;
  const promise = new Promise<Value>((resolvePromise) => {
    resolve = resolvePromise;
  });
  return { promise, resolve };
}
