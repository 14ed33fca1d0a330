/**
 * The wall of panes: which feeds are shown, which one is heard, and the one latency that all of them share.
 * Pictures carry no sound; the feed that is heard has its sound in an element of its own, held to the same
 * instant as the pictures, so that only one sound is downloaded and changing it disturbs no picture.
 */

import type { Rendition } from '../domain/renditions.ts';
import type { Engine, EngineOptions } from './engines/engine.ts';
import { CONTROL_INTERVAL_MS, sharedLatencyMs, skewMs } from './latency-controller.ts';
import { bestGrid } from './layout.ts';
import { Pane, type PaneMeasure } from './pane.ts';
import { PaneView } from './pane-view.ts';
import type { StreamSummary } from './pane-words.ts';
import { streamUrl } from './selection.ts';

/** As in style.css. */
const GAP_PX = 8;
const CAPTION_PX = 30;
/** Words and numbers are redrawn this often. */
const DRAW_EVERY_TICKS = 5;

/** States in which a stream has never shown a picture. */
const NOT_YET: ReadonlySet<string> = new Set(['created', 'starting', 'waiting']);

export interface WallMeasure {
  readonly panes: readonly PaneMeasure[];
  /** The sound that is heard. */
  readonly sound: PaneMeasure | undefined;
  readonly targetLatencyMs: number | undefined;
  readonly skewMs: number;
}

export class Wall {
  readonly root: HTMLElement;
  readonly #serverNowMs: () => number;
  readonly #makeEngine: (options: EngineOptions) => Engine;
  readonly #signedQueryOf: (streamId: string) => string;
  readonly #onChange: () => void;
  #panes: { pane: Pane; view: PaneView }[] = [];
  #streams = new Map<string, StreamSummary>();
  #sound: Pane | undefined;
  #target: { latencyMs: number; setAtMs: number } | undefined;
  #tickCount = 0;

  constructor(options: {
    readonly root: HTMLElement;
    readonly serverNowMs: () => number;
    readonly makeEngine: (options: EngineOptions) => Engine;
    /** The newest signature of a premium stream as a query; empty for an open stream. */
    readonly signedQueryOf: (streamId: string) => string;
    /** Called a few times a second, after the numbers have moved. */
    readonly onChange: () => void;
  }) {
    this.root = options.root;
    this.#serverNowMs = options.serverNowMs;
    this.#makeEngine = options.makeEngine;
    this.#signedQueryOf = options.signedQueryOf;
    this.#onChange = options.onChange;
  }

  start(): void {
    setInterval(() => this.#tick(), CONTROL_INTERVAL_MS);
    new ResizeObserver(() => this.#layOut()).observe(this.root);
  }

  get streamIds(): readonly string[] {
    return this.#panes.map(({ pane }) => pane.streamId);
  }

  get panes(): readonly Pane[] {
    return this.#panes.map(({ pane }) => pane);
  }

  get audibleId(): string | undefined {
    return this.#sound?.streamId;
  }

  /** Shows these feeds, in this order. Panes that stay are not disturbed. */
  show(ids: readonly string[]): void {
    const kept = new Map(this.#panes.map((entry) => [entry.pane.streamId, entry]));
    this.#panes = ids.map((id, index) => {
      const entry = kept.get(id) ?? this.#makePane(id, index);
      kept.delete(id);
      return entry;
    });
    for (const { pane, view } of kept.values()) {
      pane.close();
      view.root.remove();
    }
    if (this.#sound && !ids.includes(this.#sound.streamId)) this.#hear(undefined);
    this.root.append(...this.#panes.map(({ view }) => view.root));
    this.#layOut();
    this.#draw();
  }

  knowStreams(streams: readonly StreamSummary[]): void {
    this.#streams = new Map(streams.map((stream) => [stream.id, stream]));
  }

  /** Makes one feed heard, or none when it is the one that was heard already. */
  toggleSound(id: string): void {
    this.#hear(this.#sound?.streamId === id ? undefined : id);
    this.#draw();
  }

  get measure(): WallMeasure {
    const panes = this.#panes.map(({ pane }) => pane.measure);
    return {
      panes,
      sound: this.#sound?.measure,
      targetLatencyMs: this.#target?.latencyMs,
      skewMs: this.skewMs,
    };
  }

  get skewMs(): number {
    const playing = this.#panes.filter(({ pane }) => pane.phase === 'playing');
    return skewMs(playing.flatMap(({ pane }) => pane.shownInstantMs ?? []));
  }

  #makePane(id: string, index: number): { pane: Pane; view: PaneView } {
    const view = new PaneView({
      streamId: id,
      keyHint: String(index + 1),
      onSelect: () => this.toggleSound(id),
    });
    const pane = this.#startPane(id, view.video, 'video');
    return { pane, view };
  }

  #hear(id: string | undefined): void {
    this.#sound?.close();
    this.#sound = id === undefined ? undefined : this.#startPane(id, new Audio(), 'audio');
  }

  #startPane(id: string, media: HTMLMediaElement, rendition: Rendition): Pane {
    const pane = new Pane({
      streamId: id,
      streamUrl: streamUrl(id, location, this.#signedQueryOf(id) === '' ? 'open' : 'live'),
      signedQuery: () => this.#signedQueryOf(id),
      media,
      rendition,
      serverNowMs: this.#serverNowMs,
      makeEngine: this.#makeEngine,
      mayStart: () => !NOT_YET.has(this.#streams.get(id)?.state ?? ''),
      onChange: () => this.#draw(),
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
    if (this.#tickCount % DRAW_EVERY_TICKS === 0) this.#draw();
  }

  #draw(): void {
    for (const { pane, view } of this.#panes) {
      const heard = this.#sound?.streamId === pane.streamId ? this.#sound : undefined;
      const sound = !heard ? 'off' : heard.phase === 'playing' ? 'on' : 'starting';
      view.update(pane, this.#streams.get(pane.streamId), sound);
    }
    this.#onChange();
  }

  /** The panes get the size of their pictures, so that nothing but gaps lies between them. */
  #layOut(): void {
    const { clientWidth: widthPx, clientHeight: heightPx } = this.root;
    const grid = bestGrid(this.#panes.length, {
      widthPx,
      heightPx,
      gapPx: GAP_PX,
      captionPx: CAPTION_PX,
    });
    this.root.style.setProperty('--columns', String(grid.columnCount));
    this.root.style.setProperty('--pane-width', `${Math.floor(grid.pictureWidthPx)}px`);
  }
}
