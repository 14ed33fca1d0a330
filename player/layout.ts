/** Which grid shows most of `count` pictures of 16:9 in the room that there is. */

export interface Grid {
  readonly columnCount: number;
  readonly rowCount: number;
  readonly pictureWidthPx: number;
}

const PICTURE_ASPECT = 16 / 9;

/** Side by side reads better than stacked: a taller grid must show pictures so much larger. */
const STACKING_GAIN_MIN = 1.08;

export interface Room {
  readonly widthPx: number;
  readonly heightPx: number;
  /** Between two panes. */
  readonly gapPx: number;
  /** Of the line below each picture. */
  readonly captionPx: number;
}

export function bestGrid(count: number, room: Room): Grid {
  let best = gridWith(Math.max(1, count), Math.max(1, count), room);
  for (let columnCount = count - 1; columnCount >= 1; columnCount--) {
    const grid = gridWith(columnCount, count, room);
    const gainMin = grid.rowCount > grid.columnCount ? STACKING_GAIN_MIN : 1;
    if (grid.pictureWidthPx > best.pictureWidthPx * gainMin) best = grid;
  }
  return best;
}

function gridWith(columnCount: number, count: number, room: Room): Grid {
  const rowCount = Math.ceil(count / columnCount);
  const cellWidthPx = (room.widthPx - room.gapPx * (columnCount - 1)) / columnCount;
  const cellHeightPx = (room.heightPx - room.gapPx * (rowCount - 1)) / rowCount - room.captionPx;
  const pictureWidthPx = Math.max(0, Math.min(cellWidthPx, cellHeightPx * PICTURE_ASPECT));
  return { columnCount, rowCount, pictureWidthPx };
}
