/**
 * One pane: a media element, the engine that fills it, and the rule that it always comes back by itself. It
 * corrects its own playhead when told how late it should be; it does not know of the other panes.
 */

import type { Rendition } from '../domain/renditions.ts';
import type { Engine, EngineFailure, EngineOptions } from './engines/engine.ts';
import { correct, LatencyNeed } from './latency-controller.ts';
import type { PanePhase } from './pane-words.ts';

export interface PaneDependencies {
  readonly streamId: string;
  readonly streamUrl: string;
  /** As of EngineOptions. */
  readonly signedQuery: () => string;
  readonly media: HTMLMediaElement;
  readonly rendition: Rendition;
  readonly serverNowMs: () => number;
  readonly makeEngine: (options: EngineOptions) => Engine;
  /** False while it is known that the server has nothing of this stream. */
  readonly mayStart: () => boolean;
  readonly onChange: () => void;
}

/** Waits between two tries to connect: the first, and the longest. */
const RETRY_MIN_MS = 300;
const RETRY_MAX_MS = 2_000;
/** A pane whose picture stands still for this long gets a new engine. */
const FROZEN_MAX_MS = 4_000;
/** A new engine must show a picture within this. */
const START_MAX_MS = 10_000;
/** A picture that stands still for this long is a stall. */
const STALL_MIN_MS = 120;
/** Between two seeks, so that a seek's own waiting does not bring the next one. */
const SEEK_PAUSE_MS = 1_500;
/** A seek shows nothing for a moment: shorter ones are not worth it. */
const SEEK_WORTH_S = 0.08;
/** A hole in the media is left behind once the playhead has stood before it for this long. */
const HOLE_WAIT_MS = 250;
const FIRST_LATENCY_MS = 350;
/** A pane that began so short a time ago may seek for less, once it plays. */
const SETTLE_MS = 4_000;
const SETTLE_BEYOND_MS = 120;
/** Media ahead of the playhead before playing may begin. */
const START_BUFFER_MS = 60;
/** How long a pane waits for media that is as young as it should be. */
const PLACE_WAIT_MS = 400;

export interface PaneMeasure {
  readonly streamId: string;
  readonly engine: string;
  readonly phase: PanePhase;
  readonly latencyMs: number | undefined;
  readonly neededLatencyMs: number | undefined;
  readonly bufferMs: number | undefined;
  readonly shownInstantMs: number | undefined;
  readonly playbackRate: number;
  readonly stallCount: number;
  readonly stalledMs: number;
  readonly seekCount: number;
  readonly engineCount: number;
  readonly requestCount: number;
  readonly byteCount: number;
  readonly droppedFrameCount: number;
}

export class Pane {
  readonly streamId: string;
  readonly media: HTMLMediaElement;
  readonly need = new LatencyNeed();
  readonly #dependencies: PaneDependencies;
  #engine: Engine | undefined;
  #phase: PanePhase = 'connecting';
  #problem: string | undefined;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #failureCount = 0;
  #engineStartedAtMs = 0;
  #lastTimeS = 0;
  #lastMovedAtMs = 0;
  #lastSeekAtMs = 0;
  #stallCounted = false;
  #stallCount = 0;
  #stalledMs = 0;
  #seekCount = 0;
  #engineCount = 0;
  #earlierRequestCount = 0;
  #earlierByteCount = 0;
  #closed = false;
  #startLatencyMs = FIRST_LATENCY_MS;
  /** False until the playhead was put where playing begins. */
  #placed = false;
  #placedAtMs = 0;
  #firstMediaAtMs: number | undefined;

