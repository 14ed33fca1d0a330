/**
 * Runs inside the page: reads the clock from the pixels of every video, at the moment at which a frame is
 * shown. Only the block of the code is copied, scaled down to a few pixels per cell, and only some frames are
 * read: the probe must not be what makes the page slow.
 */
import { CODE_COLUMNS, CODE_ROWS, codeRect, decodeClock } from '../tools/feeds/clock-code.ts';

/** What one pane showed while it was watched. */
export interface PaneRecord {
  readonly feedNumber: number;
  /** Of each frame that was read: shown minus captured. */
  readonly latenciesMs: readonly number[];
  /** Of each frame that was read, wall clock. */
  readonly shownAtMs: readonly number[];
  readonly frameCount: number;
  readonly unreadableCount: number;
  /** Times in which no new picture came, longer than `STALL_MS`: how long each lasted. */
  readonly stallsMs: readonly number[];
  /** Where each of them ended, wall clock. */
  readonly stallEndsMs: readonly number[];
  readonly waitingEventCount: number;
  readonly droppedFrameCount: number;
}

export interface ProbeRecord {
  readonly panes: readonly PaneRecord[];
  /** Greatest difference between the instants that the panes showed, several times a second. */
  readonly skewsMs: readonly number[];
}

export interface ProbeSettings {
  /** A feed that repeats itself shows the past by whole rounds of this length. */
  readonly loopMs?: number;
}

declare global {
  interface Window {
    mirrorProbe: { readonly reset: () => void; readonly read: () => ProbeRecord };
    mirrorProbeSettings?: ProbeSettings;
  }
}

const PIXELS_PER_CELL = 4;
/** At 30 frames a second, six readings a second. */
const FRAMES_PER_READING = 5;
/** Six frames at 30 a second. */
const STALL_MS = 200;
const SKEW_EVERY_MS = 200;
const LOOK_FOR_VIDEOS_EVERY_MS = 250;

class PaneProbe {
  readonly video: HTMLVideoElement;
  private readonly canvas: OffscreenCanvas;
  private readonly context: OffscreenCanvasRenderingContext2D;
  private base: { atMs: number; mediaTimeMs: number; feedNumber: number } | undefined;
  private lastMediaTimeMs = -1;
  private lastFrameAtMs = 0;
  private countdown = 0;
  private droppedBefore = 0;
  private latenciesMs: number[] = [];
  private shownAtMs: number[] = [];
  private stallsMs: number[] = [];
  private stallEndsMs: number[] = [];
  private frameCount = 0;
  private unreadableCount = 0;
  private waitingEventCount = 0;

  constructor(video: HTMLVideoElement) {
    this.video = video;
    this.canvas = new OffscreenCanvas(CODE_COLUMNS * PIXELS_PER_CELL, CODE_ROWS * PIXELS_PER_CELL);
    const context = this.canvas.getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error('no 2d context');
    this.context = context;
    video.addEventListener('waiting', () => {
      this.waitingEventCount += 1;
    });
    this.next();
  }

  reset(): void {
    this.latenciesMs = [];
    this.shownAtMs = [];
    this.stallsMs = [];
    this.stallEndsMs = [];
    this.frameCount = 0;
    this.unreadableCount = 0;
    this.waitingEventCount = 0;
    this.lastFrameAtMs = Date.now();
    this.droppedBefore = this.video.getVideoPlaybackQuality().droppedVideoFrames;
  }

  /** The instant that the pane shows now, by the last clock that was read and the media time since. */
  get shownInstantMs(): number | undefined {
    return this.base && this.base.atMs + this.lastMediaTimeMs - this.base.mediaTimeMs;
  }

  get record(): PaneRecord {
    const openStallMs = Date.now() - this.lastFrameAtMs;
    const open = openStallMs > STALL_MS ? [openStallMs] : [];
    return {
      feedNumber: this.base?.feedNumber ?? -1,
      latenciesMs: this.latenciesMs,
      shownAtMs: this.shownAtMs,
      frameCount: this.frameCount,
      unreadableCount: this.unreadableCount,
      stallsMs: [...this.stallsMs, ...open],
      stallEndsMs: [...this.stallEndsMs, ...open.map(() => Date.now())],
      waitingEventCount: this.waitingEventCount,
      droppedFrameCount: this.video.getVideoPlaybackQuality().droppedVideoFrames - this.droppedBefore,
    };
  }

  private next(): void {
    this.video.requestVideoFrameCallback((nowMs, metadata) => {
      this.onFrame(nowMs, metadata);
      this.next();
    });
  }

  private onFrame(nowMs: number, metadata: VideoFrameCallbackMetadata): void {
    const mediaTimeMs = metadata.mediaTime * 1000;
    if (mediaTimeMs === this.lastMediaTimeMs) return;
    const wallMs = Date.now();
    const sinceLastMs = wallMs - this.lastFrameAtMs;
    if (this.lastFrameAtMs > 0 && sinceLastMs > STALL_MS) {
      this.stallsMs.push(sinceLastMs);
      this.stallEndsMs.push(wallMs);
    }
    this.lastFrameAtMs = wallMs;
    this.lastMediaTimeMs = mediaTimeMs;
    this.frameCount += 1;
    if (this.countdown > 0) {
      this.countdown -= 1;
      return;
    }
    this.countdown = FRAMES_PER_READING - 1;
    // The frame reaches the screen a little after this call.
    const shownAtMs = wallMs + Math.max(0, metadata.expectedDisplayTime - nowMs);
    this.readClock(mediaTimeMs, shownAtMs);
  }

  private readClock(mediaTimeMs: number, shownAtMs: number): void {
    const { videoWidth, videoHeight } = this.video;
    const code = codeRect({ widthPx: videoWidth, heightPx: videoHeight });
    const { width, height } = this.canvas;
    this.context.drawImage(this.video, code.x, code.y, code.width, code.height, 0, 0, width, height);
    const { data } = this.context.getImageData(0, 0, width, height);
    const clock = decodeClock(
      { data, widthPx: width, heightPx: height, channels: 4 },
      { x: 0, y: 0, width, height },
    );
    if (!clock) {
      this.unreadableCount += 1;
      return;
    }
    const { loopMs = Infinity } = window.mirrorProbeSettings ?? {};
    const sinceCaptureMs = shownAtMs - clock.atMs;
    const latencyMs = loopMs === Infinity ? sinceCaptureMs : sinceCaptureMs % loopMs;
    this.base = { atMs: shownAtMs - latencyMs, mediaTimeMs, feedNumber: clock.feedNumber };
    this.latenciesMs.push(latencyMs);
    this.shownAtMs.push(shownAtMs);
  }
}

const probes: PaneProbe[] = [];
let skewsMs: number[] = [];

function lookForVideos(): void {
  for (const video of document.querySelectorAll('video'))
    if (!probes.some((probe) => probe.video === video)) probes.push(new PaneProbe(video));
}

setInterval(lookForVideos, LOOK_FOR_VIDEOS_EVERY_MS);
setInterval(() => {
  const shown = probes.flatMap((probe) => probe.shownInstantMs ?? []);
  if (shown.length > 1) skewsMs.push(Math.max(...shown) - Math.min(...shown));
}, SKEW_EVERY_MS);

window.mirrorProbe = {
  reset() {
    skewsMs = [];
    for (const probe of probes) probe.reset();
  },
  read: () => ({ panes: probes.map((probe) => probe.record), skewsMs }),
};
