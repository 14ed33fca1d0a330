/**
 * The wall of panes: which feeds are shown, which one is heard, and the one latency that all of them share.
 * Pictures carry no sound; the feed that is heard has its sound in an element of its own, held to the same
 * instant as the pictures, so that only one sound is downloaded and changing it disturbs no picture.
 *
 * It draws nothing: each pane makes its own video element once (`pane.media`), which a view puts on the page.
 */

import { DELIVERY_PLANS, type DeliveryMode } from '../domain/delivery.ts';
import type { Rendition } from '../domain/renditions.ts';
import type { Engine, EngineOptions } from './engines/engine.ts';
import { CONTROL_INTERVAL_MS, LATENCY_LIMITS, sharedLatencyMs, skewMs } from './latency-controller.ts';
import { type CaptionReader, Pane } from './pane.ts';
import type { PaneMeasure } from './pane-measure.ts';
import type { StreamSummary } from './pane-words.ts';
import { MeetingPlace } from './presentation.ts';

/** Numbers that have moved are told so often. */
const TELL_EVERY_TICKS = 5;

/** States in which a stream has no picture: asking for one would be in vain. */
const WITHOUT_PICTURE: ReadonlySet<string> = new Set(['created', 'starting', 'waiting', 'stopped', 'failed']);

export type SoundState = 'off' | 'starting' | 'on';

export interface WallMeasure {
  readonly panes: readonly PaneMeasure[];
  /** The sound that is heard. */
  readonly sound: PaneMeasure | undefined;
  readonly targetLatencyMs: number | undefined;
  readonly skewMs: number;
  readonly delivery: DeliveryMode;
}

export interface WallOptions {
  readonly serverNowMs: () => number;
  /** @param failedStartCount engines in a row that ended before they showed a picture. */
  readonly makeEngine: (options: EngineOptions, failedStartCount: number) => Engine;
  /** An element that is never put on the page, for sound, or one for a pane's picture. */
  readonly makeMedia: (rendition: Rendition) => HTMLMediaElement;
  /** Address of a stream's folder with a slash at the end. */
  readonly streamUrlOf: (streamId: string) => string;
  /** The newest signature of a premium stream as a query; empty for an open stream. */
  readonly signedQueryOf: (streamId: string) => string;
  /** Called when a pane, the sound or the choice has changed, and twice a second, as the numbers move. */
  readonly onChange: () => void;
  /** As the wall begins; `lowest-latency` when it is left out. */
  readonly delivery?: DeliveryMode;
  /** For tests: performance.now(), document.hidden. */
  readonly nowMs?: () => number;
  readonly isHidden?: () => boolean;
}

/** Pictures that nobody has seen for so long are not loaded any more. */
const HIDDEN_MAX_MS = 30_000;

export class Wall {
  readonly #options: WallOptions;
  #panes: readonly Pane[] = [];
  #streams = new Map<string, StreamSummary>();
  #sound: Pane | undefined;
  #target: { latencyMs: number; setAtMs: number; isFalling: boolean } | undefined;
  #tickCount = 0;
  readonly #meetingPlace = new MeetingPlace();
  #delivery: DeliveryMode;
  #makeCaptions: (() => CaptionReader) | undefined;
  #lastSeenAtMs: number;
  #timer: ReturnType<typeof setInterval> | undefined;
  readonly #nowMs: () => number;
  readonly #isHidden: () => boolean;

  constructor(options: WallOptions) {
    this.#options = options;
    this.#delivery = options.delivery ?? 'lowest-latency';
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#isHidden = options.isHidden ?? (() => document.hidden);
    this.#lastSeenAtMs = this.#nowMs();
  }

  start(): void {
    this.#timer ??= setInterval(() => this.tick(), CONTROL_INTERVAL_MS);
  }

