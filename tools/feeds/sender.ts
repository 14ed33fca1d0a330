/**
 * A camera and encoder in one: draws the scene at exact instants, encodes it, and sends it to a receiver.
 *
 * Frames are scheduled by absolute deadlines. The clock burned into a frame is the deadline itself, as a
 * camera's shutter would be, so that whatever the sender adds after it counts as latency. A sender that falls
 * behind drops frames, as a live encoder does; it never sends a burst of old pictures.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { AV_LOG_FATAL } from 'node-av/constants';
import { Log as AvLog, type Packet } from 'node-av/lib';
import { SAMPLE_RATE_HZ } from './audio-encoder.ts';
import {
  type AudioSource,
  encodeMsPerFrame,
  loopAudio,
  openLiveAudio,
  openLiveVideo,
  rehearse,
  type VideoSource,
} from './camera.ts';
import { captureSei } from './capture-sei.ts';
import { DeviceClock } from './device-clock.ts';
import { type FeedInput, type FeedOptions, parseFeedOptions } from './options.ts';
import { type FeedOutput, needsGlobalHeader, openOutput } from './output.ts';
import { TS_CLOCK_HZ } from './ts-muxer.ts';

/** What a feed has sent so far. */
export interface FeedCounters {
  readonly frameCount: number;
  readonly droppedFrameCount: number;
  readonly byteCount: number;
  /** From the instant of capture until the last frame was handed to the network. */
  readonly sendDelayMs: number;
  readonly maxSendDelayMs: number;
}

/** What is known once the receiver was reached. */
export interface FeedConnection {
  /** Wall clock of the first frame, Unix milliseconds. */
  readonly startMs: number;
  /** For a receiver of elementary streams in RTP. */
  readonly sdp?: string;
}

const MAX_LATE_FRAMES = 3;
/** A rehearsal is done before its first frame is due: half as long again as a trial says, and a little. */
const REHEARSAL_MARGIN = 1.5;
const REHEARSAL_SLACK_MS = 2_000;
const CONNECT_AHEAD_MS = 200;

interface Camera {
  readonly video: VideoSource;
  readonly audio: AudioSource | undefined;
  readonly clock: DeviceClock;
}

export class FeedSender {
  readonly options: FeedOptions;
  /** Resolves once the receiver was reached. Stays pending when `run` ends before that. */
  readonly connected: Promise<FeedConnection>;
  private readonly counters = {
    frameCount: 0,
    droppedFrameCount: 0,
    byteCount: 0,
    sendDelayMs: 0,
    maxSendDelayMs: 0,
  };
  private markConnected: (connection: FeedConnection) => void = () => undefined;
  private addedJumpMs = 0;
  private paused = false;
  /** A rehearsal outlasts its connection: to encode it anew would take the CPU that it is there to save. */
  private rehearsed: Camera | undefined;

  /** @throws MirrorError `FEED_OPTIONS`. */
  constructor(input: FeedInput) {
    this.options = parseFeedOptions(input);
    this.connected = new Promise((resolve) => {
      this.markConnected = resolve;
    });
  }

  snapshot(): FeedCounters {
    return { ...this.counters };
  }

  /** Moves all later timestamps. */
  jump(byMs: number): void {
    this.addedJumpMs += byMs;
  }

  /** Sends nothing until `resume`; the connection stays, and the feed's clock goes on. */
  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  /**
   * Connects and sends until the signal aborts or `durationMs` has passed; both end the connection cleanly. After
   * an error it may be called again.
   *
   * @throws MirrorError `FEED_CONNECT`, `FEED_SEND`, `FEED_CODEC`.
   */
  async run(signal: AbortSignal): Promise<void> {
    // FFmpeg's own line about a failed connection holds the whole address, passphrase included.
    AvLog.setLevel(AV_LOG_FATAL);
    const camera = this.rehearsed ?? (await this.openCamera());
    if (this.options.rehearsedMs !== undefined) this.rehearsed = camera;
    let ended = true;
    let output: FeedOutput | undefined;
    try {
      // A receiver takes a connection on which nothing comes for a bad feed.
      const idleMs = camera.clock.untilMs(-CONNECT_AHEAD_MS);
      if (idleMs > 0) await sleep(idleMs, undefined, { signal });
      const contexts = [camera.video, camera.audio].flatMap((source) => source?.context ?? []);
      output = await openOutput(this.options, contexts, signal);
      // A live camera is at its first frame now; a rehearsed one knows when that is due.
      if (this.options.rehearsedMs === undefined) camera.clock.restart(Date.now());
      const { sdp } = output;
      this.markConnected({ startMs: camera.clock.startMs, ...(sdp === undefined ? {} : { sdp }) });
      await this.send(camera, output, signal);
    } catch (error) {
      if (signal.aborted) return;
      ended = this.options.rehearsedMs === undefined;
      throw error;
    } finally {
      await output?.close();
      if (ended) this.close(camera);
    }
  }

  private close(camera: Camera): void {
    this.rehearsed = undefined;
    camera.audio?.close();
    camera.video.close();
  }

