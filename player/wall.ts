/**
 * The wall of panes: which feeds are shown, which one is heard, and the one latency that all of them share.
 * Pictures carry no sound; the feed that is heard has its sound in an element of its own, held to the same
 * instant as the pictures, so that only one sound is downloaded and changing it disturbs no picture.
 *
 * It draws nothing: each pane makes its own video element once (`pane.media`), which a view puts on the page.
 */

import type { Rendition } from '../domain/renditions.ts';
import type { Engine, EngineOptions } from './engines/engine.ts';
import { CONTROL_INTERVAL_MS, sharedLatencyMs, skewMs } from './latency-controller.ts';
import { Pane, type PaneMeasure } from './pane.ts';
import type { StreamSummary } from './pane-words.ts';

/** Numbers that have moved are told so often. */
const TELL_EVERY_TICKS = 5;

/** States in which a stream has never shown a picture. */
const NOT_YET: ReadonlySet<string> = new Set(['created', 'starting', 'waiting']);

export type SoundState = 'off' | 'starting' | 'on';

export interface WallMeasure {
  readonly panes: readonly PaneMeasure[];
  /** The sound that is heard. */
  readonly sound: PaneMeasure | undefined;
  readonly targetLatencyMs: number | undefined;
  readonly skewMs: number;
}

export interface WallOptions {
  readonly serverNowMs: () => number;
  readonly makeEngine: (options: EngineOptions) => Engine;
  /** An element that is never put on the page, for sound, or one for a pane's picture. */
  readonly makeMedia: (rendition: Rendition) => HTMLMediaElement;
  /** Address of a stream's folder with a slash at the end. */
  readonly streamUrlOf: (streamId: string) => string;
  /** The newest signature of a premium stream as a query; empty for an open stream. */
  readonly signedQueryOf: (streamId: string) => string;
  /** Called when a pane, the sound or the choice has changed, and twice a second, as the numbers move. */
  readonly onChange: () => void;
}

export class Wall {
  readonly #options: WallOptions;
  #panes: readonly Pane[] = [];
  #streams = new Map<string, StreamSummary>();
  #sound: Pane | undefined;
  #target: { latencyMs: number; setAtMs: number } | undefined;
  #tickCount = 0;

  constructor(options: WallOptions) {
    this.#options = options;
  }

  start(): void {
    setInterval(() => this.#tick(), CONTROL_INTERVAL_MS);
  }

  get streamIds(): readonly string[] {
    return this.#panes.map((pane) => pane.streamId);
  }

  get panes(): readonly Pane[] {
    return this.#panes;
  }

  get audibleId(): string | undefined {
    return this.#sound?.streamId;
  }

  soundOf(streamId: string): SoundState {
    if (this.#sound?.streamId !== streamId) return 'off';
    return this.#sound.phase === 'playing' ? 'on' : 'starting';
  }

  /** What the server says of a stream; undefined when it is not known. */
  streamOf(streamId: string): StreamSummary | undefined {
    return this.#streams.get(streamId);
  }

  /** Shows these feeds, in this order. Panes that stay are not disturbed. */
  show(ids: readonly string[]): void {
    const kept = new Map(this.#panes.map((pane) => [pane.streamId, pane]));
    this.#panes = ids.map((id) => {
      const pane = kept.get(id) ?? this.#startPane(id, 'video');
      kept.delete(id);
      return pane;
    });
    for (const pane of kept.values()) pane.close();
    if (this.#sound && !ids.includes(this.#sound.streamId)) this.#hear(undefined);
    this.#options.onChange();
  }

  knowStreams(streams: readonly StreamSummary[]): void {
    this.#streams = new Map(streams.map((stream) => [stream.id, stream]));
  }

  /** Makes one feed heard, or none when it is the one that was heard already. */
  toggleSound(id: string): void {
    this.#hear(this.#sound?.streamId === id ? undefined : id);
    this.#options.onChange();
  }

  get measure(): WallMeasure {
    return {
      panes: this.#panes.map((pane) => pane.measure),
      sound: this.#sound?.measure,
      targetLatencyMs: this.#target?.latencyMs,
      skewMs: this.skewMs,
    };
  }

  get skewMs(): number {
    const playing = this.#panes.filter((pane) => pane.phase === 'playing');
    return skewMs(playing.flatMap((pane) => pane.shownInstantMs ?? []));
  }

  #hear(id: string | undefined): void {
    this.#sound?.close();
    this.#sound = id === undefined ? undefined : this.#startPane(id, 'audio');
  }

  #startPane(id: string, rendition: Rendition): Pane {
    const { serverNowMs, makeEngine, makeMedia, streamUrlOf, signedQueryOf, onChange } = this.#options;
    const pane = new Pane({
      streamId: id,
      streamUrl: streamUrlOf(id),
      signedQuery: () => signedQueryOf(id),
      media: makeMedia(rendition),
      rendition,
      serverNowMs,
      makeEngine,
      mayStart: () => !NOT_YET.has(this.#streams.get(id)?.state ?? ''),
      onChange,
    });
    pane.start(this.#target?.latencyMs);
    return pane;
  }

  #tick(): void {
    const nowMs = performance.now();
    const all = this.#sound ? [...this.panes, this.#sound] : this.panes;
    const latencyMs = sharedLatencyMs(
      all.flatMap((pane) => (pane.phase === 'playing' ? (pane.need.latencyMs ?? []) : [])),
      this.#target && { latencyMs: this.#target.latencyMs, ageMs: nowMs - this.#target.setAtMs },
    );
    if (latencyMs !== undefined) this.#target = { latencyMs, setAtMs: nowMs };
    for (const pane of all) pane.tick(latencyMs);
    this.#tickCount += 1;
    if (this.#tickCount % TELL_EVERY_TICKS === 0) this.#options.onChange();
  }
}