  close(): void {
    clearInterval(this.#timer);
    for (const pane of this.#all) pane.close();
  }

  get delivery(): DeliveryMode {
    return this.#delivery;
  }

  /** All panes move to the mode's latency by themselves, without a reload. */
  set delivery(mode: DeliveryMode) {
    if (mode === this.#delivery) return;
    this.#delivery = mode;
    // What was learnt belongs to the old way of loading, and the new latency is meant at once.
    const latencyMs = DELIVERY_PLANS[mode].latencyMinMs;
    const isLater = latencyMs > (this.#target?.latencyMs ?? 0);
    this.#target = isLater ? { latencyMs, setAtMs: this.#nowMs(), isFalling: false } : undefined;
    for (const pane of this.#all) pane.need.reset();
    this.#options.onChange();
  }

  get captionsShown(): boolean {
    return this.#makeCaptions !== undefined;
  }

  /** Shows the captions of all panes that have some, or of none. The reader is loaded when it is first wanted. */
  async showCaptions(shown: boolean): Promise<void> {
    const { CaptionText } = shown ? await import('./engines/caption-text.ts') : {};
    this.#makeCaptions = CaptionText && (() => new CaptionText());
    for (const pane of this.#panes) pane.showCaptions(this.#makeCaptions?.());
    this.#options.onChange();
  }

  /** How late all panes are to play, ms; undefined while nobody knows. */
  get targetLatencyMs(): number | undefined {
    return this.#target?.latencyMs;
  }

  /** The sound that is heard. */
  get sound(): Pane | undefined {
    return this.#sound;
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
      delivery: this.#delivery,
    };
  }

  get skewMs(): number {
    const playing = this.#panes.filter((pane) => pane.phase === 'playing');
    return skewMs(playing.flatMap((pane) => pane.sharedInstantMs ?? []));
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
      delivery: () => this.#delivery,
      nowMs: this.#nowMs,
      isHidden: this.#isHidden,
      mayStart: () => !WITHOUT_PICTURE.has(this.#streams.get(id)?.state ?? ''),
      onChange,
    });
    if (rendition === 'video') pane.showCaptions(this.#makeCaptions?.());
    pane.start(this.#target?.latencyMs);
    return pane;
  }

  get #all(): readonly Pane[] {
    return this.#sound ? [...this.#panes, this.#sound] : this.#panes;
  }

  /** One beat of the controller; `start` makes it every 100 ms. */
  tick(): void {
    const nowMs = this.#nowMs();
    this.#restUnseen(nowMs);
    const needsMs = this.#all.flatMap((pane) =>
      pane.phase === 'playing' ? (pane.need.latencyMs ?? []) : [],
    );
    const latencyMs = sharedLatencyMs(
      needsMs,
      this.#target && { ...this.#target, ageMs: nowMs - this.#target.setAtMs },
      { ...LATENCY_LIMITS, latencyMinMs: DELIVERY_PLANS[this.#delivery].latencyMinMs },
    );
    const isFalling = latencyMs !== undefined && latencyMs < (this.#target?.latencyMs ?? 0);
    if (latencyMs !== undefined) this.#target = { latencyMs, setAtMs: nowMs, isFalling };
    if (latencyMs !== undefined) this.#trim(latencyMs, nowMs);
    for (const pane of this.#all) pane.tick(latencyMs);
    this.#tickCount += 1;
    if (this.#tickCount % TELL_EVERY_TICKS === 0) this.#options.onChange();
  }

  /** Pictures that share an instant are brought onto the screen together. */
  #trim(latencyMs: number, nowMs: number): void {
    const shown = this.#panes.flatMap(({ phase, presentation }) => {
      const { shownLatencyMs, trimMs } = presentation;
      return phase !== 'playing' || shownLatencyMs === undefined
        ? []
        : { presentation, behindMs: shownLatencyMs - latencyMs, trimMs };
    });
    const placeMs = this.#meetingPlace.of(shown, nowMs);
    if (placeMs !== undefined)
      for (const { presentation } of shown) presentation.trimTo(latencyMs + placeMs, nowMs);
  }

  /** Sound goes on behind other windows, and so does a picture that floats above them. */
  #restUnseen(nowMs: number): void {
    if (!this.#isHidden()) {
      this.#lastSeenAtMs = nowMs;
      for (const pane of this.#panes) if (pane.isResting) pane.start(this.#target?.latencyMs);
    } else if (nowMs - this.#lastSeenAtMs > HIDDEN_MAX_MS) {
      for (const pane of this.#panes) if (!pane.isResting && !isFloating(pane.media)) pane.rest();
    }
  }
}

function isFloating(media: HTMLMediaElement): boolean {
  return media.ownerDocument.pictureInPictureElement === media;
}
