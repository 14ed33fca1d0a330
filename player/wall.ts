/**
 * The wall of panes: which feeds are shown, which one is heard, and the one latency that all of them share.
 */
import { HlsJsEngine } from './engines/hls-js.ts';
import { CONTROL_INTERVAL_MS, sharedLatencyMs, skewMs } from './latency-controller.ts';
import { bestGrid } from './layout.ts';
import { Pane, type PaneMeasure } from './pane.ts';
import { PaneView } from './pane-view.ts';
import type { StreamSummary } from './pane-words.ts';
import { mediaOrigin } from './selection.ts';

const GAP_PX = 8;
/** Words and numbers are redrawn this often. */
const DRAW_EVERY_TICKS = 5;

export interface WallMeasure {
  readonly panes: readonly PaneMeasure[];
  readonly targetLatencyMs: number | undefined;
  readonly skewMs: number;
}

export class Wall {
  readonly root: HTMLElement;
  readonly #serverNowMs: () => number;
  readonly #onChange: () => void;
  #panes: { pane: Pane; view: PaneView }[] = [];
  #streams = new Map<string, StreamSummary>();
  #audibleId: string | undefined;
  #target: { latencyMs: number; setAtMs: number } | undefined;
  #tickCount = 0;

  constructor(options: {
    readonly root: HTMLElement;
    readonly serverNowMs: () => number;
    /** Called a few times a second, after the numbers have moved. */
    readonly onChange: () => void;
  }) {
    this.root = options.root;
    this.#serverNowMs = options.serverNowMs;
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
    return this.#audibleId;
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
    if (this.#audibleId !== undefined && !ids.includes(this.#audibleId)) this.#audibleId = undefined;
    this.root.append(...this.#panes.map(({ view }) => view.root));
    this.#layOut();
    this.#draw();
  }

  knowStreams(streams: readonly StreamSummary[]): void {
    this.#streams = new Map(streams.map((stream) => [stream.id, stream]));
  }

  /** Makes one feed heard, or none when it is the one that was heard already. */
  toggleSound(id: string | undefined): void {
    this.#audibleId = this.#audibleId === id ? undefined : id;
    for (const { pane } of this.#panes) pane.muted = pane.streamId !== this.#audibleId;
    this.#draw();
  }

  get measure(): WallMeasure {
    const panes = this.#panes.map(({ pane }) => pane.measure);
    return { panes, targetLatencyMs: this.#target?.latencyMs, skewMs: this.skewMs };
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
    const pane = new Pane({
      streamId: id,
      streamUrl: `${mediaOrigin(id, location)}/open/${id}/`,
      video: view.video,
      serverNowMs: this.#serverNowMs,
      makeEngine: (options) => new HlsJsEngine(options),
      onChange: () => this.#draw(),
    });
    pane.start(this.#target?.latencyMs);
    return { pane, view };
  }

  #tick(): void {
    const nowMs = performance.now();
    const playing = this.#panes.filter(({ pane }) => pane.phase === 'playing');
    const latencyMs = sharedLatencyMs(
      playing.flatMap(({ pane }) => pane.need.latencyMs ?? []),
      this.#target && { latencyMs: this.#target.latencyMs, ageMs: nowMs - this.#target.setAtMs },
    );
    if (latencyMs !== undefined) this.#target = { latencyMs, setAtMs: nowMs };
    for (const { pane } of this.#panes) pane.tick(latencyMs);
    this.#tickCount += 1;
    if (this.#tickCount % DRAW_EVERY_TICKS === 0) this.#draw();
  }

  #draw(): void {
    for (const { pane, view } of this.#panes) {
      view.update(pane, this.#streams.get(pane.streamId), pane.streamId === this.#audibleId);
    }
    this.#onChange();
  }

  #layOut(): void {
    const { clientWidth, clientHeight } = this.root;
    const grid = bestGrid(this.#panes.length, { widthPx: clientWidth, heightPx: clientHeight }, GAP_PX);
    this.root.style.setProperty('--columns', String(grid.columnCount));
    this.root.style.setProperty('--rows', String(grid.rowCount));
  }
}
