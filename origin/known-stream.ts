/** What the origin holds of a stream whose info it knows: its logs, its bytes, its texts. */
import { joinInitSegments } from '../domain/cmaf/join-init-segments.ts';
import { writeManifest } from '../domain/dash/manifest.ts';
import { type HlsRules, hlsRulesOf } from '../domain/hls/hls-rules.ts';
import type { RenditionReport } from '../domain/hls/media-playlist.ts';
import { writeMultivariantPlaylist } from '../domain/hls/multivariant-playlist.ts';
import { NO_ORDINAL, PartLog } from '../domain/hls/part-log.ts';
import type { Access } from '../domain/hls/playlist-variables.ts';
import { RenditionTimeline, renditionsOf, tracksOf } from '../domain/hls/rendition-timeline.ts';
import { Ring } from '../domain/hls/ring.ts';
import type { StreamInfo } from '../domain/live-edge.ts';
import { initKey, partKey } from '../domain/media-store.ts';
import type { Rendition, Track } from '../domain/renditions.ts';
import { EPOCH_MS, partFromOrdinal } from '../domain/timeline.ts';
import { PlaylistCache, PreparedText } from './playlist-cache.ts';
import { CACHE, CONTENT_TYPES, type Prepared, prepare } from './response.ts';
import { StoredObject, type StoredObjectContext } from './stored-object.ts';

/**
 * Answers of joined segments that are kept: all who play so late ask for the newest within a second or two, and
 * the Ring is indexed by number, of which every second one is used.
 */
const JOINED_KEPT_COUNT = 8;

/** What is known of a part of a rendition, from the window alone. */
export type PartState =
  | { readonly kind: 'ready'; readonly prepared: Prepared }
  /** Announced, and its bytes are on their way. */
  | { readonly kind: 'loading' }
  /** Not announced. */
  | { readonly kind: 'ahead' }
  | { readonly kind: 'gap' }
  /** Announced, but the store does not have it, or failed to say. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'failed' }
  /** Older than the window: only the store may know. */
  | { readonly kind: 'old' };

type InitState = Extract<PartState, { kind: 'ready' | 'loading' | 'absent' | 'failed' }>;

const LOADING: InitState = { kind: 'loading' };
const AHEAD: PartState = { kind: 'ahead' };
const GAP: PartState = { kind: 'gap' };
const OLD: PartState = { kind: 'old' };

export function contentTypeOf(rendition: Rendition): string {
  return rendition === 'audio' ? CONTENT_TYPES.audio : CONTENT_TYPES.video;
}

/** One track of a stream. What of it survives a new info is for the maker of the next `KnownStream` to say. */
export class TrackWindow {
  readonly log: PartLog;
  readonly parts: Ring<StoredObject>;
  readonly init: StoredObject;

  constructor(log: PartLog, parts: Ring<StoredObject>, init: StoredObject) {
    this.log = log;
    this.parts = parts;
    this.init = init;
  }

  static empty(streamId: string, track: Track, partCount: number): TrackWindow {
    return new TrackWindow(
      new PartLog(partCount),
      new Ring(partCount),
      new StoredObject(initKey(streamId, track)),
    );
  }
}

/** One rendition: what is ready to be sent to any number of clients. */
export class RenditionWindow {
  readonly timeline: RenditionTimeline;
  readonly playlist: PlaylistCache;
  /** By ordinal; those of `av` are joined when first asked for. */
  readonly parts: Ring<Extract<PartState, { kind: 'ready' }>>;
  /** By media sequence number, joined when first asked for. */
  readonly segments: Ring<Prepared>;
  /** Segments that are asked for together, by the first one's number. */
  readonly joinedSegments: Ring<Prepared>;
  init: InitState | undefined;
  #seenHeadOrdinal: number = NO_ORDINAL;

  constructor(timeline: RenditionTimeline, playlist: PlaylistCache, partCount: number) {
    this.timeline = timeline;
    this.playlist = playlist;
    this.parts = new Ring(partCount);
    this.segments = new Ring(Math.ceil((partCount * timeline.info.partMs) / timeline.info.segmentMs));
    this.joinedSegments = new Ring(JOINED_KEPT_COUNT);
  }

  /** Whether the rendition has a newer part than when this was last asked. */
  hasGrown(): boolean {
    const { headOrdinal } = this.timeline;
    if (headOrdinal === this.#seenHeadOrdinal) return false;
    this.#seenHeadOrdinal = headOrdinal;
    return true;
  }
}

export interface KnownStreamInput {
  readonly streamId: string;
  readonly info: StreamInfo;
  readonly tracks: Readonly<Record<Track, TrackWindow>>;
  readonly partCount: number;
  readonly context: StoredObjectContext;
  readonly isEnded: () => boolean;
}

export class KnownStream {
  readonly info: StreamInfo;
  readonly rules: HlsRules;
  readonly tracks: Readonly<Record<Track, TrackWindow>>;
  readonly renditions: ReadonlyMap<Rendition, RenditionWindow>;
  readonly #input: KnownStreamInput;
  readonly #texts = new Map<string, PreparedText>();

  constructor(input: KnownStreamInput) {
    const { info, tracks, partCount, isEnded } = input;
    this.#input = input;
    this.info = info;
    this.tracks = tracks;
    this.rules = hlsRulesOf(info);
    const logs = { video: tracks.video.log, audio: tracks.audio.log };
    const renditions = new Map<Rendition, RenditionWindow>();
    for (const rendition of renditionsOf(info)) {
      const timeline = new RenditionTimeline(rendition, info, logs);
      const reports = () => this.#reportsBeside(rendition);
      const playlist = new PlaylistCache({ timeline, rules: this.rules, isEnded, reports });
      renditions.set(rendition, new RenditionWindow(timeline, playlist, partCount));
    }
    this.renditions = renditions;
  }

