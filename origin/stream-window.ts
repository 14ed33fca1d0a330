/**
 * One stream as the origin sees it: it follows the live edge, fetches each announced part once, keeps the
 * window in memory, and wakes the requests that wait.
 */
import type {
  LiveEdgeEvent,
  LiveEdgeReader,
  LiveEdgeSnapshot,
  PartEntry,
  StreamInfo,
} from '../domain/live-edge.ts';
import type { Log } from '../domain/log.ts';
import { type Rendition, TRACKS, type Track } from '../domain/renditions.ts';
import { type Clock, EPOCH_MS, partOrdinal } from '../domain/timeline.ts';
import { KnownStream, TrackWindow } from './known-stream.ts';
import type { OriginLimits } from './limits.ts';
import { type IsOpen, OpenCheck } from './open-check.ts';
import type { StoreReads } from './store-reads.ts';
import type { StoredObjectContext } from './stored-object.ts';
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
  readonly rooms: readonly WaitingRoom[] = [this.arrivals, this.media, ...Object.values(this.playlists)];
  /** Parts whose bytes came later than `latePartMs` after their announcement. */
  latePartCount = 0;
  /** From the end of the newest part's interval on the grid to its announcement, in ms. */
  edgeDelayMs = 0;
  /** From the newest part's announcement to its bytes, in ms. */
  fetchDelayMs = 0;
  /** When a part was last announced here; 0 before the first. */
  lastPartMs = 0;
  #replacedWriteCount = 0;
  #isStarted = false;
  #stopFollowing: (() => void) | undefined;
  readonly #dependencies: StreamWindowDependencies;
  readonly #context: StoredObjectContext;

  constructor(dependencies: StreamWindowDependencies) {
    this.#dependencies = dependencies;
    this.streamId = dependencies.streamId;
    this.lastRequestMs = dependencies.clock.nowMs();
    const { streamId, reads, clock, limits, log, isOpen } = dependencies;
    this.openCheck = new OpenCheck({
      streamId,
      isOpen,
      clock,
      log,
      limits,
      onSettled: () => this.arrivals.wake(),
    });
    this.#context = { reads, clock, limits, onSettled: () => this.media.wake() };
  }

  /** Begins to follow the live edge. Idempotent. */
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
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

  get waitingCount(): number {
    return this.rooms.reduce((sum, room) => sum + room.size, 0);
  }

  /** Playlists written for this stream so far. */
  get playlistWriteCount(): number {
    return this.#replacedWriteCount + (this.known?.playlistWriteCount ?? 0);
  }

  /** A body that grows is late when its next part is, not when it began long ago. */
  extendDeadline(exchange: { deadlineMs: number }): void {
    exchange.deadlineMs = this.#dependencies.clock.nowMs() + this.#dependencies.limits.holdMs;
  }

  #onSnapshot(snapshot: LiveEdgeSnapshot | undefined): void {
    if (!snapshot) {
      this.#forget();
      return;
    }
    const { info } = snapshot;
    const isSameBroadcast = this.known?.info.firstMediaSequenceNumber === info.firstMediaSequenceNumber;
    // Bytes that are in memory stay, because one position has one content. So does what was announced, for a
    // Redis that failed over may have lost the newest entries, and a playlist must not take back what it said.
    const known = this.#know(info, (track, before) => {
      const fresh = this.#emptyTrack(track, info);
      const entries = new Map(snapshot.parts[track].map((entry) => [partOrdinal(entry, info), entry]));
      if (before && isSameBroadcast) {
        for (const [ordinal, entry] of before.log.entries())
          if (!entries.has(ordinal)) entries.set(ordinal, entry);
      }
      for (const [ordinal, entry] of [...entries].sort(([a], [b]) => a - b)) fresh.log.append(ordinal, entry);
      return before ? new TrackWindow(fresh.log, before.parts, before.init) : fresh;
    });
    this.ended = snapshot.ended;
    const preloadedCount = Math.ceil(this.#dependencies.limits.preloadMs / info.partMs);
    for (const track of TRACKS)
      for (const entry of snapshot.parts[track].slice(-preloadedCount)) this.#fetch(known, track, entry);
    this.#wakeAll();
  }

  #onEvent(event: LiveEdgeEvent): void {
    switch (event.kind) {
      case 'info':
        // Opened for the first time, again after a crash, or again after its end. The logs stay; what belongs
        // to an earlier broadcast is not listed, because a timeline begins at its info's first number.
        this.#know(event.info, (track, before) => before ?? this.#emptyTrack(track, event.info));
        this.ended = false;
        this.#wakeAll();
        break;
      case 'part':
        if (this.known) this.#onPart(this.known, event.track, event.entry);
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

  #onPart(known: KnownStream, track: Track, entry: PartEntry): void {
    const { log } = known.tracks[track];
    const ordinal = partOrdinal(entry, known.info);
    if (!log.append(ordinal, entry)) return;
    const endMs = EPOCH_MS + (ordinal + 1) * known.info.partMs;
    this.lastPartMs = this.#dependencies.clock.nowMs();
    this.edgeDelayMs = this.lastPartMs - endMs;
    this.#fetch(known, track, entry);
    for (const [rendition, window] of known.renditions) {
      // A part of `av` is there when the second of its tracks has it.
      if (!window.hasGrown()) continue;
      window.playlist.invalidate();
      this.playlists[rendition].wake();
    }
    // Bytes wake those who wait for bytes; that there will be none must be told too.
    if (entry.gap) this.media.wake();
  }

  /** Fetches a part that was announced, once. */
  #fetch(known: KnownStream, track: Track, entry: PartEntry): void {
    if (entry.gap) return;
    const object = known.part(track, partOrdinal(entry, known.info));
    if (object.state !== 'idle') return;
    const { clock, limits } = this.#dependencies;
    const announcedAtMs = clock.nowMs();
    const onSettled = () => {
      this.fetchDelayMs = clock.nowMs() - announcedAtMs;
      if (this.fetchDelayMs > limits.latePartMs) this.latePartCount += 1;
      this.media.wake();
    };
    object.load({ ...this.#context, onSettled }, { expected: true });
  }

  #know(
    info: StreamInfo,
    windowOf: (track: Track, before: TrackWindow | undefined) => TrackWindow,
  ): KnownStream {
    this.#replacedWriteCount = this.playlistWriteCount;
    // Ordinals of another grid mean other instants: nothing of before can be kept.
    const isSameGrid =
      this.known?.info.segmentMs === info.segmentMs && this.known.info.partMs === info.partMs;
    const before = isSameGrid ? this.known?.tracks : undefined;
    this.known = new KnownStream({
      streamId: this.streamId,
      info,
      tracks: { video: windowOf('video', before?.video), audio: windowOf('audio', before?.audio) },
      partCount: this.#partCount(info),
      context: this.#context,
      isEnded: () => this.ended,
    });
    this.state = 'known';
    return this.known;
  }

  /** The stream is gone, or was never there. */
  #forget(): void {
    this.#replacedWriteCount = this.playlistWriteCount;
    this.known = undefined;
    this.state = 'unknown';
    this.ended = false;
    this.#wakeAll();
  }

  #wakeAll(): void {
    this.known?.invalidate();
    for (const room of this.rooms) room.wake();
  }

  #partCount(info: StreamInfo): number {
    return Math.ceil(this.#dependencies.limits.windowMs / info.partMs);
  }

  #emptyTrack(track: Track, info: StreamInfo): TrackWindow {
    return TrackWindow.empty(this.streamId, track, this.#partCount(info));
  }
}
