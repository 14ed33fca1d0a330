/**
 * One stream as the origin sees it: it follows the live edge, fetches each announced part once, keeps the
 * window in memory, and wakes the requests that wait. Nothing in here knows HTTP.
 */
import { joinInitSegments } from '../domain/cmaf/join-init-segments.ts';
import { writeManifest } from '../domain/dash/manifest.ts';
import { type HlsRules, hlsRulesOf } from '../domain/hls/hls-rules.ts';
import type { RenditionReport } from '../domain/hls/media-playlist.ts';
import { writeMultivariantPlaylist } from '../domain/hls/multivariant-playlist.ts';
import { NO_ORDINAL, PartLog } from '../domain/hls/part-log.ts';
import type { Access } from '../domain/hls/playlist-variables.ts';
import { RenditionTimeline, renditionsOf, tracksOf } from '../domain/hls/rendition-timeline.ts';
import { Ring } from '../domain/hls/ring.ts';
import type {
  LiveEdgeEvent,
  LiveEdgeReader,
  LiveEdgeSnapshot,
  PartEntry,
  StreamInfo,
} from '../domain/live-edge.ts';
import type { Log } from '../domain/log.ts';
import { initKey, partKey } from '../domain/media-store.ts';
import { type Rendition, TRACKS, type Track } from '../domain/renditions.ts';
import { type Clock, EPOCH_MS, partFromOrdinal, partOrdinal } from '../domain/timeline.ts';
import type { OriginLimits } from './limits.ts';
import { type IsOpen, OpenCheck } from './open-check.ts';
import { PlaylistCache, PreparedText } from './playlist-cache.ts';
import { CACHE, CONTENT_TYPES } from './response.ts';
import type { StoreReads } from './store-reads.ts';
import { StoredObject, type StoredObjectContext } from './stored-object.ts';
import { WaitingRoom } from './waiting-room.ts';

export interface StreamWindowDependencies {
  readonly streamId: string;
  readonly liveEdge: LiveEdgeReader;
  readonly reads: StoreReads;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: OriginLimits;
  readonly isOpen: IsOpen;
}

/** What is known of a part of a rendition, from the window alone. */
export type PartState =
  | { readonly kind: 'ready'; readonly bytes: Uint8Array }
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

const LOADING: PartState = { kind: 'loading' };
const AHEAD: PartState = { kind: 'ahead' };
const GAP: PartState = { kind: 'gap' };
const OLD: PartState = { kind: 'old' };

/** What a stream shows of one rendition. */
export class RenditionWindow {
  readonly timeline: RenditionTimeline;
  readonly playlist: PlaylistCache;
  /** Parts of `av`, joined when first asked for. */
  readonly joinedParts: Ring<Uint8Array>;
  /** Whole segments, joined when first asked for, by media sequence number. */
  readonly segments: Ring<Uint8Array>;

  constructor(timeline: RenditionTimeline, playlist: PlaylistCache, partCount: number) {
    this.timeline = timeline;
    this.playlist = playlist;
    this.joinedParts = new Ring(partCount);
    this.segments = new Ring(Math.ceil((partCount * timeline.info.partMs) / timeline.info.segmentMs));
  }
}

interface TrackWindow {
  readonly log: PartLog;
  readonly parts: Ring<StoredObject>;
  readonly init: StoredObject;
}

type TrackWindows = Readonly<Record<Track, TrackWindow>>;

/** Everything that follows from a stream's info, made anew when the log is taken anew. */
export interface KnownStream {
  readonly info: StreamInfo;
  readonly rules: HlsRules;
  readonly tracks: TrackWindows;
  readonly renditions: ReadonlyMap<Rendition, RenditionWindow>;
}

