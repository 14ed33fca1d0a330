/**
 * A camera and encoder in one: draws the scene at exact instants, encodes it, and sends it to a receiver.
 *
 * Frames are scheduled by absolute deadlines. The clock burned into a frame is the deadline itself, as a
 * camera's shutter would be, so that whatever the sender adds after it counts as latency. A sender that falls
 * behind drops frames, as a live encoder does; it never sends a burst of old pictures.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { AV_LOG_ERROR } from 'node-av/constants';
import { Log as AvLog, type Packet } from 'node-av/lib';
import { AudioEncoder, SAMPLE_RATE_HZ } from './audio-encoder.ts';
import { Corruption } from './corruption.ts';
import { DeviceClock } from './device-clock.ts';
import { type FeedInput, type FeedOptions, parseFeedOptions } from './options.ts';
import { Scene } from './scene.ts';
import { type FeedSink, openRtpMpegts, openSrt } from './sinks.ts';
import { themeOf } from './themes.ts';
import { Tone } from './tone.ts';
import { TS_CLOCK_HZ, TsMuxer } from './ts-muxer.ts';
import { VideoEncoder } from './video-encoder.ts';

/** What a feed has sent so far. */
export interface FeedCounters {
  readonly frameCount: number;
  readonly droppedFrameCount: number;
  readonly byteCount: number;
  /** From the instant of capture until the frame was handed to the network, of the last frame. */
  readonly sendDelayMs: number;
}

const MAX_LATE_FRAMES = 3;

export class FeedSender {
  readonly options: FeedOptions;
  private readonly counters = { frameCount: 0, droppedFrameCount: 0, byteCount: 0, sendDelayMs: 0 };
  private markConnected: () => void = () => undefined;
  /** Resolves once the receiver was reached. Stays pending when `run` ends before that. */
  readonly connected: Promise<void>;
  private addedJumpMs = 0;
  private paused = false;

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
   * Connects and sends until the signal aborts or `durationMs` has passed; both end the connection cleanly.
   *
   * @throws MirrorError `FEED_CONNECT`, `FEED_SEND`, `FEED_CODEC`.
   */
  async run(signal: AbortSignal): Promise<void> {
    AvLog.setLevel(AV_LOG_ERROR);
    const { options } = this;
    const tone = new Tone({
      toneHz: themeOf(options.feedNumber).toneHz,
      sampleRateHz: SAMPLE_RATE_HZ,
      beep: options.beep,
    });
    const video = await VideoEncoder.open(options);
    const audio = await AudioEncoder.open(options, tone);
    const contexts = audio ? [video.context, audio.context] : [video.context];
    const muxer = await TsMuxer.open(contexts, options);
    let sink: FeedSink | undefined;
    try {
      sink = options.to.startsWith('srt:')
        ? await openSrt(options.to, { connectTimeoutMs: options.connectTimeoutMs, signal })
        : await openRtpMpegts(options.to);
      this.markConnected();
      await this.send({ video, audio, muxer, sink, signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      await sink?.close();
      await muxer.close();
      audio?.close();
      video.close();
    }
  }

  private async send(parts: {
    video: VideoEncoder;
    audio: AudioEncoder | undefined;
    muxer: TsMuxer;
    sink: FeedSink;
    signal: AbortSignal;
  }): Promise<void> {
    const { video, audio, muxer, sink, signal } = parts;
    const { options } = this;
    const { num, den } = options.frameRate;
    const clock = new DeviceClock({ startMs: Date.now(), driftPpm: options.driftPpm });
    const corruption = new Corruption(options);
    const scene = new Scene(options);
    const frameMs = (1000 * den) / num;
    let frameIndex = 0;
    let sampleIndex = 0;

    while (!signal.aborted) {
      const videoDueMs = frameIndex * frameMs;
      // An audio frame is complete when its last sample was heard.
      const audioDueMs = audio ? ((sampleIndex + audio.frameSampleCount) * 1000) / SAMPLE_RATE_HZ : Infinity;
      const dueMs = Math.min(videoDueMs, audioDueMs);
      if (options.durationMs !== undefined && dueMs >= options.durationMs) return;
      const waitMs = clock.untilMs(dueMs);
      if (waitMs > 0) await sleep(waitMs, undefined, { signal });
      const silent = this.isPaused(dueMs);

      if (audio && audioDueMs < videoDueMs) {
        const firstSample = sampleIndex;
        sampleIndex += audio.frameSampleCount;
        if (silent) continue;
        const ptsTicks = this.ptsTicks((firstSample * 1000) / SAMPLE_RATE_HZ, dueMs);
        const toneSample = firstSample + Math.round((clock.startMs % 1000) * (SAMPLE_RATE_HZ / 1000));
        await audio.encode(firstSample, toneSample, (packet) =>
          this.deliver({ muxer, sink, corruption, streamIndex: 1, packet, ptsTicks }),
        );
        continue;
      }
      const late = -clock.untilMs(videoDueMs) > MAX_LATE_FRAMES * frameMs;
      if (silent || late) {
        if (late && !silent) this.counters.droppedFrameCount++;
        frameIndex++;
        continue;
      }
      scene.draw(video.planes, clock.startMs + clock.realMs(videoDueMs));
      const ptsTicks = this.ptsTicks(videoDueMs, dueMs);
      await video.encode(frameIndex, (packet) =>
        this.deliver({ muxer, sink, corruption, streamIndex: 0, packet, ptsTicks }),
      );
      this.counters.frameCount++;
      this.counters.sendDelayMs = -clock.untilMs(videoDueMs);
      frameIndex++;
    }
  }

  private async deliver(item: {
    muxer: TsMuxer;
    sink: FeedSink;
    corruption: Corruption;
    streamIndex: number;
    packet: Packet;
    ptsTicks: number;
  }): Promise<void> {
    const bytes = item.corruption.apply(await item.muxer.write(item.streamIndex, item.packet, item.ptsTicks));
    if (bytes.length === 0) return;
    this.counters.byteCount += bytes.length;
    await item.sink.write(bytes);
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
