/**
 * A feed in, the rendition on the wall-clock grid out.
 *
 * Before the first picture ever, nothing is delivered and the state is `waiting`. From the first picture on,
 * output begins at the next segment start and never ends: a slot whose picture is missing repeats the last
 * one, sound that is missing is silence, and after half a second without a picture the words NO SIGNAL stand
 * over the last one.
 */
import type { Frame, Packet } from 'node-av/lib';
import { messageOf } from '../../domain/errors.ts';
import { CAPTURE_TO_GRID_MS } from '../../domain/profile.ts';
import { EPOCH_MS } from '../../domain/timeline.ts';
import type { EncodedFrame, SourceEvent, SourceTrack } from '../media.ts';
import { AudioEncoder } from './audio-encoder.ts';
import { type CaptureTime, captureInstantMs } from './capture-time.ts';
import { Decoder } from './decoder.ts';
import { chooseHardware, type GpuDevice, type HardwareChoice } from './hardware.ts';
import { PictureOutput } from './picture-output.ts';
import { PicturePath, type Reservation } from './picture-path.ts';
import { referenced } from './reference-time.ts';
import { SerialQueue } from './serial-queue.ts';
import { slotDueMs } from './slot-filler.ts';
import { SoundOutput } from './sound-output.ts';
import { SoundPath, type WallPosition } from './sound-path.ts';
import { SourceClock } from './source-clock.ts';
import { describeSource } from './source-status.ts';
import { storedPicture } from './stored-picture.ts';
import type { TranscoderOptions, TranscodeStatus } from './transcoder-options.ts';
import { VideoEncoder } from './video-encoder.ts';

/** Packets that wait for a decoder: two seconds of the fastest feed. */
const MAX_WAITING_PACKETS = 120;
/** Packets that waited longer than this are given up, up to the next keyframe. */
export const MAX_DECODE_LAG_MS = 700;
/** Without a picture for this long the feed counts as lost. */
export const SIGNAL_LOSS_MS = 500;
/** Longest sleep of the timer, so that a stopped process notices that it went on. */
const MAX_SLEEP_MS = 50;

type PathItem =
  | { readonly kind: 'open'; readonly track: SourceTrack }
  | { readonly kind: 'close' }
  | { readonly kind: 'packet'; readonly packet: Packet; readonly arrivalMs: number };

export class Transcoder {
  readonly #options: TranscoderOptions;
  readonly #sourceClock: SourceClock;
  /** For sound whose timestamps have nothing to do with the picture's. */
  readonly #soundClock = new SourceClock();
  readonly #videoQueue: SerialQueue<PathItem>;
  readonly #audioQueue: SerialQueue<PathItem>;
  readonly #counters = { repeatedFrameCount: 0, droppedFrameCount: 0, skippedPartCount: 0 };
  #timestampJumpCount = 0;
  #decodeErrorCount = 0;
  #hardware: HardwareChoice = { kind: 'cpu' };
  #videoEncoder: VideoEncoder | undefined;
  #audioEncoder: AudioEncoder | undefined;
  /** What a path will be made of when its first packet comes. */
  #videoTrack: SourceTrack | undefined;
  #audioTrack: SourceTrack | undefined;
  #picturePath: PicturePath | undefined;
  #soundPath: SoundPath | undefined;
  #pictures: PictureOutput | undefined;
  #sound: SoundOutput | undefined;
  #lastPictureMs = Number.NEGATIVE_INFINITY;
  #packetsWereLost = false;
  #closed = false;
  #readingEarlier: Promise<unknown> | undefined;
  #remoteAddress: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #reason = 'No feed has arrived yet.';