export class StreamWindow {
  readonly streamId: string;
  /** Undefined until the snapshot is there, and for a stream that nobody opened (`state` tells which). */
  known: KnownStream | undefined;
  state: 'asking' | 'unknown' | 'known' = 'asking';
  ended = false;
  lastRequestMs: number;
  /** Requests that wait for the snapshot or for whether the stream is open to the public. */
  readonly arrivals = new WaitingRoom();
  readonly openCheck: OpenCheck;
  /** Requests that wait for a playlist to grow. */
  readonly playlists: Readonly<Record<Rendition, WaitingRoom>> = {
    video: new WaitingRoom(),
    audio: new WaitingRoom(),
    av: new WaitingRoom(),
  };
  /** Requests that wait for bytes. */
  readonly media = new WaitingRoom();
  /** Parts whose bytes came later than `latePartMs` after their announcement. */
  latePartCount = 0;
  /** From the end of the newest part's interval on the grid to its announcement, in ms. */
  edgeDelayMs = 0;
  /** From the newest part's announcement to its bytes, in ms. */
  fetchDelayMs = 0;
  /** When a part was last announced here; 0 before the first. */
  lastPartMs = 0;
  #joinedInit: Uint8Array | undefined;
  #forgottenWriteCount = 0;
  readonly #texts = new Map<string, PreparedText>();
  #stopFollowing: (() => void) | undefined;
  readonly #dependencies: StreamWindowDependencies;
  readonly #context: StoredObjectContext;

  constructor(dependencies: StreamWindowDependencies) {
    this.#dependencies = dependencies;
    this.streamId = dependencies.streamId;
    this.lastRequestMs = dependencies.clock.nowMs();
    const { streamId, reads, clock, limits, log, isOpen } = dependencies;
    const onSettled = () => this.arrivals.wake();
    this.openCheck = new OpenCheck({ streamId, isOpen, clock, log, limits, onSettled });
    this.#context = { reads, clock, limits, onSettled: () => this.media.wake() };
  }

