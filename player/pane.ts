/**
 * One pane: a media element, the engine that fills it, and the rule that it always comes back by itself. It
 * corrects its own playhead when told how late it should be; it does not know of the other panes.
 */

import { DELIVERY_PLANS, type DeliveryMode } from '../domain/delivery.ts';
import type { Rendition } from '../domain/renditions.ts';
import { planInEffect } from './delivery.ts';
import type { Engine, EngineFailure, EngineOptions } from './engines/engine.ts';
import { LatencyNeed, PICTURE_TOLERANCE, SOUND_TOLERANCE } from './latency-controller.ts';
import type { PaneMeasure } from './pane-measure.ts';
import type { PanePhase } from './pane-words.ts';
import { Playhead } from './playhead.ts';
import { Presentation } from './presentation.ts';
import { retryDelayMs } from './retry-delay.ts';
import { Stats, type StatsSample } from './stats.ts';

export interface PaneDependencies {
  readonly streamId: string;
  readonly streamUrl: string;
  /** As of EngineOptions. */
  readonly signedQuery: () => string;
  readonly media: HTMLMediaElement;
  readonly rendition: Rendition;
  readonly serverNowMs: () => number;
  /** @param failedStartCount engines in a row that ended before they showed a picture. */
  readonly makeEngine: (options: EngineOptions, failedStartCount: number) => Engine;
  readonly delivery: () => DeliveryMode;
  /** Never steps back: performance.now(). */
  readonly nowMs: () => number;
  /** Whether nobody can see the page. */
  readonly isHidden: () => boolean;
  /** False while it is known that the server has nothing of this stream. */
  readonly mayStart: () => boolean;
  readonly onChange: () => void;
}

/** A stream that is known not to be there is looked for so often. */
const WAITING_LOOK_MS = 300;
/** A pane whose picture stands still for this long gets a new engine. */
const FROZEN_MAX_MS = 4_000;
/** A new engine must show a picture within this. */
const START_MAX_MS = 10_000;
/** A picture that stands still for this long is a stall. */
const STALL_MIN_MS = 120;
/** A hole in the media is left behind once the playhead has stood before it for this long. */
const HOLE_WAIT_MS = 250;
const FIRST_LATENCY_MS = 350;

/** Reads captions from a stream's bytes (engines/caption-text.ts). */
export interface CaptionReader {
  add(bytes: Uint8Array): void;
  cut(): void;
  textAt(instantMs: number): string;
}

export class Pane {
  readonly streamId: string;
  readonly media: HTMLMediaElement;
  readonly need = new LatencyNeed();
  readonly stats = new Stats();
  readonly presentation: Presentation;
  readonly #dependencies: PaneDependencies;
  readonly #playhead: Playhead;
  #engine: Engine | undefined;
  #phase: PanePhase = 'connecting';
  #problem: string | undefined;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #failureCount = 0;
  #failedStartCount = 0;
  #hasShown = false;
  #engineStartedAtMs = 0;
  #lastTimeS = 0;
  #lastMovedAtMs = 0;
  #stallCounted = false;
  #stallCount = 0;
  #stalledMs = 0;
  #engineCount = 0;
  #earlierRequestCount = 0;
  #earlierByteCount = 0;
  #closed = false;
  #needsClick = false;
  #captions: CaptionReader | undefined;
  #startLatencyMs = FIRST_LATENCY_MS;
  #targetLatencyMs: number | undefined;

  constructor(dependencies: PaneDependencies) {
    this.#dependencies = dependencies;
    this.streamId = dependencies.streamId;
    this.media = dependencies.media;
    const { media, rendition, serverNowMs, nowMs } = dependencies;
    const zeroInstantMs = () => this.#engine?.zeroInstantMs;
    const tolerance = rendition === 'video' ? PICTURE_TOLERANCE : SOUND_TOLERANCE;
    this.presentation = new Presentation(media, () => this.latencyMs);
    this.#playhead = new Playhead({ media, zeroInstantMs, serverNowMs, nowMs, tolerance });
  }