  constructor(options: TranscoderOptions) {
    this.#options = options;
    this.#sourceClock = new SourceClock({
      frameMs: 1000 / options.profile.video.frameRate,
      captureToGridMs: CAPTURE_TO_GRID_MS,
    });
    const limit = MAX_WAITING_PACKETS;
    this.#videoQueue = new SerialQueue({
      limit,
      handle: (item) => this.#onVideo(item),
      onError: (error) => this.#onVideoFailure(error),
    });
    this.#audioQueue = new SerialQueue({
      limit,
      handle: (item) => this.#onAudio(item),
      onError: (error) => this.#onAudioFailure(error),
    });
  }

  /**
   * Opens the encoders and delivers until the signal aborts; then frees everything native.
   *
   * @throws MirrorError `TRANSCODE_NO_NVIDIA`, `TRANSCODE_ENCODER_FAILED`, `TRANSCODE_MISSING_CODEC`
   */
  async run(signal: AbortSignal): Promise<void> {
    const { profile, sink, log } = this.#options;
    try {
      const tryEncoder = (device: GpuDevice) => VideoEncoder.tryOut(device, profile);
      this.#hardware = await chooseHardware({ wanted: this.#options.hardware, log, tryEncoder });
      this.#videoEncoder = await VideoEncoder.open(this.#hardware, profile);
      this.#audioEncoder = await AudioEncoder.open(profile);
      sink.onConfig({
        videoExtradata: this.#videoEncoder.extradata,
        audioSpecificConfig: this.#audioEncoder.audioSpecificConfig,
      });
      this.#arm();
      await aborted(signal);
    } finally {
      await this.#close();
    }
  }

  /**
   * Goes on with a stream that an earlier process had on air: NO SIGNAL stands over its last picture from the
   * next segment on, until the feed is back. Does nothing if that has come first. To be called once, after
   * `onConfig`.
   *
   * @param video init segment and parts of the stream's newest segment.
   * @throws MirrorError `TRANSCODE_FILTER_FAILED`
   */
  async goOn(video: Uint8Array): Promise<void> {
    if (this.#pictures || this.#closed) return;
    const { profile, log } = this.#options;
    const reading = storedPicture(video, {
      target: profile.video,
      encodesOn: this.#hardware,
      onUnreadable: (error) => log.warn('last-picture-unreadable', { error: messageOf(error) }),
    });
    this.#readingEarlier = reading;
    const picture = await reading;
    if (this.#pictures || !this.#start(this.#nowMs(), picture)) return picture.free();
    this.#reason = 'The runner was started again; the feed has not come back yet.';
    this.#arm();
  }

  /** Takes the next event of the ingest; owns its packet from here on. */
  handle(event: SourceEvent): void {
    if (event.kind === 'packet') {
      this.#handlePacket(event);
      return;
    }
    this.#remoteAddress = event.kind === 'connected' ? event.remoteAddress : undefined;
    this.#reason =
      event.kind === 'connected' ? 'The sender is connected, but no picture comes from it.' : event.reason;
    const tracks = event.kind === 'connected' ? event.tracks : [];
    this.#reopen(
      this.#videoQueue,
      tracks.find((each) => each.track === 'video'),
    );
    this.#reopen(
      this.#audioQueue,
      tracks.find((each) => each.track === 'audio'),
    );
  }

  #handlePacket(event: SourceEvent & { kind: 'packet' }): void {
    const { packet, arrivalMs } = event;
    const queue = event.track === 'video' ? this.#videoQueue : this.#audioQueue;
    if (!this.#closed && queue.push({ kind: 'packet', packet, arrivalMs })) return;
    packet.free();
    if (event.track === 'audio') return;
    this.#packetsWereLost = true;
    this.#counters.droppedFrameCount++;
  }

  #reopen(queue: SerialQueue<PathItem>, track: SourceTrack | undefined): void {
    for (const item of queue.clear()) if (item.kind === 'packet') item.packet.free();
    queue.push(track ? { kind: 'open', track } : { kind: 'close' });
  }

  status(): TranscodeStatus {
    const state = !this.#pictures ? 'waiting' : this.#isLost(this.#nowMs()) ? 'interrupted' : 'live';
    const source = describeSource({
      pictures: this.#picturePath,
      sound: this.#soundPath,
      remoteAddress: this.#remoteAddress,
      capture: this.#sourceClock.capture,
    });
    return {
      state,
      reason: state === 'live' ? 'The feed is on air.' : this.#reason,
      hardware: this.#hardware.kind,
      ...(source ? { source } : {}),
      ...this.#counters,
      timestampJumpCount: this.#timestampJumpCount,
      decodeErrorCount: this.#decodeErrorCount,
    };
  }

  /** Milliseconds since EPOCH: the time of everything in this folder. */
  #nowMs(): number {
    return this.#options.clock.nowMs() - EPOCH_MS;
  }

  #isLost(nowMs: number): boolean {
    return nowMs - this.#lastPictureMs > SIGNAL_LOSS_MS;
  }

  // --- the feed's pictures ---

  async #onVideo(item: PathItem): Promise<void> {
    if (item.kind !== 'packet') {
      this.#picturePath?.free();
      this.#picturePath = undefined;
      this.#sourceClock.reset();
      this.#videoTrack = item.kind === 'open' ? item.track : undefined;
      return;
    }
    const { packet } = item;
    try {
      const path = this.#picturePath ?? (await this.#openPicturePath(packet));
      if (!path) return;
      const lagMs = this.#options.clock.nowMs() - item.arrivalMs;
      if (this.#packetsWereLost || lagMs > MAX_DECODE_LAG_MS) this.#catchUp(path, lagMs);
      await path.take(packet);
    } finally {
      packet.free();
    }
  }

  /** The decoder cannot keep up: what waits is given up, and decoding goes on at the next keyframe. */
  #catchUp(path: PicturePath, lagMs: number): void {
    this.#packetsWereLost = false;
    const waiting = this.#videoQueue.clear();
    for (const item of waiting) if (item.kind === 'packet') item.packet.free();
    this.#counters.droppedFrameCount += waiting.length;
    path.decoder.resumeAtKeyframe();
    this.#options.log.warn('decoder-behind', {
      lagMs: Math.round(lagMs),
      droppedPacketCount: waiting.length,
    });
  }

  async #openPicturePath(firstPacket: Packet): Promise<PicturePath | undefined> {
    const track = this.#videoTrack;
    if (!track) return undefined;
    const { profile, log } = this.#options;
    const hardware = this.#hardware;
    this.#picturePath = new PicturePath({
      decoder: await Decoder.open({
        track,
        firstPacket,
        device: hardware.kind === 'nvidia' ? hardware.device : undefined,
        onError: () => this.#decodeErrorCount++,
      }),
      target: profile.video,
      encodesOn: hardware,
      log,
      gate: (sourceMs, capture) => this.#gate(sourceMs, capture),
    });
    return this.#picturePath;
  }

  #onVideoFailure(error: unknown): void {
    this.#decodeErrorCount++;
    this.#reason = messageOf(error);
    // One line, not one for each packet: the path stays closed until the feed comes anew.
    this.#videoTrack = undefined;
    this.#picturePath?.free();
    this.#picturePath = undefined;
    this.#options.log.error('picture-path-failed', { error: messageOf(error) });
  }

  #gate(sourceMs: number, capture: CaptureTime | undefined): Reservation | undefined {
    const nowMs = this.#nowMs();
    const captureMs = capture && captureInstantMs(capture, nowMs + EPOCH_MS) - EPOCH_MS;
    if (this.#sourceClock.observe(sourceMs, nowMs, captureMs) === 'jump') this.#timestampJumpCount++;
    const pictures = this.#pictures ?? this.#start(nowMs);
    this.#lastPictureMs = nowMs;
    const reservation = pictures?.place(this.#sourceClock.wallMs(sourceMs));
    this.#arm();
    return reservation;
  }

  /** Output begins at the next segment start: with the first picture ever, or with an earlier process's last. */
  #start(nowMs: number, shown?: Frame): PictureOutput | undefined {
    if (!this.#videoEncoder || !this.#audioEncoder || this.#closed) return undefined;
    const { profile, signalLoss, log, sink } = this.#options;
    const firstSegment = Math.floor(nowMs / profile.segmentMs) + 1;
    const onFrame = (frame: EncodedFrame) => sink.onFrame(referenced(frame, this.#sourceClock, profile));
    const onError = (error: unknown) => log.error('output-failed', { error: messageOf(error) });
    this.#sound = new SoundOutput(firstSegment, { profile, encoder: this.#audioEncoder, onFrame, onError });
    this.#pictures = new PictureOutput(firstSegment, {
      profile,
      encoder: this.#videoEncoder,
      ...(shown ? { shown } : {}),
      signalLoss,
      log,
      counters: this.#counters,
      onFrame,
      onSkip: (toMs) => this.#sound?.skipTo(toMs),
      onError,
    });
    return this.#pictures;
  }

  // --- the feed's sound ---

  async #onAudio(item: PathItem): Promise<void> {
    if (item.kind !== 'packet') {
      this.#soundPath?.free();
      this.#soundPath = undefined;
      this.#soundClock.reset();
      this.#audioTrack = item.kind === 'open' ? item.track : undefined;
      return;
    }
    try {
      const path = this.#soundPath ?? (await this.#openSoundPath(item.packet));
      await path?.take(item.packet);
    } finally {
      item.packet.free();
    }
  }

  async #openSoundPath(firstPacket: Packet): Promise<SoundPath | undefined> {
    const track = this.#audioTrack;
    if (!track) return undefined;
    this.#soundPath = new SoundPath({
      decoder: await Decoder.open({ track, firstPacket, onError: () => this.#decodeErrorCount++ }),
      profile: this.#options.profile.audio,
      locate: (sourceMs) => this.#locateSound(sourceMs),
      deliver: (block) => {
        this.#sound?.write(block, this.#nowMs());
        this.#arm();
      },
    });
    return this.#soundPath;
  }

  #onAudioFailure(error: unknown): void {
    this.#decodeErrorCount++;
    this.#audioTrack = undefined;
    this.#soundPath?.free();
    this.#soundPath = undefined;
    this.#options.log.error('sound-path-failed', { error: messageOf(error) });
  }

  /** Sound follows the picture's mapping, unless that puts it where no sound of a sane feed can be. */
  #locateSound(sourceMs: number): WallPosition | undefined {
    const nowMs = this.#nowMs();
    this.#soundClock.observe(sourceMs, nowMs);
    if (!this.#sourceClock.mapped) return undefined;
    const wallMs = this.#sourceClock.wallMs(sourceMs);
    const plausible = wallMs > nowMs - MAX_SOUND_DELAY_MS && wallMs < nowMs + MAX_SOUND_LEAD_MS;
    const clock = plausible ? this.#sourceClock : this.#soundClock;
    return { wallMs: clock.wallMs(sourceMs), mapping: clock.mapping };
  }

  // --- the grid ---

  /** Fills what is due, then sets the timer to the next instant at which something falls due. */
  #arm(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#closed) return;
    const nowMs = this.#nowMs();
    const lost = this.#isLost(nowMs);
    const pictureDueMs = this.#pictures?.fill(nowMs, lost, (filler) =>
      slotDueMs(filler, this.#sourceClock, lost),
    );
    const expectsSound = this.#soundPath !== undefined && !lost;
    const soundDueMs = this.#sound?.fill(nowMs, expectsSound, this.#sourceClock.behindMs);
    const dueMs = Math.min(pictureDueMs ?? Number.POSITIVE_INFINITY, soundDueMs ?? Number.POSITIVE_INFINITY);
    this.#timer = setTimeout(() => this.#arm(), Math.max(1, Math.min(dueMs - nowMs, MAX_SLEEP_MS)));
  }

  async #close(): Promise<void> {
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
    for (const queue of [this.#videoQueue, this.#audioQueue]) {
      for (const item of queue.clear()) if (item.kind === 'packet') item.packet.free();
      await queue.idle();
    }
    await this.#readingEarlier?.catch(() => undefined);
    await this.#pictures?.close();
    this.#picturePath?.free();
    this.#soundPath?.free();
    this.#videoEncoder?.free();
    this.#audioEncoder?.free();
    if (this.#hardware.kind === 'nvidia') this.#hardware.device.context.free();
  }
}

/** Sound that the picture's mapping puts further away from now than this has timestamps of its own. */
const MAX_SOUND_DELAY_MS = 3_000;
const MAX_SOUND_LEAD_MS = 1_500;

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