  start(): void {
    this.#stopFollowing = this.#dependencies.liveEdge.follow(this.streamId, {
      onSnapshot: (snapshot) => this.#onSnapshot(snapshot),
      onEvent: (event) => this.#onEvent(event),
    });
  }

  /** Those who still wait are told that the stream is unknown. */
  stop(): void {
    this.#stopFollowing?.();
    this.#forget();
  }

  /** Playlists written for this stream so far. */
  get playlistWriteCount(): number {
    let count = this.#forgottenWriteCount;
    for (const { playlist } of this.known?.renditions.values() ?? []) count += playlist.writeCount;
    return count;
  }

  /** Media bytes held in memory, joined copies included. */
  get byteCount(): number {
    const { known } = this;
    if (!known) return 0;
    let count = 0;
    for (const { parts } of Object.values(known.tracks))
      for (const { bytes } of parts.values()) count += bytes?.byteLength ?? 0;
    for (const { joinedParts, segments } of known.renditions.values()) {
      for (const bytes of joinedParts.values()) count += bytes.byteLength;
      for (const bytes of segments.values()) count += bytes.byteLength;
    }
    return count;
  }

  get rooms(): readonly WaitingRoom[] {
    return [this.arrivals, this.media, ...Object.values(this.playlists)];
  }

  get waitingCount(): number {
    return this.rooms.reduce((sum, room) => sum + room.size, 0);
  }

  /** A body that grows is late when its next part is, not when it began long ago. */
  extendDeadline(exchange: { deadlineMs: number }): void {
    exchange.deadlineMs = this.#dependencies.clock.nowMs() + this.#dependencies.limits.holdMs;
  }

  /** @returns what is known of a part; starts to fetch one that was announced and is not in memory. */
  partState(rendition: RenditionWindow, ordinal: number): PartState {
    const { known } = this;
    if (!known || ordinal > rendition.timeline.headOrdinal) return AHEAD;
    const tracks = tracksOf(rendition.timeline.rendition, known.info);
    for (const track of tracks) {
      const { log } = known.tracks[track];
      if (ordinal < log.firstOrdinal) return OLD;
      const entry = log.entry(ordinal);
      if (!entry || entry.gap) return GAP;
    }
    const joined = rendition.joinedParts.get(ordinal);
    if (joined) return { kind: 'ready', bytes: joined };
    const pieces: Uint8Array[] = [];
    for (const track of tracks) {
      const object = this.#part(track, ordinal);
      if (object.state === 'idle' || object.state === 'absent' || object.state === 'failed')
        object.load(this.#context, { expected: true });
      if (object.state === 'absent' || object.state === 'failed') return { kind: object.state };
      if (!object.bytes) return LOADING;
      pieces.push(object.bytes);
    }
    const [only] = pieces;
    if (pieces.length === 1 && only) return { kind: 'ready', bytes: only };
    const bytes = Buffer.concat(pieces);
    rendition.joinedParts.set(ordinal, bytes);
    return { kind: 'ready', bytes };
  }

  /** @returns the init segment's bytes, or what keeps it from being there. */
  initState(rendition: Rendition): Extract<PartState, { kind: 'ready' | 'loading' | 'absent' | 'failed' }> {
    const { known } = this;
    if (!known) return { kind: 'absent' };
    const tracks = tracksOf(rendition, known.info);
    const pieces: Uint8Array[] = [];
    for (const track of tracks) {
      const { init } = known.tracks[track];
      init.load(this.#context, { expected: true });
      if (init.state === 'absent' || init.state === 'failed') return { kind: init.state };
      if (!init.bytes) return { kind: 'loading' };
      pieces.push(init.bytes);
    }
    const [first, second] = pieces;
    if (!first) return { kind: 'absent' };
    if (!second) return { kind: 'ready', bytes: first };
    this.#joinedInit ??= joinInitSegments(first, second);
    return { kind: 'ready', bytes: this.#joinedInit };
  }

  /** The multivariant playlist or the MPD: texts that change only with the info and the end of the stream. */
  constantText(kind: 'multivariant' | 'manifest', access: Access): PreparedText {
    const made = this.#texts.get(`${kind} ${access}`);
    if (made) return made;
    const { known } = this;
    if (!known) throw new Error('A playlist was asked of a stream that is not known.');
    const prepared =
      kind === 'multivariant'
        ? new PreparedText(
            writeMultivariantPlaylist(known.info, access),
            CONTENT_TYPES.playlist,
            CACHE.multivariant,
          )
        : new PreparedText(this.#manifest(known, access), CONTENT_TYPES.manifest, CACHE.multivariant);
    this.#texts.set(`${kind} ${access}`, prepared);
    return prepared;
  }

  #manifest(known: KnownStream, access: Access): string {
    const { headOrdinal } = known.tracks.video.log;
    if (!this.ended || headOrdinal === NO_ORDINAL) return writeManifest({ info: known.info, access });
    const endedAtMs = EPOCH_MS + (headOrdinal + 1) * known.info.partMs;
    return writeManifest({ info: known.info, access, endedAtMs });
  }

  #onSnapshot(snapshot: LiveEdgeSnapshot | undefined): void {
    if (!snapshot) {
      this.#forget();
      return;
    }
    // The log is taken anew; bytes that are in memory stay, because one position has one content.
    const known = this.#know(snapshot.info, (track, before) => ({
      log: this.#newLog(snapshot.info),
      parts: before?.parts ?? this.#newParts(snapshot.info),
      init: before?.init ?? new StoredObject(initKey(this.streamId, track)),
    }));
    this.ended = snapshot.ended;
    const preloadedCount = Math.ceil(this.#dependencies.limits.preloadMs / known.info.partMs);
    for (const track of TRACKS) {
      const entries = snapshot.parts[track];
      for (const entry of entries) known.tracks[track].log.append(partOrdinal(entry, known.info), entry);
      for (const entry of entries.slice(-preloadedCount)) this.#fetch(track, entry);
    }
    this.#wakeAll();
  }

  #onEvent(event: LiveEdgeEvent): void {
    switch (event.kind) {
      case 'info':
        this.#onInfo(event.info);
        break;
      case 'part':
        this.#onPart(event.track, event.entry);
        break;
      case 'ended':
        this.ended = true;
        this.#wakeAll();
        break;
      case 'removed':
        this.#forget();
        break;
    }
  }

  #onPart(track: Track, entry: PartEntry): void {
    const { known } = this;
    if (!known) return;
    const { log } = known.tracks[track];
    const ordinal = partOrdinal(entry, known.info);
    const previousHead = log.headOrdinal;
    if (!log.append(ordinal, entry)) return;
    const endMs = EPOCH_MS + (ordinal + 1) * known.info.partMs;
    this.lastPartMs = this.#dependencies.clock.nowMs();
    this.edgeDelayMs = this.lastPartMs - endMs;
    this.#fetch(track, entry);
    for (const [rendition, window] of known.renditions) {
      if (rendition !== track && rendition !== 'av') continue;
      window.playlist.invalidate();
      this.playlists[rendition].wake();
    }
    // Bytes wake those who wait for bytes; that there will be none must be told too.
    if (entry.gap || (previousHead !== NO_ORDINAL && ordinal > previousHead + 1)) this.media.wake();
  }

  /** Fetches a part that was announced, once. */
  #fetch(track: Track, entry: PartEntry): void {
    const { known } = this;
    if (!known || entry.gap) return;
    const ordinal = partOrdinal(entry, known.info);
    const object = this.#part(track, ordinal);
    if (object.state !== 'idle') return;
    const { clock, limits } = this.#dependencies;
    const announcedAtMs = clock.nowMs();
    object.load(
      {
        ...this.#context,
        onSettled: () => {
          this.fetchDelayMs = clock.nowMs() - announcedAtMs;
          if (this.fetchDelayMs > limits.latePartMs) this.latePartCount += 1;
          this.media.wake();
        },
      },
      { expected: true },
    );
  }

  #part(track: Track, ordinal: number): StoredObject {
    const { known } = this;
    if (!known) throw new Error('A part was looked up in a stream that is not known.');
    const { parts } = known.tracks[track];
    const held = parts.get(ordinal);
    if (held) return held;
    const object = new StoredObject(partKey(this.streamId, track, partFromOrdinal(ordinal, known.info)));
    parts.set(ordinal, object);
    return object;
  }

  /**
   * The stream was opened: for the first time, again after a crash, or again after its end. The logs stay;
   * what belongs to an earlier broadcast is not listed, because a timeline begins at its info's first number.
   */
  #onInfo(info: StreamInfo): void {
    this.#know(
      info,
      (track, before) =>
        before ?? {
          log: this.#newLog(info),
          parts: this.#newParts(info),
          init: new StoredObject(initKey(this.streamId, track)),
        },
    );
    this.ended = false;
    this.#wakeAll();
  }

  #know(
    info: StreamInfo,
    windowOf: (track: Track, before: TrackWindow | undefined) => TrackWindow,
  ): KnownStream {
    this.#forgottenWriteCount = this.playlistWriteCount;
    // Ordinals of another grid mean other instants: nothing of before can be kept.
    const before =
      this.known?.info.segmentMs === info.segmentMs && this.known.info.partMs === info.partMs
        ? this.known.tracks
        : undefined;
    const tracks: TrackWindows = {
      video: windowOf('video', before?.video),
      audio: windowOf('audio', before?.audio),
    };
    const logs = { video: tracks.video.log, audio: tracks.audio.log };
    const rules = hlsRulesOf(info);
    const renditions = new Map<Rendition, RenditionWindow>();
    for (const rendition of renditionsOf(info)) {
      const timeline = new RenditionTimeline(rendition, info, logs);
      const reports = () => this.#reportsBeside(rendition);
      const isEnded = () => this.ended;
      const playlist = new PlaylistCache({ timeline, rules, isEnded, reports });
      renditions.set(rendition, new RenditionWindow(timeline, playlist, this.#partCount(info)));
    }
    this.known = { info, rules, tracks, renditions };
    this.state = 'known';
    return this.known;
  }

  #reportsBeside(rendition: Rendition): readonly RenditionReport[] {
    const reports: RenditionReport[] = [];
    for (const [other, { timeline }] of this.known?.renditions ?? []) {
      const { headOrdinal } = timeline;
      if (other !== rendition && headOrdinal !== NO_ORDINAL) reports.push({ rendition: other, headOrdinal });
    }
    return reports;
  }

  /** The stream is gone, or was never there. */
  #forget(): void {
    this.#forgottenWriteCount = this.playlistWriteCount;
    this.known = undefined;
    this.state = 'unknown';
    this.ended = false;
    this.#joinedInit = undefined;
    this.#wakeAll();
  }

  #wakeAll(): void {
    this.#texts.clear();
    for (const { playlist } of this.known?.renditions.values() ?? []) playlist.invalidate();
    for (const room of this.rooms) room.wake();
  }

  #partCount(info: StreamInfo): number {
    return Math.ceil(this.#dependencies.limits.windowMs / info.partMs);
  }

  #newLog(info: StreamInfo): PartLog {
    return new PartLog(this.#partCount(info));
  }

  #newParts(info: StreamInfo): Ring<StoredObject> {
    return new Ring(this.#partCount(info));
  }
}
