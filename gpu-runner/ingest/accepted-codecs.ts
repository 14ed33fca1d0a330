/** Which elementary streams of a feed are taken, and the words for those that are not. */

import {
  AV_CODEC_ID_AAC,
  AV_CODEC_ID_AAC_LATM,
  AV_CODEC_ID_AC3,
  AV_CODEC_ID_EAC3,
  AV_CODEC_ID_H264,
  AV_CODEC_ID_HEVC,
  AV_CODEC_ID_MP2,
  AV_CODEC_ID_MP3,
  AV_CODEC_ID_NONE,
  AV_CODEC_ID_OPUS,
  type AVCodecID,
  AVMEDIA_TYPE_AUDIO,
  AVMEDIA_TYPE_VIDEO,
  type AVMediaType,
} from 'node-av/constants';
import { avGetCodecName } from 'node-av/lib';

const VIDEO_CODECS: ReadonlySet<AVCodecID> = new Set([AV_CODEC_ID_HEVC, AV_CODEC_ID_H264]);
const AUDIO_CODECS: ReadonlySet<AVCodecID> = new Set([
  AV_CODEC_ID_AAC,
  AV_CODEC_ID_AAC_LATM,
  AV_CODEC_ID_AC3,
  AV_CODEC_ID_EAC3,
  AV_CODEC_ID_MP2,
  AV_CODEC_ID_MP3,
  AV_CODEC_ID_OPUS,
]);

export const ACCEPTED_VIDEO = 'HEVC (H.265) or H.264';
export const ACCEPTED_AUDIO = 'AAC, AC-3, E-AC-3, MP2, MP3 or Opus';

/** What the program map, or the SDP, says of one elementary stream. */
export interface StreamEntry {
  readonly index: number;
  /** The PID in MPEG-TS. */
  readonly id: number;
  readonly mediaType: AVMediaType;
  readonly codecId: AVCodecID;
}

export type TrackChoice =
  | { readonly kind: 'none-yet' }
  | { readonly kind: 'refused'; readonly reason: string; readonly remedy: string }
  | {
      readonly kind: 'chosen';
      readonly video: StreamEntry;
      readonly audio?: StreamEntry;
      /** Said once to the operator when the feed has sound that is not taken. */
      readonly note?: string;
    };

/** The first video that is taken, and the first audio that is taken. */
export function chooseTracks(streams: readonly StreamEntry[]): TrackChoice {
  const videos = streams.filter((stream) => stream.mediaType === AVMEDIA_TYPE_VIDEO);
  const audios = streams.filter((stream) => stream.mediaType === AVMEDIA_TYPE_AUDIO);
  if (streams.length === 0) return { kind: 'none-yet' };
  const video = videos.find((stream) => VIDEO_CODECS.has(stream.codecId));
  if (video === undefined) return refusal(streams, videos);
  const audio = audios.find((stream) => AUDIO_CODECS.has(stream.codecId));
  if (audio !== undefined) return { kind: 'chosen', video, audio };
  if (audios.length === 0) return { kind: 'chosen', video };
  return {
    kind: 'chosen',
    video,
    note: `the sound is ${namesOf(audios)}, which is not taken; send ${ACCEPTED_AUDIO}`,
  };
}

function refusal(streams: readonly StreamEntry[], videos: readonly StreamEntry[]): TrackChoice {
  const remedy = `Set the encoder to ${ACCEPTED_VIDEO} video.`;
  if (videos.length > 0)
    return { kind: 'refused', reason: `the feed's video is ${namesOf(videos)}, which is not taken`, remedy };
  return { kind: 'refused', reason: `the feed has no video, only ${namesOf(streams)}`, remedy };
}

function namesOf(streams: readonly StreamEntry[]): string {
  return [...new Set(streams.map((stream) => codecName(stream.codecId)))].join(' and ');
}

/** FFmpeg's short name of a codec, such as `hevc`. */
export function codecName(codecId: AVCodecID): string {
  return codecId === AV_CODEC_ID_NONE ? 'an unknown codec' : (avGetCodecName(codecId) ?? `codec ${codecId}`);
}

export type VideoCodec = 'hevc' | 'h264';

/** @param codecId one that `chooseTracks` takes as video. */
export function videoCodecOf(codecId: AVCodecID): VideoCodec {
  return codecId === AV_CODEC_ID_HEVC ? 'hevc' : 'h264';
}

export function codecIdOf(codec: VideoCodec): AVCodecID {
  return codec === 'hevc' ? AV_CODEC_ID_HEVC : AV_CODEC_ID_H264;
}
