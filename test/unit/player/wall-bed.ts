/**
 * A wall without a browser and without waiting: media elements that play what a network of the test's choice
 * brings them, on a clock that the test moves.
 */
import { vi } from 'vitest';
import { EPOCH_MS } from '../../../domain/timeline.ts';
import type { Engine, EngineOptions } from '../../../player/engines/engine.ts';
import type { Pane } from '../../../player/pane.ts';
import { Wall } from '../../../player/wall.ts';

const STEP_MS = 10;
const CONTROL_MS = 100;
const PART_MS = 100;

/** Ranges in seconds, joined where they touch. */
class Ranges {
  ranges: [number, number][] = [];

  add(startS: number, endS: number): void {
    const last = this.ranges.at(-1);
    if (last && startS <= last[1] + 0.001) last[1] = Math.max(last[1], endS);
    else this.ranges.push([startS, endS]);
  }

  get length(): number {
    return this.ranges.length;
  }

  start(index: number): number {
    return this.ranges[index]?.[0] ?? Number.NaN;
  }

  end(index: number): number {
    return this.ranges[index]?.[1] ?? Number.NaN;
  }

  /** How far one can play from an instant without a hole. */
  playableTo(timeS: number): number {
    return this.ranges.find(([startS, endS]) => startS <= timeS && timeS < endS)?.[1] ?? timeS;
  }
}

/** As much of a media element as a pane uses. */
export class FakeMedia {
  buffered = new Ranges();
  currentTime = 0;
  playbackRate = 1;
  paused = true;
  seeking = false;
  ownerDocument = { pictureInPictureElement: null };
  /** How far this element's clock is off the wall clock, parts per million: sound cards are. */
  driftPpm = 0;
  /** A decoder takes its time before the first picture moves. */
  startDelayMs = 0;

  get readyState(): number {
    return this.buffered.playableTo(this.currentTime) > this.currentTime
      ? 4
      : this.buffered.length > 0
        ? 2
        : 0;
  }

  /** The browser waits for a click. */
  isRefused = false;

  play(): Promise<void> {
    if (this.isRefused) return Promise.reject(new DOMException('not allowed', 'NotAllowedError'));
    this.paused = false;
    return Promise.resolve();
  }

  getVideoPlaybackQuality(): { droppedVideoFrames: number } {
    return { droppedVideoFrames: 0 };
  }

  advance(ms: number): void {
    if (this.paused) return;
    if (this.startDelayMs > 0) {
      this.startDelayMs -= ms;
      return;
    }
    const wantedS = this.currentTime + (ms * this.playbackRate * (1 + this.driftPpm / 1e6)) / 1000;
    this.currentTime = Math.min(wantedS, this.buffered.playableTo(this.currentTime));
  }
}

/** What the network does to one stream; tests change it while it runs. */
export interface Network {
  /** How long after a part's end it is in hand. */
  delayMs: (partOrdinal: number) => number;
  /** Whether a part is a gap. */
  isGap: (partOrdinal: number) => boolean;
  isCut: boolean;
  /** 403 to everything that is asked for with another signature. */
  signature: string;
}

/** Brings parts at the pace of a network, without requests of its own. */
export class FakeEngine implements Engine {
  readonly name = 'clock-mse';
  readonly counters = { requestCount: 0, byteCount: 0 };
  zeroInstantMs: number | undefined;
  isDestroyed = false;
  readonly #options: EngineOptions;
  readonly #media: FakeMedia;
  readonly #network: Network;
  #nextOrdinal = 0;

  constructor(options: EngineOptions, media: FakeMedia, network: Network) {
    this.#options = options;
    this.#media = media;
    this.#network = network;
  }

  start(): void {
    const nowMs = this.#options.serverNowMs();
    this.#media.buffered = new Ranges();
    this.#media.currentTime = 0;
    this.#media.paused = true;
    this.#nextOrdinal = Math.floor((nowMs - this.#options.startLatencyMs - EPOCH_MS) / PART_MS);
    this.zeroInstantMs = EPOCH_MS + this.#nextOrdinal * PART_MS;
  }