  get phase(): PanePhase {
    return this.#phase;
  }

  get problem(): string | undefined {
    return this.#problem;
  }

  get engine(): Engine | undefined {
    return this.#engine;
  }

  start(latencyMs = this.#firstLatencyMs): void {
    if (this.#closed) return;
    const { streamUrl, signedQuery, rendition, serverNowMs, makeEngine, delivery, nowMs } =
      this.#dependencies;
    clearTimeout(this.#retryTimer);
    if (!this.#dependencies.mayStart()) {
      this.#setPhase('waiting');
      this.#retryTimer = setTimeout(() => this.start(latencyMs), WAITING_LOOK_MS);
      return;
    }
    this.#startLatencyMs = latencyMs;
    this.#playhead.begin(latencyMs);
    this.#engineCount += 1;
    this.#engineStartedAtMs = nowMs();
    this.#hasShown = false;
    this.#lastMovedAtMs = this.#engineStartedAtMs;
    this.need.reset();
    const options: EngineOptions = {
      media: this.media,
      rendition,
      streamUrl,
      signedQuery,
      startLatencyMs: latencyMs,
      latencyMs: () => this.latencyMs ?? this.#startLatencyMs,
      wantedLatencyMs: () => this.#targetLatencyMs ?? this.#startLatencyMs,
      plan: () => planInEffect(delivery(), this.latencyMs ?? this.#startLatencyMs),
      serverNowMs,
      onBytes: (bytes) => {
        if (bytes) this.#captions?.add(bytes);
        else this.#captions?.cut();
      },
      onMedia: () => {
        if (this.#engine === engine) this.#onMedia();
      },
      onFailed: (failure) => {
        if (this.#engine === engine) this.#onFailed(failure);
      },
    };
    const engine = makeEngine(options, this.#failedStartCount);
    this.#engine = engine;
    engine.start();
  }

  /** One beat of the controller. `targetLatencyMs` is undefined while nobody knows what is needed. */
  tick(targetLatencyMs: number | undefined): void {
    const nowMs = this.#dependencies.nowMs();
    const engine = this.#engine;
    this.#targetLatencyMs =
      targetLatencyMs === undefined ? undefined : targetLatencyMs - this.presentation.trimMs;
    this.#sample();
    if (!engine || this.#dependencies.isHidden()) {
      this.#lastMovedAtMs = nowMs;
      return;
    }
    if (!this.#playhead.isPlaced) this.#place();
    else if (this.media.paused) this.#play();
    // A new engine sets the element back to 0, which is no playing.
    const moved = this.#playhead.isPlaced && this.media.currentTime !== this.#lastTimeS;
    this.#lastTimeS = this.media.currentTime;
    if (moved) this.#onMoving(nowMs);
    // What waits for a click stands still for as long as that takes.
    else if (this.#needsClick) this.#lastMovedAtMs = nowMs;
    else this.#onStandingStill(nowMs);
    if (this.#phase !== 'playing') this.presentation.forget();
    else if (this.#targetLatencyMs !== undefined) {
      this.#playhead.hold(this.#targetLatencyMs);
      // On its way to another instant a pane shows frames as they come.
      if (this.media.playbackRate === 1) this.presentation.watch(nowMs);
      else this.presentation.forget();
    }
  }

  /** Unix ms by the server's clock of the picture that is shown. */
  get shownInstantMs(): number | undefined {
    return this.#playhead.shownInstantMs;
  }

  get latencyMs(): number | undefined {
    return this.#playhead.latencyMs;
  }

  /** The instant that all panes share, as this one keeps it: what it shows, without its trim. */
  get sharedInstantMs(): number | undefined {
    const shownMs = this.shownInstantMs;
    return shownMs === undefined ? undefined : shownMs - this.presentation.trimMs;
  }

  /** From the camera's capture to the screen; undefined when the camera does not tell. */
  get glassToGlassMs(): number | undefined {
    const sinceCaptureMs = this.#engine?.sinceCaptureMs;
    const { latencyMs } = this;
    return sinceCaptureMs === undefined || latencyMs === undefined ? undefined : latencyMs + sinceCaptureMs;
  }

  get bufferedEndMs(): number | undefined {
    return this.#playhead.bufferedEndMs;
  }

  get measure(): PaneMeasure {
    const { requestCount, byteCount, droppedFrameCount } = this.#counters;
    return {
      streamId: this.streamId,
      engine: this.#engine?.name ?? 'none',
      phase: this.#phase,
      ...this.#instant,
      ...this.stats.rates,
      neededLatencyMs: this.need.latencyMs,
      glassToGlassMs: this.glassToGlassMs,
      shownInstantMs: this.shownInstantMs,
      stallCount: this.#stallCount,
      stalledMs: this.#stalledMs,
      seekCount: this.#playhead.seekCount,
      engineCount: this.#engineCount,
      requestCount,
      byteCount,
      droppedFrameCount,
    };
  }

  /** @param captions reads them from the bytes that come; undefined turns them off. */
  showCaptions(captions: CaptionReader | undefined): void {
    this.#captions = captions;
    this.#showTextTracks();
  }

  /** What the captions say in the picture that is shown; empty for nothing, or while they are off. */
  get captionText(): string {
    const shownMs = this.shownInstantMs;
    return shownMs === undefined ? '' : (this.#captions?.textAt(shownMs) ?? '');
  }

  /** Stops loading until `start`: nobody looks, and nobody should pay for it. */
  rest(): void {
    clearTimeout(this.#retryTimer);
    this.#dropEngine();
    this.#setPhase('connecting');
  }

  get isResting(): boolean {
    return this.#engine === undefined && this.#phase === 'connecting';
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retryTimer);
    this.#dropEngine();
  }

  get #firstLatencyMs(): number {
    return Math.max(FIRST_LATENCY_MS, DELIVERY_PLANS[this.#dependencies.delivery()].latencyMinMs);
  }

  get #instant(): Pick<StatsSample, 'latencyMs' | 'skewMs' | 'bufferMs' | 'playbackRate'> {
    const { latencyMs, shownInstantMs, bufferedEndMs } = this;
    const targetMs = this.#targetLatencyMs;
    return {
      latencyMs,
      skewMs: latencyMs === undefined || targetMs === undefined ? undefined : targetMs - latencyMs,
      bufferMs:
        shownInstantMs === undefined || bufferedEndMs === undefined
          ? undefined
          : bufferedEndMs - shownInstantMs,
      playbackRate: this.media.playbackRate,
    };
  }

  get #counters() {
    const counters = this.#engine?.counters;
    const { media } = this;
    return {
      requestCount: this.#earlierRequestCount + (counters?.requestCount ?? 0),
      byteCount: this.#earlierByteCount + (counters?.byteCount ?? 0),
      droppedFrameCount: isVideo(media) ? media.getVideoPlaybackQuality().droppedVideoFrames : 0,
      stallCount: this.#stallCount,
    };
  }

  /** Engines that read captions by themselves put them into tracks of the element. */
  #showTextTracks(): void {
    for (const track of this.media.textTracks ?? [])
      track.mode = this.#captions === undefined ? 'hidden' : 'showing';
  }

  #sample(): void {
    const unixMs = this.#dependencies.serverNowMs();
    if (!this.stats.isDue(unixMs)) return;
    this.stats.add(unixMs, this.#instant, this.#counters);
    this.#showTextTracks();
  }

  #onMedia(): void {
    const { bufferedEndMs } = this;
    if (bufferedEndMs === undefined) return;
    this.#playhead.mediaCame();
    this.need.arrived(this.#dependencies.serverNowMs(), bufferedEndMs);
    if (!this.#playhead.isPlaced) this.#place();
  }

  #place(): void {
    const placesItself = this.#engine?.placesItself === true;
    const isPlaced = placesItself ? this.#playhead.isPlacedByBrowser() : this.#playhead.place();
    if (isPlaced || (placesItself && this.media.paused)) this.#play();
  }

  #onMoving(nowMs: number): void {
    if (this.#stallCounted) this.#stalledMs += nowMs - this.#lastMovedAtMs;
    this.#stallCounted = false;
    this.#lastMovedAtMs = nowMs;
    this.#failureCount = 0;
    this.#failedStartCount = 0;
    this.#hasShown = true;
    this.#setPhase('playing');
  }

  #onStandingStill(nowMs: number): void {
    const stillMs = nowMs - this.#lastMovedAtMs;
    const hadPicture = this.#phase === 'playing' || this.#phase === 'stalled';
    if (hadPicture && stillMs > STALL_MIN_MS && !this.#stallCounted && !this.media.seeking) {
      this.#stallCounted = true;
      if (this.#playhead.isSettled) {
        this.#stallCount += 1;
        this.need.stalled();
      }
    }
    if (hadPicture && stillMs > 2 * STALL_MIN_MS) this.#setPhase('stalled');
    if (stillMs > HOLE_WAIT_MS && this.#playhead.isPlaced) this.#playhead.leaveHole();
    const limitMs = hadPicture ? FROZEN_MAX_MS : START_MAX_MS;
    if (stillMs > limitMs && nowMs - this.#engineStartedAtMs > limitMs) {
      // Media that came and was never seen is the browser's fault, not the network's.
      const isUnplayable = !this.#hasShown && (this.#engine?.counters.byteCount ?? 0) > 0;
      const kind = isUnplayable ? 'unplayable' : 'broken';
      this.#onFailed({ kind, reason: 'No new picture arrives.' });
    }
  }

  /** The browser plays no sound before the person has clicked somewhere (HTML, 4.8.11.8, "allowed to play"). */
  get needsClick(): boolean {
    return this.#needsClick;
  }

  #play(): void {
    this.media.play().then(
      () => this.#setNeedsClick(false),
      // The next beat asks again.
      (error: unknown) => {
        if (error instanceof DOMException && error.name === 'NotAllowedError') this.#setNeedsClick(true);
      },
    );
  }

  #setNeedsClick(needsClick: boolean): void {
    if (this.#needsClick === needsClick) return;
    this.#needsClick = needsClick;
    this.#dependencies.onChange();
  }

  #onFailed(failure: EngineFailure): void {
    this.#dropEngine();
    this.#problem = failure.reason;
    this.#failureCount += 1;
    // A stream that is not there, or a server that does not answer, says nothing against the engine.
    const blamesEngine = failure.kind === 'unplayable' || failure.kind === 'unsupported';
    if (blamesEngine && !this.#hasShown) this.#failedStartCount += 1;
    this.#setPhase(
      failure.kind === 'not-there' ? 'waiting' : failure.kind === 'ended' ? 'ended' : 'reconnecting',
    );
    // An ended stream may be started again by its operator, and a browser may be able to play the next one.
    this.#retryTimer = setTimeout(() => this.start(), retryDelayMs(this.#failureCount));
  }

  #dropEngine(): void {
    const engine = this.#engine;
    this.#engine = undefined;
    if (!engine) return;
    this.#earlierRequestCount += engine.counters.requestCount;
    this.#earlierByteCount += engine.counters.byteCount;
    engine.destroy();
  }

  #setPhase(phase: PanePhase): void {
    if (this.#phase === phase) return;
    this.#phase = phase;
    if (phase === 'playing') this.#problem = undefined;
    this.#dependencies.onChange();
  }
}

function isVideo(media: HTMLMediaElement): media is HTMLVideoElement {
  return 'getVideoPlaybackQuality' in media;
}
