/**
 * The timeline is the wall clock (DESIGN: one idea). Every stream is cut on one grid counted from EPOCH, so
 * that segment `n` of every stream covers the same half second. All conversions between wall-clock time,
 * grid positions and track ticks live in this file, and nowhere else.
 *
 * Media time is integer ticks. 90 kHz ticks since 2026 stay below 2^53 for three thousand years.
 */
import type { Profile } from './profile.ts';

/** 2026-01-01T00:00:00Z in Unix milliseconds: instant 0 of the grid. */
export const EPOCH_MS = Date.UTC(2026, 0, 1);

/** The position of one part on the grid. */
export interface PartPosition {
  readonly mediaSequenceNumber: number;
  /** 0 to partsPerSegment - 1. */
  readonly partIndex: number;
}

/** A source of wall-clock time in Unix milliseconds. Never steps back within a process. */
export interface Clock {
  nowMs(): number;
}

export function partsPerSegment(profile: Pick<Profile, 'segmentMs' | 'partMs'>): number {
  return profile.segmentMs / profile.partMs;
}

/** The part whose interval contains the instant `unixMs`. */
export function partAt(unixMs: number, profile: Pick<Profile, 'segmentMs' | 'partMs'>): PartPosition {
  return partFromOrdinal(Math.floor((unixMs - EPOCH_MS) / profile.partMs), profile);
}

/** Parts since EPOCH: one increasing integer for (mediaSequenceNumber, partIndex). */
export function partOrdinal(position: PartPosition, profile: Pick<Profile, 'segmentMs' | 'partMs'>): number {
  return position.mediaSequenceNumber * partsPerSegment(profile) + position.partIndex;
}

export function partFromOrdinal(
  ordinal: number,
  profile: Pick<Profile, 'segmentMs' | 'partMs'>,
): PartPosition {
  const perSegment = partsPerSegment(profile);
  const mediaSequenceNumber = Math.floor(ordinal / perSegment);
  return { mediaSequenceNumber, partIndex: ordinal - mediaSequenceNumber * perSegment };
}

export function nextPart(
  position: PartPosition,
  profile: Pick<Profile, 'segmentMs' | 'partMs'>,
): PartPosition {
  return partFromOrdinal(partOrdinal(position, profile) + 1, profile);
}

/** The instant at which a segment begins, in Unix milliseconds. */
export function segmentStartMs(mediaSequenceNumber: number, profile: Pick<Profile, 'segmentMs'>): number {
  return EPOCH_MS + mediaSequenceNumber * profile.segmentMs;
}

/** The instant at which a part begins, in Unix milliseconds. */
export function partStartMs(position: PartPosition, profile: Pick<Profile, 'segmentMs' | 'partMs'>): number {
  return segmentStartMs(position.mediaSequenceNumber, profile) + position.partIndex * profile.partMs;
}

/** Ticks since EPOCH of the instant at which a part begins. Exact: parts are whole ticks (profileProblems). */
export function partStartTicks(
  position: PartPosition,
  timescaleHz: number,
  profile: Pick<Profile, 'segmentMs' | 'partMs'>,
): number {
  return partOrdinal(position, profile) * ((timescaleHz * profile.partMs) / 1000);
}

/** Whole ticks since EPOCH at or before an instant. */
export function ticksAt(unixMs: number, timescaleHz: number): number {
  return Math.floor(((unixMs - EPOCH_MS) * timescaleHz) / 1000);
}

/** The instant of a tick count since EPOCH, in Unix milliseconds (fractional). */
export function ticksToUnixMs(ticks: number, timescaleHz: number): number {
  return EPOCH_MS + (ticks * 1000) / timescaleHz;
}

/** The part that holds a video or audio frame: the one in whose interval the frame starts. */
export function partOfTicks(
  ticks: number,
  timescaleHz: number,
  profile: Pick<Profile, 'segmentMs' | 'partMs'>,
): PartPosition {
  return partFromOrdinal(Math.floor((ticks * 1000) / (timescaleHz * profile.partMs)), profile);
}

/**
 * The AAC frames that a part holds. Audio frames lie on their own grid, frame `k` starting at
 * `k * frameSampleCount` samples since EPOCH; a part holds those that *start* in its interval: 4 or 5 of
 * them at 100 ms and 48 kHz.
 *
 * @returns the index of the first frame since EPOCH, and the count.
 */
export function audioFramesOfPart(
  position: PartPosition,
  profile: Profile,
): { firstFrameIndex: number; frameCount: number } {
  const { sampleRateHz, frameSampleCount } = profile.audio;
  const start = partStartTicks(position, sampleRateHz, profile);
  const end = start + (sampleRateHz * profile.partMs) / 1000;
  const firstFrameIndex = Math.ceil(start / frameSampleCount);
  return { firstFrameIndex, frameCount: Math.ceil(end / frameSampleCount) - firstFrameIndex };
}

/** RFC 3339 text of an instant with milliseconds, as EXT-X-PROGRAM-DATE-TIME wants it (rfc8216bis §4.4.4.6). */
export function programDateTime(unixMs: number): string {
  return new Date(unixMs).toISOString();
}