  /** Takes what has come by now. */
  step(nowMs: number): void {
    if (this.isDestroyed || this.#network.isCut) return;
    if ((this.#options.signedQuery?.() ?? '') !== this.#network.signature) return;
    const { plan } = this.#options;
    const taken = plan().taken === 'whole' ? plan().segmentsPerRequest * 5 : 1;
    // Whole media is in hand when its last part is.
    const lastOrdinal = this.#nextOrdinal + (taken - 1 - (this.#nextOrdinal % taken));
    const dueMs = EPOCH_MS + (lastOrdinal + 1) * PART_MS + this.#network.delayMs(lastOrdinal);
    if (nowMs < dueMs) return;
    this.counters.requestCount += 1;
    for (; this.#nextOrdinal <= lastOrdinal; this.#nextOrdinal += 1) this.#take(this.#nextOrdinal);
    // As the engine does it: far behind, it goes on where the pane will play.
    if (nowMs - dueMs > 3_000)
      this.#nextOrdinal = Math.floor((nowMs - this.#options.latencyMs() - EPOCH_MS) / PART_MS / 5) * 5;
  }

  #take(ordinal: number): void {
    if (this.#network.isGap(ordinal)) return;
    const startS = (EPOCH_MS + ordinal * PART_MS - (this.zeroInstantMs ?? 0)) / 1000;
    this.#media.buffered.add(startS, startS + PART_MS / 1000);
    this.counters.byteCount += 5_000;
    this.#options.onMedia();
  }

  destroy(): void {
    this.isDestroyed = true;
  }

  fail(): void {
    this.#options.onFailed({ kind: 'broken', reason: 'It broke.' });
  }
}

export class WallBed {
  readonly wall: Wall;
  readonly networks = new Map<string, Network>();
  readonly engines: { readonly streamId: string; readonly engine: FakeEngine }[] = [];
  readonly media = new Map<string, FakeMedia>();
  isHidden = false;
  signature = '';
  #nowMs = EPOCH_MS + 3_000_000_017;
  readonly #startMs = this.#nowMs;
  #sinceTickMs = 0;

  constructor(streamIds: readonly string[], delivery: Wall['delivery'] = 'lowest-latency') {
    for (const id of streamIds)
      this.networks.set(id, { delayMs: () => 50, isGap: () => false, isCut: false, signature: '' });
    let media: FakeMedia;
    this.wall = new Wall({
      serverNowMs: () => this.#nowMs,
      nowMs: () => this.#nowMs - this.#startMs,
      isHidden: () => this.isHidden,
      makeMedia: () => {
        media = new FakeMedia();
        return media as unknown as HTMLMediaElement;
      },
      makeEngine: (options) => this.#makeEngine(options),
      streamUrlOf: (id) => `/${id}/`,
      signedQueryOf: () => this.signature,
      onChange: () => undefined,
      delivery,
    });
    this.wall.show(streamIds);
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  network(streamId: string): Network {
    const network = this.networks.get(streamId);
    if (!network) throw new Error(`no stream ${streamId}`);
    return network;
  }

  pane(streamId: string): Pane {
    const pane = this.wall.panes.find((one) => one.streamId === streamId);
    if (!pane) throw new Error(`no pane ${streamId}`);
    return pane;
  }

  engineOf(streamId: string): FakeEngine | undefined {
    return this.engines.findLast((one) => one.streamId === streamId)?.engine;
  }

  /**
   * Lets time go by.
   *
   * @param each called after every beat of the controller.
   */
  run(ms: number, each?: () => void): void {
    for (let passedMs = 0; passedMs < ms; passedMs += STEP_MS) {
      this.#nowMs += STEP_MS;
      vi.advanceTimersByTime(STEP_MS);
      for (const { engine } of this.engines) engine.step(this.#nowMs);
      for (const pane of [...this.wall.panes, ...(this.wall.sound ? [this.wall.sound] : [])])
        (pane.media as unknown as FakeMedia).advance(STEP_MS);
      this.#sinceTickMs += STEP_MS;
      if (this.#sinceTickMs < CONTROL_MS) continue;
      this.#sinceTickMs = 0;
      this.wall.tick();
      each?.();
    }
  }

  /** A laptop that sleeps: time goes by, and nothing of the page runs. */
  sleep(ms: number): void {
    this.#nowMs += ms;
  }

  /** The latencies of all panes. */
  get latenciesMs(): number[] {
    return this.wall.panes.map((pane) => pane.latencyMs ?? Number.NaN);
  }

  #makeEngine(options: EngineOptions): FakeEngine {
    const streamId = options.streamUrl.replaceAll('/', '');
    const media = options.media as unknown as FakeMedia;
    this.media.set(streamId, media);
    const engine = new FakeEngine(options, media, this.network(streamId));
    this.engines.push({ streamId, engine });
    return engine;
  }
}
