/**
 * The live edge: one append-only log per stream and track that says which parts exist. It never holds media
 * bytes. The runner appends *after* the bytes are in the media store, so nothing is announced that cannot be
 * read. The origin takes a snapshot when it starts and follows from there.
 */

import type { Track } from './renditions.ts';
import type { PartPosition } from './timeline.ts';

/** What a playlist needs to know of one part. */
export interface PartEntry extends PartPosition {
  /** In ticks of the track's timescale. */
  readonly durationTicks: number;
  /** Starts with a keyframe (video), always true for audio. */
  readonly independent: boolean;
  readonly byteCount: number;
  /** The part's bytes never came to be: EXT-X-GAP and GAP=YES. `byteCount` is then 0. */
  readonly gap: boolean;
}

/** What is constant for a stream as long as its encoder settings are. Codec strings are RFC 6381. */
export interface StreamInfo {
  readonly segmentMs: number;
  readonly partMs: number;
  readonly video: {
    readonly codecs: string;
    readonly widthPx: number;
    readonly heightPx: number;
    readonly frameRate: number;
    readonly timescaleHz: number;
    readonly bitrateBps: number;
  };
  /** Absent for a stream that is video only. */
  readonly audio?: {
    readonly codecs: string;
    readonly sampleRateHz: number;
    readonly channelCount: number;
    readonly bitrateBps: number;
  };
  /** The first media sequence number that this stream ever published. */
  readonly firstMediaSequenceNumber: number;
}

export type LiveEdgeEvent =
  | { readonly kind: 'info'; readonly streamId: string; readonly info: StreamInfo }
  | { readonly kind: 'part'; readonly streamId: string; readonly track: Track; readonly entry: PartEntry }
  /** The operator stopped the stream: playlists get EXT-X-ENDLIST. Never sent on a crash. */
  | { readonly kind: 'ended'; readonly streamId: string }
  /** The stream was deleted or its log lost: forget the window and take a new snapshot when asked. */
  | { readonly kind: 'removed'; readonly streamId: string };

/** The runner's side. */
export interface LiveEdgeWriter {
  /** Declares the stream. Idempotent; must come before the first `append`; clears an earlier `ended`. */
  open(streamId: string, info: StreamInfo): Promise<void>;
  /**
   * Appends one part. Positions of a track only grow.
   *
   * @returns `duplicate` when this or a later position is there already: somebody else writes this stream.
   */
  append(streamId: string, track: Track, entry: PartEntry): Promise<'appended' | 'duplicate'>;
  /** Marks the stream as ended by its operator. Idempotent. */
  end(streamId: string): Promise<void>;
  /** Removes every trace of the stream. Idempotent. */
  remove(streamId: string): Promise<void>;
}

export interface LiveEdgeSnapshot {
  readonly info: StreamInfo;
  readonly ended: boolean;
  /** Ascending; at most the window. Holes in it are gaps that nobody filled. */
  readonly parts: Readonly<Record<Track, readonly PartEntry[]>>;
}

/** The origin's side. */
export interface LiveEdgeReader {
  /**
   * Follows one stream: first its snapshot, then every later event, in order, with no event between the two
   * lost or doubled. `onSnapshot(undefined)` means that the stream is unknown *now*; following goes on, and a
   * later `open` delivers an `info` event. A reconnect of the adapter delivers a new snapshot.
   *
   * @returns a function that stops following.
   */
  follow(
    streamId: string,
    listener: {
      onSnapshot(snapshot: LiveEdgeSnapshot | undefined): void;
      onEvent(event: LiveEdgeEvent): void;
    },
  ): () => void;
}

/** Window of the log, in segments. The origin keeps 30 s; the log keeps a little more for one that starts. */
export const LIVE_EDGE_WINDOW_MS = 40_000;