  private async openCamera(): Promise<Camera> {
    const { options } = this;
    const headers = { globalHeader: needsGlobalHeader(options) };
    const live = await openLiveVideo(options, headers);
    const audio = await openLiveAudio(options, headers);
    const camera: Camera = {
      video: live,
      // Sound repeats itself anyway; a drifting clock moves its beeps.
      audio: audio && options.driftPpm === 0 ? await loopAudio(audio) : audio,
      clock: new DeviceClock({ startMs: Date.now(), driftPpm: options.driftPpm }),
    };
    if (options.rehearsedMs === undefined) return camera;
    const frameCount = Math.round(options.rehearsedMs / this.frameMs());
    const neededMs = frameCount * (await encodeMsPerFrame(options)) * REHEARSAL_MARGIN + REHEARSAL_SLACK_MS;
    const { clock } = camera;
    clock.restart(Math.ceil(Date.now() + neededMs));
    const video = await rehearse(live, frameCount, (index) => clock.wallMs(index * this.frameMs()));
    return { ...camera, video };
  }

  private frameMs(): number {
    const { num, den } = this.options.frameRate;
    return (1000 * den) / num;
  }

  private async send(
    { video, audio, clock }: Camera,
    output: FeedOutput,
    signal: AbortSignal,
  ): Promise<void> {
    const frameMs = this.frameMs();
    const audioFrameMs = audio ? (audio.frameSampleCount * 1000) / SAMPLE_RATE_HZ : Infinity;
    const { durationMs = Infinity } = this.options;
    // A rehearsal that goes on after an interruption goes on where its clock is.
    const goneMs = Math.max(0, -clock.untilMs(0));
    let videoIndex = Math.floor(goneMs / frameMs);
    let audioIndex = audio ? Math.floor(goneMs / audioFrameMs) : 0;
    while (!signal.aborted) {
      const videoDueMs = videoIndex * frameMs;
      // An audio frame is complete when its last sample was heard.
      const audioDueMs = (audioIndex + 1) * audioFrameMs;
      const dueMs = Math.min(videoDueMs, audioDueMs);
      if (dueMs >= durationMs) return;
      const waitMs = clock.untilMs(dueMs);
      if (waitMs > 0) await sleep(waitMs, undefined, { signal });
      const silent = this.isPaused(dueMs);

      if (audio && audioDueMs < videoDueMs) {
        const startMs = audioIndex * audioFrameMs;
        const delayMs = (audio.delaySampleCount * 1000) / SAMPLE_RATE_HZ;
        const ptsTicks = this.ptsTicks(startMs - delayMs, dueMs);
        if (!silent)
          await audio.encode(audioIndex, clock.wallMs(startMs), (packet, repeated) =>
            this.deliver(output, { streamIndex: 1, packet, repeated, ptsTicks }),
          );
        audioIndex++;
        continue;
      }
      const late = -clock.untilMs(videoDueMs) > MAX_LATE_FRAMES * frameMs;
      if (late && !silent) this.counters.droppedFrameCount++;
      if (!late && !silent) {
        const ptsTicks = this.ptsTicks(videoDueMs, dueMs);
        const captureMs = clock.wallMs(videoDueMs);
        await video.encode(videoIndex, captureMs, (packet, repeated) =>
          this.deliverPicture(output, { packet, repeated, ptsTicks }, captureMs),
        );
        this.countFrame(-clock.untilMs(videoDueMs));
      }
      videoIndex++;
    }
  }

  private countFrame(sendDelayMs: number): void {
    this.counters.frameCount++;
    this.counters.sendDelayMs = sendDelayMs;
    this.counters.maxSendDelayMs = Math.max(this.counters.maxSendDelayMs, sendDelayMs);
  }

  /** A picture that says when it was captured is another one in each round. */
  private async deliverPicture(
    output: FeedOutput,
    item: { packet: Packet; repeated: Packet | undefined; ptsTicks: number },
    captureMs: number,
  ): Promise<void> {
    if (this.options.captureTime === 'none') return this.deliver(output, { streamIndex: 0, ...item });
    const { packet, ptsTicks } = item;
    packet.data = Buffer.concat([captureSei(this.options, captureMs), packet.data ?? Buffer.alloc(0)]);
    await this.deliver(output, { streamIndex: 0, packet, repeated: undefined, ptsTicks });
  }

  private async deliver(
    output: FeedOutput,
    item: { streamIndex: number; packet: Packet; repeated: Packet | undefined; ptsTicks: number },
  ): Promise<void> {
    const { streamIndex, packet, repeated, ptsTicks } = item;
    this.counters.byteCount += await output.write(streamIndex, packet, ptsTicks, repeated);
  }

  private ptsTicks(deviceMs: number, nowMs: number): number {
    let jumpMs = this.addedJumpMs;
    for (const { atMs, byMs } of this.options.timestampJumps) if (nowMs >= atMs) jumpMs += byMs;
    return this.options.startPtsTicks + Math.round(((deviceMs + jumpMs) * TS_CLOCK_HZ) / 1000);
  }

  private isPaused(nowMs: number): boolean {
    return (
      this.paused || this.options.pauses.some(({ atMs, forMs }) => nowMs >= atMs && nowMs < atMs + forMs)
    );
  }
}
