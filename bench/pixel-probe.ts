/**
 * Runs inside the page: reads the clock from the pixels of every video, at the moment at which a frame is
 * shown. Only the block of the code is copied, out of the frame as the decoder left it (drawing it onto a canvas
 * turns the whole picture into RGB first, which took six times as long), and only some frames are looked at, since
 * each one that is makes the page draw anew: the probe must not be what makes it slow.
 */
import { FRAME_MS } from '../domain/profile.ts';
import { type ClockReading, codeRect, decodeClock } from '../tools/feeds/clock-code.ts';

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

/** Formats that begin with a plane of luma, a byte for each pixel. */
const LUMA_FIRST: ReadonlySet<string | null> = new Set(['I420', 'NV12']);
/**
 * Between two readings, by turns, six or seven a second. Four frames and five: a feed of half the rendition's rate
 * shows each picture in two frames, and readings of only the first or only the second ones would put its pane a
 * frame away from where it is.
 */
const READING_PAUSES_MS = [120, 150] as const;
const STALL_MS = 200;
/** Eight seconds of readings. Of a feed of half the rate only every second one says the least. */
const ZEROS_KEPT = 60;
/** What the low ones of the readings say counts; the lowest alone could be a mistake. */
const LOW_SHARE = 0.1;
/** A feed that was put elsewhere on the timeline says so in each reading; what was read before is then of no use. */
const MOVED_BEYOND_MS = 100;
const MOVED_COUNT = 5;
/** Playing never goes back as far as this. */
const ENGINE_STEP_MS = 2_000;
const SKEW_EVERY_MS = 200;
const LOOK_FOR_VIDEOS_EVERY_MS = 250;

class PaneProbe {
  readonly video: HTMLVideoElement;
  private pixels = new Uint8Array(0);
  private zerosMs: number[] = [];
  private movedCount = 0;
  private feedNumber = -1;
  private lastMediaTimeMs = -1;
  private lastFrameAtMs = 0;
  /** When that frame reached the screen, which is a little before or after the page was told. */
  private lastShownAtMs = 0;
  /** As the browser counts them. */
  private presentedCount = 0;
  private droppedBefore = 0;
  private latenciesMs: number[] = [];
  private shownAtMs: number[] = [];
  private stallsMs: number[] = [];
  private stallEndsMs: number[] = [];
  private frameCount = 0;
  private readingCount = 0;
  private unreadableCount = 0;
  private waitingEventCount = 0;

  constructor(video: HTMLVideoElement) {
    this.video = video;
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

  /**
   * Where the pane is now: by the clocks that were read, the media time of the last frame that was looked at, and
   * the time since it reached the screen, which is negative while it has yet to. A pane that stands still gains no
   * more than the time between two readings by that.
   */
  get shownInstantMs(): number | undefined {
    if (this.zeroMs === undefined) return undefined;
    const sinceMs = Date.now() - this.lastShownAtMs;
    return this.zeroMs + this.lastMediaTimeMs + Math.min(sinceMs, READING_PAUSES_MS[1] + 2 * FRAME_MS);
  }

  /** The instant at media time 0, which is the same for all frames of an engine. */
  private get zeroMs(): number | undefined {
    return [...this.zerosMs].sort((a, b) => a - b)[Math.floor(this.zerosMs.length * LOW_SHARE)];
  }

  get record(): PaneRecord {
    const openStallMs = Date.now() - this.lastFrameAtMs;
    const open = openStallMs > STALL_MS ? [openStallMs] : [];
    return {
      feedNumber: this.feedNumber,
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
      this.readingCount += 1;
      setTimeout(() => this.next(), READING_PAUSES_MS[this.readingCount % 2]);
    });
  }

  private onFrame(nowMs: number, metadata: VideoFrameCallbackMetadata): void {
    const mediaTimeMs = metadata.mediaTime * 1000;
    if (mediaTimeMs === this.lastMediaTimeMs) return;
    // A new engine begins its own time.
    if (mediaTimeMs < this.lastMediaTimeMs - ENGINE_STEP_MS) this.zerosMs = [];
    const wallMs = Date.now();
    const frameCount = Math.max(1, metadata.presentedFrames - this.presentedCount);
    // Pictures that nobody looked at came in between; those that are missing may all have been missing at once.
    const stillMs = wallMs - this.lastFrameAtMs - (frameCount - 1) * FRAME_MS;
    if (this.lastFrameAtMs > 0 && stillMs > STALL_MS) {
      this.stallsMs.push(stillMs);
      this.stallEndsMs.push(wallMs);
    }
    this.lastFrameAtMs = wallMs;
    this.lastMediaTimeMs = mediaTimeMs;
    this.presentedCount = metadata.presentedFrames;
    this.frameCount += frameCount;
    // The frame reaches the screen a little after this call.
    const shownAtMs = wallMs + Math.max(0, metadata.expectedDisplayTime - nowMs);
    this.lastShownAtMs = wallMs + metadata.expectedDisplayTime - performance.now();
    void this.readClock(mediaTimeMs, shownAtMs);
  }

  private async readClock(mediaTimeMs: number, shownAtMs: number): Promise<void> {
    // A page that is told late of a frame gets the pixels of the next one: the frame says itself which it is.
    const frame = new VideoFrame(this.video);
    const pixelsAtMs = frame.timestamp / 1000;
    const clock = await this.clockOf(frame);
    if (!clock) {
      this.unreadableCount += 1;
      return;
    }
    const { loopMs = Infinity } = window.mirrorProbeSettings ?? {};
    const sinceCaptureMs = shownAtMs - clock.atMs;
    const unloopedMs = loopMs === Infinity ? sinceCaptureMs : sinceCaptureMs % loopMs;
    this.learnZero(shownAtMs - unloopedMs - pixelsAtMs);
    this.feedNumber = clock.feedNumber;
    this.latenciesMs.push(shownAtMs - (this.zeroMs ?? 0) - mediaTimeMs);
    this.shownAtMs.push(shownAtMs);
  }

  private learnZero(zeroMs: number): void {
    const isMoved = Math.abs(zeroMs - (this.zeroMs ?? zeroMs)) > MOVED_BEYOND_MS;
    this.movedCount = isMoved ? this.movedCount + 1 : 0;
    const kept = this.movedCount === MOVED_COUNT ? this.zerosMs.slice(1 - MOVED_COUNT) : this.zerosMs;
    this.zerosMs = [...kept, zeroMs].slice(-ZEROS_KEPT);
  }

  private async clockOf(frame: VideoFrame): Promise<ClockReading | undefined> {
    try {
      if (!LUMA_FIRST.has(frame.format)) return undefined;
      const { displayWidth, displayHeight } = frame;
      const rect = codeRect({ widthPx: displayWidth, heightPx: displayHeight });
      const byteCount = frame.allocationSize({ rect });
      if (this.pixels.length < byteCount) this.pixels = new Uint8Array(byteCount);
      const [luma] = await frame.copyTo(this.pixels, { rect });
      const { width, height } = rect;
      return decodeClock(
        {
          data: this.pixels,
          widthPx: width,
          heightPx: height,
          channels: 1,
          strideBytes: luma?.stride ?? width,
        },
        { x: 0, y: 0, width, height },
      );
    } finally {
      frame.close();
    }
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
