/** The grid of the timeline as addresses: what a piece of media is called, and when it begins and ends. */
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

/** So far behind the clock a piece may begin and still be worth fetching in its turn. */
export const LAG_MAX_MS = 3_000;
/** Where one goes on that fell further behind: so far behind the clock. */
const RESUME_BEHIND_MS = 500;

/** The piece to take when it is the turn of `index`: that one, or a later one when time has run away from it. */
export function caughtUp(grid: PieceGrid, index: number, nowMs: number): number {
  if (nowMs - grid.startMs(index) <= LAG_MAX_MS) return index;
  return Math.max(index, grid.indexAt(nowMs - RESUME_BEHIND_MS));
}
