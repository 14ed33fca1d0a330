/**
 * Cuts the frames of one track into the parts of the grid. A part is given out with its last frame, without
 * waiting for the frame after it; a part that cannot be whole any more is a gap, given out as soon as that is
 * known. Nothing here waits.
 *
 * After a gap in the video track the parts up to the next independent frame are gaps too: their frames refer
 * to pictures that no viewer has (rfc8216bis §4.4.4.9 lets a client pass over a gap, and a decoder must then
 * start at an independent frame). With one GOP in a segment that is at most the rest of the segment.
 */
import type { PartPosition } from '../../domain/timeline.ts';

export interface CutterFrame {
  readonly decodeTimeTicks: number;
  readonly independent: boolean;
}

export interface CutterGrid {
  /** Distance of two frames, and the multiple on which each of them lies. */
  readonly frameDurationTicks: number;
  /** Parts since EPOCH of the part in whose interval the instant lies. */
  partOrdinalOf(decodeTimeTicks: number): number;
  positionOf(partOrdinal: number): PartPosition;
  /** Which frames make up a part. */
  framesOf(partOrdinal: number): { readonly firstTicks: number; readonly frameCount: number };
}

export type CutPart<Frame> =
  | { readonly kind: 'part'; readonly partOrdinal: number; readonly frames: readonly Frame[] }
  | { readonly kind: 'gap'; readonly partOrdinal: number };

/**
 * Longest hole that is given out as gaps. What is longer (a suspended machine) is left as a hole in the
 * numbers, which readers take for gaps as well (live-edge.ts); only its end is spelled out.
 */
export const MAX_SPELLED_OUT_GAP_COUNT = 50;

export class PartCutter<Frame extends CutterFrame> {
  private readonly grid: CutterGrid;
  /** The part that is being filled or comes next; undefined until the first segment began. */
  private nextPartOrdinal: number | undefined;
  private frames: Frame[] = [];
  private lastTicks = -1;
  private needsIndependent = true;
  private unusedFrameCount = 0;

  constructor(grid: CutterGrid) {
    this.grid = grid;
  }

  /** Frames that became part of nothing: before the first segment, late, repeated, or of a broken part. */
  get discardedFrameCount(): number {
    return this.unusedFrameCount;
  }

  /**
   * Takes the next frame.
   *
   * @param frame on the grid: a multiple of `frameDurationTicks`.
   * @returns what is complete now, in order: at most the gaps before it and one part.
   */
  push(frame: Frame): CutPart<Frame>[] {
    if (frame.decodeTimeTicks <= this.lastTicks) return this.discard();
    this.lastTicks = frame.decodeTimeTicks;
    const partOrdinal = this.grid.partOrdinalOf(frame.decodeTimeTicks);
    if (this.nextPartOrdinal === undefined && !this.beginsSegment(partOrdinal, frame)) return this.discard();
    this.nextPartOrdinal ??= partOrdinal;
    if (partOrdinal < this.nextPartOrdinal) return this.discard();

    const cut = this.gapsUpTo(this.nextPartOrdinal, partOrdinal);
    this.nextPartOrdinal = partOrdinal;
    const { firstTicks, frameCount } = this.grid.framesOf(partOrdinal);
    const expectedTicks = firstTicks + this.frames.length * this.grid.frameDurationTicks;
    const isFirst = this.frames.length === 0;
    if (frame.decodeTimeTicks !== expectedTicks || (isFirst && this.needsIndependent && !frame.independent)) {
      this.discard();
      cut.push(...this.gapsUpTo(partOrdinal, partOrdinal + 1));
      this.nextPartOrdinal = partOrdinal + 1;
      return cut;
    }
    this.needsIndependent = false;
    this.frames.push(frame);
    if (this.frames.length === frameCount) {
      cut.push({ kind: 'part', partOrdinal, frames: this.frames });
      this.frames = [];
      this.nextPartOrdinal = partOrdinal + 1;
    }
    return cut;
  }

  /**
   * A track starts with a whole segment, so that no playlist begins with half of one.
   */
  private beginsSegment(partOrdinal: number, frame: Frame): boolean {
    return (
      frame.independent &&
      this.grid.positionOf(partOrdinal).partIndex === 0 &&
      frame.decodeTimeTicks === this.grid.framesOf(partOrdinal).firstTicks
    );
  }

  private gapsUpTo(fromOrdinal: number, endOrdinal: number): CutPart<Frame>[] {
    if (fromOrdinal >= endOrdinal) return [];
    this.unusedFrameCount += this.frames.length;
    this.frames = [];
    this.needsIndependent = true;
    const first = Math.max(fromOrdinal, endOrdinal - MAX_SPELLED_OUT_GAP_COUNT);
    return Array.from({ length: endOrdinal - first }, (_, index) => ({
      kind: 'gap',
      partOrdinal: first + index,
    }));
  }

  private discard(): [] {
    this.unusedFrameCount += 1;
    return [];
  }
}
