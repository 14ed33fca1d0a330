/** Looks into one coded picture, in Annex B form, far enough to know whether decoding can begin with it. */

import type { VideoCodec } from './accepted-codecs.ts';

/** What one access unit holds. */
export interface AccessUnitContent {
  /** IDR, CRA or BLA (ITU-T H.265 §7.4.2.2), IDR (ITU-T H.264 §7.4.1.2.4). */
  readonly keyframe: boolean;
  readonly sequenceParameterSet: Uint8Array | undefined;
  readonly pictureParameterSet: boolean;
}

/** Parameter sets come before the picture; what follows this many bytes is picture data. */
const MAX_SCANNED_NAL_UNITS = 32;

export function readAccessUnit(bytes: Uint8Array, codec: VideoCodec): AccessUnitContent {
  let keyframe = false;
  let sequenceParameterSet: Uint8Array | undefined;
  let pictureParameterSet = false;
  let nalCount = 0;
  for (const nal of nalUnits(bytes)) {
    nalCount += 1;
    const type = codec === 'hevc' ? ((nal[0] ?? 0) >> 1) & 0x3f : (nal[0] ?? 0) & 0x1f;
    if (type === (codec === 'hevc' ? 33 : 7)) sequenceParameterSet ??= nal;
    if (type === (codec === 'hevc' ? 34 : 8)) pictureParameterSet = true;
    keyframe ||= codec === 'hevc' ? type >= 16 && type <= 21 : type === 5;
    const isPicture = codec === 'hevc' ? type < 32 : type >= 1 && type <= 5;
    if (isPicture || nalCount >= MAX_SCANNED_NAL_UNITS) break;
  }
  return { keyframe, sequenceParameterSet, pictureParameterSet };
}

/**
 * The codec that the parameter sets before a picture are written in; undefined for a picture without any. A
 * sender may change its codec and keep its PID, which FFmpeg's demuxer does not notice.
 */
export function codecOfParameterSets(bytes: Uint8Array): VideoCodec | undefined {
  let nalCount = 0;
  let isH264 = false;
  for (const nal of nalUnits(bytes)) {
    nalCount += 1;
    if (nalCount > MAX_SCANNED_PARAMETER_SETS) return undefined;
    const header = nal[0] ?? 0;
    // HEVC's SPS in layer 0 is 0x42 0x01, of which H.264 would have no NAL type in use (2 with a reference).
    if (header === HEVC_SPS_HEADER && nal[1] === 1) return 'hevc';
    const isSps = (header & 0x9f) === 7 && (header & 0x60) !== 0;
    const isPps = (header & 0x9f) === 8 && (header & 0x60) !== 0;
    if (isH264 && isPps) return 'h264';
    isH264 ||= isSps;
  }
  return undefined;
}

const HEVC_SPS_HEADER = 0x42;
const MAX_SCANNED_PARAMETER_SETS = 6;

/**
 * Whether a PES packet is one whole picture, as nearly every encoder sends it. Where it is not (pictures that
 * begin or end inside a PES packet, or several in one), FFmpeg's parser must put them together.
 */
export function isOneAccessUnit(bytes: Uint8Array, codec: VideoCodec): boolean {
  const startsWithStartCode =
    bytes[0] === 0 && bytes[1] === 0 && (bytes[2] === 1 || (bytes[2] === 0 && bytes[3] === 1));
  if (!startsWithStartCode) return false;
  let firstSliceCount = 0;
  for (const nal of nalUnits(bytes)) if (beginsPicture(nal, codec)) firstSliceCount += 1;
  // Two fields of one H.264 frame are two pictures of one access unit or two, which decoders take alike.
  return firstSliceCount === 1 || (codec === 'h264' && firstSliceCount === 2);
}

/** first_slice_segment_in_pic_flag (ITU-T H.265 §7.3.6.1), first_mb_in_slice 0 (ITU-T H.264 §7.3.3). */
function beginsPicture(nal: Uint8Array, codec: VideoCodec): boolean {
  if (codec === 'hevc') return (((nal[0] ?? 0) >> 1) & 0x3f) < 32 && ((nal[2] ?? 0) & 0x80) !== 0;
  const type = (nal[0] ?? 0) & 0x1f;
  return (type === 1 || type === 5) && ((nal[1] ?? 0) & 0x80) !== 0;
}

/** The NAL units of an Annex B byte stream (ITU-T H.264 Annex B), without their start codes. */
export function* nalUnits(bytes: Uint8Array): Generator<Uint8Array> {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let start = view.indexOf(START_CODE);
  while (start >= 0) {
    const next = view.indexOf(START_CODE, start + START_CODE.length);
    const end = next < 0 ? view.length : trimmedEnd(view, start + START_CODE.length, next);
    yield view.subarray(start + START_CODE.length, end);
    start = next;
  }
}

const START_CODE = Buffer.from([0, 0, 1]);

/** Zero bytes before a start code belong to it, not to the NAL unit. */
function trimmedEnd(view: Uint8Array, start: number, next: number): number {
  let end = next;
  while (end > start && view[end - 1] === 0) end -= 1;
  return end;
}
