/** Where each picture of 16:9 lies in the room that there is, as large as possible. Pure geometry. */

export interface Room {
  readonly widthPx: number;
  readonly heightPx: number;
  /** Between two panes. */
  readonly gapPx: number;
  /** Of the line below each picture. */
  readonly captionPx: number;
}

/** Of one pane, its caption included. */
export interface PaneRect {
  readonly leftPx: number;
  readonly topPx: number;
  readonly widthPx: number;
  readonly heightPx: number;
}

export interface Grid {
  readonly columnCount: number;
  readonly rowCount: number;
  readonly pictureWidthPx: number;
}

const PICTURE_ASPECT = 16 / 9;

/** Side by side reads better than stacked: a taller grid must show pictures so much larger. */
const STACKING_GAIN_MIN = 1.08;
/** In the layout with one large picture it is so many times as wide as the others, at least. */
const LARGE_TO_SMALL_MIN = 1.6;
/** Shares of the room that the large picture is tried with. */
const LARGE_SHARES = Array.from({ length: 15 }, (_, index) => 0.5 + index * 0.025);

export function bestGrid(count: number, room: Room): Grid {
  let best = gridWith(Math.max(1, count), Math.max(1, count), room);
  for (let columnCount = count - 1; columnCount >= 1; columnCount--) {
    const grid = gridWith(columnCount, count, room);
    const gainMin = grid.rowCount > grid.columnCount ? STACKING_GAIN_MIN : 1;
    if (grid.pictureWidthPx > best.pictureWidthPx * gainMin) best = grid;
  }
  return best;
}

/** The places of a grid, row by row, in the middle of the room. A last row that is not full is centred. */
export function gridRects(count: number, room: Room): readonly PaneRect[] {
  const grid = bestGrid(count, room);
  const widthPx = Math.floor(grid.pictureWidthPx);
  const heightPx = paneHeightPx(widthPx, room);
  const { gapPx } = room;
  const topPx = (room.heightPx - grid.rowCount * (heightPx + gapPx) + gapPx) / 2;
  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / grid.columnCount);
    const inRow = Math.min(grid.columnCount, count - row * grid.columnCount);
    const leftPx = (room.widthPx - inRow * (widthPx + gapPx) + gapPx) / 2;
    return {
      leftPx: Math.round(leftPx + (index % grid.columnCount) * (widthPx + gapPx)),
      topPx: Math.max(0, Math.round(topPx + row * (heightPx + gapPx))),
      widthPx,
      heightPx,
    };
  });
}

/**
 * One large place and small ones beside or below it, whichever shows more.
 *
 * @param largeIndex which of the places is the large one.
 */
export function focusRects(count: number, largeIndex: number, room: Room): readonly PaneRect[] {
  if (count <= 1) return gridRects(count, room);
  const [large, ...small] = bestSplit(count - 1, room);
  if (!large) return [];
  return [...small.slice(0, largeIndex), large, ...small.slice(largeIndex)];
}

/** The large place first, then the small ones. */
function bestSplit(smallCount: number, room: Room): readonly PaneRect[] {
  let best: { rects: readonly PaneRect[]; score: number } | undefined;
  for (const share of LARGE_SHARES) {
    for (const side of ['beside', 'below'] as const) {
      const rects = split(smallCount, share, side, room);
      const [largePx = 0, smallPx = 0] = rects.map(({ widthPx }) => widthPx);
      // One that does not stand out is no large picture: it counts only where nothing better fits.
      const penalty = largePx >= smallPx * LARGE_TO_SMALL_MIN ? 1 : 0.1;
      const score = (largePx ** 2 + smallCount * smallPx ** 2) * penalty;
      if (!best || score > best.score) best = { rects, score };
    }
  }
  return best?.rects ?? [];
}

function split(
  smallCount: number,
  largeShare: number,
  side: 'beside' | 'below',
  room: Room,
): readonly PaneRect[] {
  const { gapPx } = room;
  const beside = side === 'beside';
  const largeRoom = beside
    ? { ...room, widthPx: Math.floor(room.widthPx * largeShare) }
    : { ...room, heightPx: Math.floor(room.heightPx * largeShare) };
  const [large] = gridRects(1, largeRoom);
  if (!large) return [];
  // What the large picture leaves of its share belongs to the others.
  const usedPx = beside ? large.widthPx : large.heightPx;
  const restRoom = beside
    ? { ...room, widthPx: Math.max(0, room.widthPx - usedPx - gapPx) }
    : { ...room, heightPx: Math.max(0, room.heightPx - usedPx - gapPx) };
  const small = gridRects(smallCount, restRoom);
  const smallStartPx = Math.min(...small.map((rect) => (beside ? rect.leftPx : rect.topPx)));
  const smallEndPx = Math.max(
    ...small.map((rect) => (beside ? rect.leftPx + rect.widthPx : rect.topPx + rect.heightPx)),
  );
  // Both groups together stand in the middle.
  const freePx = (beside ? room.widthPx : room.heightPx) - usedPx - gapPx - (smallEndPx - smallStartPx);
  const startPx = Math.max(0, Math.round(freePx / 2));
  const shiftPx = startPx + usedPx + gapPx - smallStartPx;
  return beside
    ? [{ ...large, leftPx: startPx }, ...small.map((rect) => ({ ...rect, leftPx: rect.leftPx + shiftPx }))]
    : [{ ...large, topPx: startPx }, ...small.map((rect) => ({ ...rect, topPx: rect.topPx + shiftPx }))];
}

/**
 * The place above or below another one, for the arrow keys.
 *
 * @returns undefined when there is none.
 */
export function verticalNeighbour(
  rects: readonly PaneRect[],
  index: number,
  direction: 'up' | 'down',
): number | undefined {
  const from = rects[index];
  if (!from) return undefined;
  const middle = (rect: PaneRect) => rect.leftPx + rect.widthPx / 2;
  const awayPx = (rect: PaneRect) =>
    direction === 'down' ? rect.topPx - from.topPx : from.topPx - rect.topPx;
  const candidates = rects
    .map((rect, at) => ({ at, awayPx: awayPx(rect), asidePx: Math.abs(middle(rect) - middle(from)) }))
    .filter((candidate) => candidate.awayPx > 1);
  candidates.sort((a, b) => a.awayPx - b.awayPx || a.asidePx - b.asidePx);
  return candidates[0]?.at;
}

function paneHeightPx(pictureWidthPx: number, { captionPx }: Room): number {
  return Math.floor(pictureWidthPx / PICTURE_ASPECT) + captionPx;
}

function gridWith(columnCount: number, count: number, room: Room): Grid {
  const rowCount = Math.ceil(count / columnCount);
  const cellWidthPx = (room.widthPx - room.gapPx * (columnCount - 1)) / columnCount;
  const cellHeightPx = (room.heightPx - room.gapPx * (rowCount - 1)) / rowCount - room.captionPx;
  const pictureWidthPx = Math.max(0, Math.min(cellWidthPx, cellHeightPx * PICTURE_ASPECT));
  return { columnCount, rowCount, pictureWidthPx };
}