  constructor(dependencies: PaneDependencies) {
    this.#dependencies = dependencies;
    this.streamId = dependencies.streamId;
    this.media = dependencies.media;
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

  start(latencyMs = FIRST_LATENCY_MS): void {
    if (this.#closed) return;
    const { streamUrl, signedQuery, rendition, serverNowMs, makeEngine } = this.#dependencies;
    if (!this.#dependencies.mayStart()) {
      this.#setPhase('waiting');
      this.#retryTimer = setTimeout(() => this.start(latencyMs), RETRY_MIN_MS);
      return;
    }
    this.#startLatencyMs = latencyMs;
    this.#placed = false;
    this.#firstMediaAtMs = undefined;
    this.#engineCount += 1;
    this.#engineStartedAtMs = performance.now();
    this.#lastMovedAtMs = this.#engineStartedAtMs;
    this.need.reset();
    const engine = makeEngine({
      media: this.media,
      rendition,
      streamUrl,
      signedQuery,
      startLatencyMs: latencyMs,
      serverNowMs,
      onMedia: () => {
        if (this.#engine === engine) this.#onMedia();
      },
      onFailed: (failure) => {
        if (this.#engine === engine) this.#onFailed(failure);
      },
    });
    this.#engine = engine;
    engine.start();
  }

  /** One beat of the controller. `targetLatencyMs` is undefined while nobody knows what is needed. */
  tick(targetLatencyMs: number | undefined): void {
    const nowMs = performance.now();
    const engine = this.#engine;
    if (!engine || document.hidden) {
      this.#lastMovedAtMs = nowMs;
      return;
    }
    if (!this.#placed) this.#place();
    else if (this.media.paused) this.#play();
    const moved = this.media.currentTime !== this.#lastTimeS;
    this.#lastTimeS = this.media.currentTime;
    if (moved) this.#onMoving(nowMs);
    else this.#onStandingStill(nowMs);
    if (targetLatencyMs !== undefined && this.#phase === 'playing') this.#hold(targetLatencyMs, nowMs);
  }

  /** Unix ms by the server's clock of the picture that is shown. */
  get shownInstantMs(): number | undefined {
    const zeroInstantMs = this.#engine?.zeroInstantMs;
    if (zeroInstantMs === undefined || this.media.readyState < HTMLMediaElement.HAVE_CURRENT_DATA)
      return undefined;
    return zeroInstantMs + this.media.currentTime * 1000;
  }

  get latencyMs(): number | undefined {
    const shownMs = this.shownInstantMs;
    return shownMs === undefined ? undefined : this.#dependencies.serverNowMs() - shownMs;
  }

  get bufferedEndMs(): number | undefined {
    const zeroInstantMs = this.#engine?.zeroInstantMs;
    const { buffered } = this.media;
    if (zeroInstantMs === undefined || buffered.length === 0) return undefined;
    return zeroInstantMs + buffered.end(buffered.length - 1) * 1000;
  }

  get measure(): PaneMeasure {
    const shownInstantMs = this.shownInstantMs;
    const bufferedEndMs = this.bufferedEndMs;
    const counters = this.#engine?.counters;
    return {
      streamId: this.streamId,
      engine: this.#engine?.name ?? 'none',
      phase: this.#phase,
      latencyMs: this.latencyMs,
      neededLatencyMs: this.need.latencyMs,
      bufferMs:
        shownInstantMs === undefined || bufferedEndMs === undefined
          ? undefined
          : bufferedEndMs - shownInstantMs,
      shownInstantMs,
      playbackRate: this.media.playbackRate,
      stallCount: this.#stallCount,
      stalledMs: this.#stalledMs,
      seekCount: this.#seekCount,
      engineCount: this.#engineCount,
      requestCount: this.#earlierRequestCount + (counters?.requestCount ?? 0),
      byteCount: this.#earlierByteCount + (counters?.byteCount ?? 0),
      droppedFrameCount:
        this.media instanceof HTMLVideoElement ? this.media.getVideoPlaybackQuality().droppedVideoFrames : 0,
    };
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retryTimer);
    this.#dropEngine();
  }

  #onMedia(): void {
    const { bufferedEndMs } = this;
    if (bufferedEndMs === undefined) return;
    this.#firstMediaAtMs ??= performance.now();
    this.need.arrived(this.#dependencies.serverNowMs(), bufferedEndMs);
    if (!this.#placed) this.#place();
  }

  /** Puts the playhead where it belongs as soon as there is media for it, so that a pane begins in step. */
  #place(): void {
    const zeroInstantMs = this.#engine?.zeroInstantMs;
    const { buffered } = this.media;
    if (zeroInstantMs === undefined || buffered.length === 0 || this.#firstMediaAtMs === undefined) return;
    const last = buffered.length - 1;
    const latestS = buffered.end(last) - START_BUFFER_MS / 1000;
    const wantedS = (this.#dependencies.serverNowMs() - this.#startLatencyMs - zeroInstantMs) / 1000;
    // Media that is always later than hoped for is played as late as it is.
    if (wantedS > latestS && performance.now() - this.#firstMediaAtMs < PLACE_WAIT_MS) return;
    this.#placed = true;
    this.#placedAtMs = performance.now();
    this.media.currentTime = Math.max(Math.min(wantedS, latestS), buffered.start(last) + 0.001);
    this.#play();
  }

  #onMoving(nowMs: number): void {
    if (this.#stallCounted) this.#stalledMs += nowMs - this.#lastMovedAtMs;
    this.#stallCounted = false;
    this.#lastMovedAtMs = nowMs;
    this.#failureCount = 0;
    this.#setPhase('playing');
  }

  #onStandingStill(nowMs: number): void {
    const stillMs = nowMs - this.#lastMovedAtMs;
    const hadPicture = this.#phase === 'playing' || this.#phase === 'stalled';
    if (hadPicture && stillMs > STALL_MIN_MS && !this.#stallCounted && !this.media.seeking) {
      this.#stallCounted = true;
      if (nowMs - this.#lastSeekAtMs > SEEK_PAUSE_MS && nowMs - this.#placedAtMs > SETTLE_MS) {
        this.#stallCount += 1;
        this.need.stalled();
      }
    }
    if (hadPicture && stillMs > 2 * STALL_MIN_MS) this.#setPhase('stalled');
    if (stillMs > HOLE_WAIT_MS && this.#placed) this.#leaveHole(nowMs);
    const limitMs = hadPicture ? FROZEN_MAX_MS : START_MAX_MS;
    if (stillMs > limitMs && nowMs - this.#engineStartedAtMs > limitMs) {
      this.#onFailed({ kind: 'broken', reason: 'No new picture arrives.' });
    }
  }

  /** Media that nobody made is a hole; what lies beyond it is later, and playing it is right. */
  #leaveHole(nowMs: number): void {
    const { buffered, currentTime } = this.media;
    if (nowMs - this.#lastSeekAtMs < HOLE_WAIT_MS * 2) return;
    for (let index = 0; index < buffered.length; index++) {
      const startS = buffered.start(index);
      if (startS > currentTime + 0.001) {
        this.#seek(startS + 0.001, nowMs);
        return;
      }
    }
  }

  #hold(targetLatencyMs: number, nowMs: number): void {
    const latencyMs = this.latencyMs;
    if (latencyMs === undefined) return;
    const errorMs = latencyMs - targetLatencyMs;
    const correction = correct(errorMs);
    // Decoders and sound cards take their time to begin: what that cost is made good at once.
    const settles = nowMs - this.#placedAtMs < SETTLE_MS && Math.abs(errorMs) > SETTLE_BEYOND_MS;
    if (correction.kind === 'rate' && !settles) {
      if (this.media.playbackRate !== correction.playbackRate)
        this.media.playbackRate = correction.playbackRate;
      return;
    }
    if (nowMs - this.#lastSeekAtMs < SEEK_PAUSE_MS) return;
    const wantedS = this.media.currentTime + (latencyMs - targetLatencyMs) / 1000;
    const { buffered } = this.media;
    if (buffered.length === 0) return;
    const lastStartS = buffered.start(buffered.length - 1);
    const lastEndS = buffered.end(buffered.length - 1);
    const reachableS = Math.min(Math.max(wantedS, lastStartS), lastEndS - 0.05);
    if (Math.abs(reachableS - this.media.currentTime) > SEEK_WORTH_S) this.#seek(reachableS, nowMs);
  }

  #seek(timeS: number, nowMs: number): void {
    this.#lastSeekAtMs = nowMs;
    this.#seekCount += 1;
    this.media.playbackRate = 1;
    this.media.currentTime = timeS;
  }

  #play(): void {
    // A browser may refuse until the person has clicked; the next beat asks again.
    this.media.play().catch(() => this.#dependencies.onChange());
  }

  #onFailed(failure: EngineFailure): void {
    this.#dropEngine();
    this.#problem = failure.reason;
    this.#failureCount += 1;
    const delayMs = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** (this.#failureCount - 1));
    this.#setPhase(
      failure.kind === 'not-there' ? 'waiting' : failure.kind === 'ended' ? 'ended' : 'reconnecting',
    );
    // An ended stream may be started again by its operator, and a browser may be able to play the next one.
    this.#retryTimer = setTimeout(() => this.start(), delayMs);
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
