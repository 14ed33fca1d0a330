/** Writes the media playlist of a rendition (rfc8216bis §4.4). A pure function of the timeline. */
import type { Rendition } from '../renditions.ts';
import { partFromOrdinal, programDateTime } from '../timeline.ts';
import type { HlsRules } from './hls-rules.ts';
import { type Listing, segmentEndOrdinal } from './listing.ts';
import {
  type Access,
  defineLines,
  playlistFile,
  QUERYPARAM_VERSION,
  uriSuffix,
} from './playlist-variables.ts';
import type { RenditionTimeline } from './rendition-timeline.ts';

export interface MediaPlaylistInput {
  readonly timeline: RenditionTimeline;
  readonly listing: Listing;
  readonly rules: HlsRules;
  readonly access: Access;
  /** A delta update was asked for (`_HLS_skip`). The answer is whole when nothing may be skipped. */
  readonly skip: boolean;
  readonly ended: boolean;
  /** The newest part of each other rendition that has one. */
  readonly reports: readonly RenditionReport[];
}

export interface RenditionReport {
  readonly rendition: Rendition;
  readonly headOrdinal: number;
}

/** Versions by the newest feature used (rfc8216bis §8): EXT-X-MAP 6, EXT-X-SKIP 9. */
const MAP_VERSION = 6;
const SKIP_VERSION = 9;

export function writeMediaPlaylist(input: MediaPlaylistInput): string {
  const { timeline, listing, rules, access, ended } = input;
  const { rendition } = timeline;
  const suffix = uriSuffix(access);
  const { firstMediaSequenceNumber, endMediaSequenceNumber } = listing;
  const skippedCount = input.skip ? skippableSegmentCount(input) : 0;
  const firstListed = firstMediaSequenceNumber + skippedCount;
  // Parts older than three target durations are listed no more (rfc8216bis §4.4.4.9).
  const firstWithParts = firstMediaSequenceNumber + segmentsOlderThan(input, 3 * rules.targetDurationS);

  let text = header(input, skippedCount > 0);
  if (skippedCount > 0) text += `#EXT-X-SKIP:SKIPPED-SEGMENTS=${skippedCount}\n`;
  // A delta update repeats the map: clients carry it over, and those that do not lose nothing.
  text += `#EXT-X-MAP:URI="${rendition}/init.mp4${suffix}"\n`;
  for (let number = firstListed; number < endMediaSequenceNumber; number += 1) {
    if (number === firstListed) text += dateLine(timeline, number * rules.partsPerSegment);
    text += segmentLines(input, number, number >= firstWithParts, suffix);
  }
  if (ended) return `${text}#EXT-X-ENDLIST\n`;
  for (
    let ordinal = endMediaSequenceNumber * rules.partsPerSegment;
    ordinal <= listing.headOrdinal;
    ordinal += 1
  )
    text += partLine(timeline, ordinal, rules.partsPerSegment, suffix);
  const hint = partUri(rendition, listing.headOrdinal + 1, rules.partsPerSegment, suffix);
  text += `#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${hint}"\n`;
  for (const report of input.reports) text += reportLine(report, timeline, access);
  return text;
}

function header(input: MediaPlaylistInput, isDelta: boolean): string {
  const { rules, access, timeline, listing } = input;
  const version = access === 'live' ? QUERYPARAM_VERSION : isDelta ? SKIP_VERSION : MAP_VERSION;
  return (
    `#EXTM3U\n#EXT-X-VERSION:${version}\n${defineLines(access)}` +
    // Said here too, for players that take a media playlist by its own URL.
    `#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-TARGETDURATION:${rules.targetDurationS}\n` +
    `#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=${rules.partHoldBackS},` +
    `HOLD-BACK=${rules.holdBackS},CAN-SKIP-UNTIL=${rules.canSkipUntilS}\n` +
    `#EXT-X-PART-INF:PART-TARGET=${rules.partTargetS[timeline.rendition]}\n` +
    `#EXT-X-MEDIA-SEQUENCE:${listing.firstMediaSequenceNumber}\n`
  );
}

/** Segments wholly before the skip boundary: those that a delta update leaves out (rfc8216bis §6.2.5.1). */
export function skippableSegmentCount(
  input: Pick<MediaPlaylistInput, 'timeline' | 'listing' | 'rules'>,
): number {
  return segmentsOlderThan(input, input.rules.canSkipUntilS);
}

/** How many segments at the front end so long or longer before the end of the playlist, its parts included. */
function segmentsOlderThan(
  { timeline, listing, rules }: Pick<MediaPlaylistInput, 'timeline' | 'listing' | 'rules'>,
  ageS: number,
): number {
  const latestEndMs = timeline.startMs(listing.headOrdinal + 1) - ageS * 1000;
  let next = listing.firstMediaSequenceNumber;
  while (
    next < listing.endMediaSequenceNumber &&
    timeline.startMs((next + 1) * rules.partsPerSegment) <= latestEndMs
  )
    next += 1;
  return next - listing.firstMediaSequenceNumber;
}

function segmentLines(
  input: MediaPlaylistInput,
  mediaSequenceNumber: number,
  withParts: boolean,
  suffix: string,
): string {
  const { timeline, rules } = input;
  const start = mediaSequenceNumber * rules.partsPerSegment;
  const end = segmentEndOrdinal(timeline, mediaSequenceNumber, rules.partsPerSegment);
  let durationTicks = 0;
  let gap = false;
  let text = '';
  for (let ordinal = start; ordinal < end; ordinal += 1) {
    const part = timeline.part(ordinal);
    durationTicks += part.durationTicks;
    gap ||= part.gap;
    if (withParts) text += partLine(timeline, ordinal, rules.partsPerSegment, suffix);
  }
  if (gap) text += '#EXT-X-GAP\n';
  return `${text}#EXTINF:${seconds(durationTicks, timeline.timescaleHz)},\n${timeline.rendition}/${mediaSequenceNumber}.m4s${suffix}\n`;
}

function partLine(timeline: RenditionTimeline, ordinal: number, perSegment: number, suffix: string): string {
  const part = timeline.part(ordinal);
  const uri = partUri(timeline.rendition, ordinal, perSegment, suffix);
  const flags = part.gap ? ',GAP=YES' : part.independent ? ',INDEPENDENT=YES' : '';
  return `#EXT-X-PART:DURATION=${seconds(part.durationTicks, timeline.timescaleHz)},URI="${uri}"${flags}\n`;
}

function partUri(rendition: Rendition, ordinal: number, perSegment: number, suffix: string): string {
  const mediaSequenceNumber = Math.floor(ordinal / perSegment);
  return `${rendition}/${mediaSequenceNumber}.${ordinal - mediaSequenceNumber * perSegment}.m4s${suffix}`;
}

function reportLine(report: RenditionReport, timeline: RenditionTimeline, access: Access): string {
  const { mediaSequenceNumber, partIndex } = partFromOrdinal(report.headOrdinal, timeline.info);
  const uri = playlistFile(report.rendition, access) + uriSuffix(access);
  return `#EXT-X-RENDITION-REPORT:URI="${uri}",LAST-MSN=${mediaSequenceNumber},LAST-PART=${partIndex}\n`;
}

function dateLine(timeline: RenditionTimeline, ordinal: number): string {
  return `#EXT-X-PROGRAM-DATE-TIME:${programDateTime(timeline.startMs(ordinal))}\n`;
}

/** Decimal seconds to the microsecond, without trailing zeros. */
function seconds(ticks: number, timescaleHz: number): string {
  return String(Math.round((ticks * 1e6) / timescaleHz) / 1e6);
}
