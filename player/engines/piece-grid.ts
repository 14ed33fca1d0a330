/** The grid of the timeline as addresses: what a piece of media is called, and when it begins and ends. */
import { type DeliveryPlan, JOINED_SEGMENT_COUNT } from '../../domain/delivery.ts';
import { SEED_PROFILE } from '../../domain/profile.ts';
import { EPOCH_MS, partFromOrdinal } from '../../domain/timeline.ts';

export interface PieceGrid {
  /** What one piece covers. */
  readonly pieceMs: number;
  /** The piece that covers an instant, Unix ms. */
  indexAt(unixMs: number): number;
  startMs(index: number): number;
  /** File name without its extension. */
  name(index: number): string;
}

function gridOf(pieceMs: number, name: (index: number) => string): PieceGrid {
  return {
    pieceMs,
    indexAt: (unixMs) => Math.floor((unixMs - EPOCH_MS) / pieceMs),
    startMs: (index) => EPOCH_MS + index * pieceMs,
    name,
  };
}

/** One piece is one segment: `{mediaSequenceNumber}.m4s`. */
export const SEGMENTS = gridOf(SEED_PROFILE.segmentMs, String);

/** One piece is one part: `{mediaSequenceNumber}.{partIndex}.m4s`. */
export const PARTS = gridOf(SEED_PROFILE.partMs, (index) => {
  const { mediaSequenceNumber, partIndex } = partFromOrdinal(index, SEED_PROFILE);
  return `${mediaSequenceNumber}.${partIndex}`;
});

/** One piece is some finished segments: `{first}-{last}.m4s`. */
export const JOINED_SEGMENTS = gridOf(JOINED_SEGMENT_COUNT * SEED_PROFILE.segmentMs, (index) => {
  const first = index * JOINED_SEGMENT_COUNT;
  return `${first}-${first + JOINED_SEGMENT_COUNT - 1}`;
});

/** One thing to ask for. */
export interface Piece {
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly grid: PieceGrid;
}

function pieceOf(grid: PieceGrid, index: number): Piece {
  return { name: grid.name(index), startMs: grid.startMs(index), endMs: grid.startMs(index + 1), grid };
}

/** What the next piece may be. */
export type Take = Pick<DeliveryPlan, 'taken' | 'segmentsPerRequest'>;

/**
 * The piece that begins at an instant: the largest of those that the plan takes. Between two of them come
 * smaller ones, until the larger grid's next line.
 *
 * @param growthIsHeldBack answers that grow do not come as they grow: parts are asked for one by one instead.
 */
export function pieceAt(startMs: number, take: Take, growthIsHeldBack: boolean): Piece {
  const isWhole = take.taken === 'whole';
  if (isWhole && take.segmentsPerRequest === JOINED_SEGMENT_COUNT && begins(JOINED_SEGMENTS, startMs))
    return pieceOf(JOINED_SEGMENTS, JOINED_SEGMENTS.indexAt(startMs));
  if ((isWhole || !growthIsHeldBack) && begins(SEGMENTS, startMs))
    return pieceOf(SEGMENTS, SEGMENTS.indexAt(startMs));
  return pieceOf(PARTS, PARTS.indexAt(startMs));
}

function begins(grid: PieceGrid, unixMs: number): boolean {
  return grid.startMs(grid.indexAt(unixMs)) === unixMs;
}