  /** To be called when anything but a part was added: the end, or a new log. */
  invalidate(): void {
    this.#texts.clear();
    for (const window of this.renditions.values()) {
      window.playlist.invalidate();
      // What is there already is not growth.
      window.hasGrown();
    }
  }

  get playlistWriteCount(): number {
    let count = 0;
    for (const { playlist } of this.renditions.values()) count += playlist.writeCount;
    return count;
  }

  /** Media bytes held in memory, joined copies included. */
  get byteCount(): number {
    let count = 0;
    for (const { parts } of Object.values(this.tracks))
      for (const { bytes } of parts.values()) count += bytes?.byteLength ?? 0;
    for (const [rendition, { parts, segments }] of this.renditions) {
      // Parts of one track are the track's own bytes.
      const isJoined = tracksOf(rendition, this.info).length > 1;
      for (const { prepared } of isJoined ? parts.values() : []) count += prepared.bytes.byteLength;
      for (const { bytes } of segments.values()) count += bytes.byteLength;
    }
    return count;
  }

  /** The object that holds a part's bytes, or will. */
  part(track: Track, ordinal: number): StoredObject {
    const { parts } = this.tracks[track];
    const held = parts.get(ordinal);
    if (held) return held;
    const { streamId, info } = this.#input;
    const object = new StoredObject(partKey(streamId, track, partFromOrdinal(ordinal, info)));
    parts.set(ordinal, object);
    return object;
  }

  /** @returns what is known of a part; starts to fetch one that was announced and is not in memory. */
  partState(window: RenditionWindow, ordinal: number): PartState {
    const ready = window.parts.get(ordinal);
    if (ready) return ready;
    if (ordinal > window.timeline.headOrdinal) return AHEAD;
    const { rendition } = window.timeline;
    const tracks = tracksOf(rendition, this.info);
    for (const track of tracks) {
      const { log } = this.tracks[track];
      if (ordinal < log.firstOrdinal) return OLD;
      const entry = log.entry(ordinal);
      if (!entry || entry.gap) return GAP;
    }
    const pieces = this.#bytesOf(tracks.map((track) => this.part(track, ordinal)));
    if ('kind' in pieces) return pieces;
    const bytes = joinBytes(pieces);
    const state = {
      kind: 'ready',
      prepared: prepare(bytes, contentTypeOf(rendition), CACHE.media),
    } as const;
    window.parts.set(ordinal, state);
    return state;
  }

  /** @returns the init segment, or what keeps it from being there. */
  initState(window: RenditionWindow): InitState {
    if (window.init) return window.init;
    const { rendition } = window.timeline;
    const pieces = this.#bytesOf(tracksOf(rendition, this.info).map((track) => this.tracks[track].init));
    if ('kind' in pieces) return pieces;
    const [first, second] = pieces;
    if (!first) return { kind: 'absent' };
    const bytes = second ? joinInitSegments(first, second) : first;
    window.init = { kind: 'ready', prepared: prepare(bytes, contentTypeOf(rendition), CACHE.init) };
    return window.init;
  }

  /** The multivariant playlist or the MPD: texts that change only with the info and the end of the stream. */
  constantText(kind: 'multivariant' | 'manifest', access: Access): PreparedText {
    const made = this.#texts.get(`${kind} ${access}`);
    if (made) return made;
    const prepared =
      kind === 'multivariant'
        ? new PreparedText(
            writeMultivariantPlaylist(this.info, access),
            CONTENT_TYPES.playlist,
            CACHE.multivariant,
          )
        : new PreparedText(this.#manifest(access), CONTENT_TYPES.manifest, CACHE.multivariant);
    this.#texts.set(`${kind} ${access}`, prepared);
    return prepared;
  }

  #manifest(access: Access): string {
    const { info } = this;
    const { headOrdinal } = this.tracks.video.log;
    if (!this.#input.isEnded() || headOrdinal === NO_ORDINAL) return writeManifest({ info, access });
    return writeManifest({ info, access, endedAtMs: EPOCH_MS + (headOrdinal + 1) * info.partMs });
  }

  /** The bytes of all objects, or what the first that has none is at. Starts to fetch those that are not here. */
  #bytesOf(objects: readonly StoredObject[]): readonly Uint8Array[] | InitState {
    const pieces: Uint8Array[] = [];
    let missing: InitState | undefined;
    for (const object of objects) {
      object.load(this.#input.context, { expected: true });
      if (object.bytes) pieces.push(object.bytes);
      else
        missing ??= object.state === 'absent' || object.state === 'failed' ? { kind: object.state } : LOADING;
    }
    return missing ?? pieces;
  }

  #reportsBeside(rendition: Rendition): readonly RenditionReport[] {
    const reports: RenditionReport[] = [];
    for (const [other, { timeline }] of this.renditions) {
      const { headOrdinal } = timeline;
      if (other !== rendition && headOrdinal !== NO_ORDINAL) reports.push({ rendition: other, headOrdinal });
    }
    return reports;
  }
}

function joinBytes(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces;
  return pieces.length === 1 && only ? only : Buffer.concat(pieces);
}
