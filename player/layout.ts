/** Which grid shows most of `count` pictures of 16:9 in the room that there is. */

export interface Grid {
  readonly columnCount: number;
  readonly rowCount: number;
}

const PICTURE_ASPECT = 16 / 9;

/** @param gapPx the space between two panes. */
export function bestGrid(count: number, room: { widthPx: number; heightPx: number }, gapPx = 0): Grid {
  if (count < 1) return { columnCount: 1, rowCount: 1 };
  let best: Grid = { columnCount: 1, rowCount: count };
  let bestWidthPx = 0;
  for (let columnCount = 1; columnCount <= count; columnCount++) {
    const rowCount = Math.ceil(count / columnCount);
    const cellWidthPx = (room.widthPx - gapPx * (columnCount - 1)) / columnCount;
    const cellHeightPx = (room.heightPx - gapPx * (rowCount - 1)) / rowCount;
    const pictureWidthPx = Math.min(cellWidthPx, cellHeightPx * PICTURE_ASPECT);
    if (pictureWidthPx > bestWidthPx + 0.5) {
      bestWidthPx = pictureWidthPx;
      best = { columnCount, rowCount };
    }
  }
  return best;
}
