/**
 * What flows between the runner's parts: ingest -> transcode -> packager -> publish. Each part is written
 * against these types and not against its neighbour.
 */
import type { CodecParameters, Packet } from 'node-av/lib';
import type { ProducerReference } from '../domain/cmaf/producer-reference.ts';
import type { Track } from '../domain/renditions.ts';
import type { PartPosition } from '../domain/timeline.ts';

/** One elementary stream of the feed that the runner takes. */
export interface SourceTrack {
  readonly track: Track;
  readonly codecParameters: CodecParameters;
  /** Of the packets' timestamps. */
  readonly timeBase: { readonly num: number; readonly den: number };
}

/**
 * What the ingest tells the transcoder, in order. A feed that returns after a loss is a new `connected`:
 * its tracks, codecs and timestamps may all have changed.
 */
export type SourceEvent =
  | { readonly kind: 'connected'; readonly tracks: readonly SourceTrack[]; readonly remoteAddress?: string }
  /** The receiver owns the packet and frees it. `arrivalMs` is wall clock, taken as soon as it was read. */
  | { readonly kind: 'packet'; readonly track: Track; readonly packet: Packet; readonly arrivalMs: number }
  | { readonly kind: 'disconnected'; readonly reason: string };

/** Encoder settings as their output declares them; constant for the life of a runner. */
export interface EncoderConfig {
  /** H.264 SPS and PPS in Annex B form, as in the encoder's extradata. */
  readonly videoExtradata: Uint8Array;
  /** MPEG-4 AudioSpecificConfig (ISO 14496-3 §1.6.2.1). */
  readonly audioSpecificConfig: Uint8Array;
}

/**
 * One access unit on the grid. Video frames come in order and fill every slot of a part that is made at all;
 * audio frames start at multiples of 1024 samples since EPOCH.
 */
export interface EncodedFrame {
  readonly track: Track;
  /** Since EPOCH, in the track's timescale. Without B-frames it is the presentation time too. */
  readonly decodeTimeTicks: number;
  readonly durationTicks: number;
  /** An IDR picture; always true for audio. */
  readonly independent: boolean;
  /** What its content says of time more exactly than its slot; absent when nobody knows. */
  readonly reference?: ProducerReference;
  /** Video: Annex B, as the encoder gives it. Audio: one raw AAC access unit without ADTS header. */
  readonly bytes: Uint8Array;
}

/** One CMAF chunk, ready to be stored, or the fact that there is none. */
export interface PackagedPart extends PartPosition {
  readonly track: Track;
  readonly durationTicks: number;
  readonly independent: boolean;
  /** moof + mdat; absent for a gap. */
  readonly bytes?: Uint8Array;
  /** When its last frame left the encoder, for the latency count; wall clock. */
  readonly encodedAtMs: number;
}
