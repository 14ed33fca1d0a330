/** Which part of the timeline a playlist lists now. */
import type { HlsRules } from './hls-rules.ts';
import { NO_ORDINAL } from './part-log.ts';
import type { RenditionTimeline } from './rendition-timeline.ts';

export interface Listing {
  readonly firstMediaSequenceNumber: number;
  /** One past the last segment that is complete and so has an EXTINF. */
  readonly endMediaSequenceNumber: number;
  readonly headOrdinal: number;
}

/**
 * The listing of a rendition, or undefined while there is nothing a player could play: a playlist needs one
 * complete segment with media (hls.js takes one without for an error, and rightly so).
 *
 * DEVIATION: gap segments at the front are left out even if less than three target durations remain
 * (rfc8216bis §6.2.2). Nothing can be played from them, and a player that joins would start inside them.
 */
export function listingOf(
  timeline: RenditionTimeline,
  rules: Pick<HlsRules, 'partsPerSegment' | 'segmentCount'>,
  ended: boolean,
): Listing | undefined {
  const { headOrdinal, firstOrdinal } = timeline;
  if (headOrdinal === NO_ORDINAL || firstOrdinal === NO_ORDINAL) return undefined;
  const perSegment = rules.partsPerSegment;
  // A stream that ended in the middle of a segment has a shorter last one.
  const endMediaSequenceNumber = Math.floor((headOrdinal + (ended ? perSegment : 1)) / perSegment);
  let first = Math.max(firstOrdinal / perSegment, endMediaSequenceNumber - rules.segmentCount);
  while (first < endMediaSequenceNumber && segmentHasGap(timeline, first, rules.partsPerSegment)) first += 1;
  if (first >= endMediaSequenceNumber) return undefined;
  return { firstMediaSequenceNumber: first, endMediaSequenceNumber, headOrdinal };
}

/** One past the last part of a segment that is announced; the end of a broadcast may cut it short. */
export function segmentEndOrdinal(
  timeline: Pick<RenditionTimeline, 'headOrdinal'>,
  mediaSequenceNumber: number,
  perSegment: number,
): number {
  return Math.min((mediaSequenceNumber + 1) * perSegment, timeline.headOrdinal + 1);
}

/**
 * A segment that lacks any of its parts is a gap as a whole: the parts of a segment depend on each other
 * through its one keyframe, and what follows a missing part cannot be decoded before the next segment.
 */
export function segmentHasGap(
  timeline: RenditionTimeline,
  mediaSequenceNumber: number,
  perSegment: number,
): boolean {
  const end = segmentEndOrdinal(timeline, mediaSequenceNumber, perSegment);
  for (let ordinal = mediaSequenceNumber * perSegment; ordinal < end; ordinal += 1) {
    if (timeline.part(ordinal).gap) return true;
  }
  return false;
}
