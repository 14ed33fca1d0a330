import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bestGrid, focusRects, gridRects, type PaneRect, verticalNeighbour } from '../../../player/layout.ts';

describe('grid', () => {
  it.each([
    [1, 1280, 720, 1, 1],
    [2, 1280, 720, 2, 1],
    [3, 1280, 720, 2, 2],
    [4, 1280, 720, 2, 2],
    [5, 1280, 720, 2, 3],
    [6, 1280, 720, 2, 3],
    [6, 1920, 500, 6, 1],
    [6, 360, 700, 2, 3],
    [4, 360, 740, 1, 4],
  ])('%i panes in %i x %i', (count, widthPx, heightPx, a, b) => {
    const grid = bestGrid(count, { widthPx, heightPx, gapPx: 0, captionPx: 0 });
    const width = (columns: number, rows: number) =>
      Math.min(widthPx / columns, ((heightPx / rows) * 16) / 9);
    expect(grid.columnCount * grid.rowCount).toBeGreaterThanOrEqual(count);
    // The expected pair is one of several equally good; what counts is the size of a picture.
    expect(width(grid.columnCount, grid.rowCount)).toBeGreaterThanOrEqual(
      Math.min(width(a, b), width(b, a)) / 1.08 - 0.5,
    );
  });

  it('gaps and captions are taken off the room before it is shared out', () => {
    expect(bestGrid(4, { widthPx: 1008, heightPx: 2000, gapPx: 8, captionPx: 30 })).toEqual({
      columnCount: 1,
      rowCount: 4,
      pictureWidthPx: expect.closeTo((((2000 - 24) / 4 - 30) * 16) / 9, 3),
    });
  });

  it('no panes is still a grid', () => {
    expect(bestGrid(0, { widthPx: 100, heightPx: 100, gapPx: 8, captionPx: 30 })).toMatchObject({
      columnCount: 1,
    });
  });
});

const room = { widthPx: 1280, heightPx: 700, gapPx: 8, captionPx: 30 };
const overlap = (a: PaneRect, b: PaneRect) =>
  a.leftPx < b.leftPx + b.widthPx &&
  b.leftPx < a.leftPx + a.widthPx &&
  a.topPx < b.topPx + b.heightPx &&
  b.topPx < a.topPx + a.heightPx;
/** A pixel more than the room is rounding. */
const inside = (rect: PaneRect, { widthPx, heightPx }: { widthPx: number; heightPx: number }) =>
  rect.leftPx >= 0 &&
  rect.topPx >= 0 &&
  rect.leftPx + rect.widthPx <= widthPx + 1 &&
  rect.topPx + rect.heightPx <= heightPx + 1;

describe('places of the panes', () => {
  it('lie inside the room and not upon each other, whatever the window', () => {
    const size = fc.record({
      widthPx: fc.integer({ min: 320, max: 3840 }),
      heightPx: fc.integer({ min: 500, max: 2160 }),
    });
    fc.assert(
      fc.property(size, fc.integer({ min: 1, max: 6 }), fc.nat(5), (window, count, at) => {
        const inWindow = { ...window, gapPx: 8, captionPx: 30 };
        for (const rects of [gridRects(count, inWindow), focusRects(count, at % count, inWindow)]) {
          expect(rects).toHaveLength(count);
          for (const [index, rect] of rects.entries()) {
            expect(inside(rect, window)).toBe(true);
            for (const other of rects.slice(index + 1)) expect(overlap(rect, other)).toBe(false);
          }
        }
      }),
    );
  });

  it('a last row that is not full stands in the middle', () => {
    const rects = gridRects(3, { ...room, widthPx: 1000, heightPx: 630 });
    expect(rects[2]?.leftPx).toBeCloseTo((1000 - (rects[2]?.widthPx ?? 0)) / 2, -1);
  });

  it('one large picture leaves the others large enough to be seen, in a wide window and a tall one', () => {
    for (const window of [room, { ...room, widthPx: 360, heightPx: 600 }]) {
      const rects = focusRects(6, 2, window);
      const widths = rects.map(({ widthPx }) => widthPx);
      const large = widths[2] ?? 0;
      expect(large).toBe(Math.max(...widths));
      expect(large).toBeGreaterThan(window.widthPx * 0.6);
      expect(large).toBeGreaterThanOrEqual(1.6 * (widths[0] ?? 0));
      expect(widths[0]).toBeGreaterThan(100);
    }
  });

  it('the arrows up and down go to the pane that lies nearest in the next row', () => {
    const rects = gridRects(4, { ...room, widthPx: 1000, heightPx: 620 });
    expect(verticalNeighbour(rects, 0, 'down')).toBe(2);
    expect(verticalNeighbour(rects, 3, 'up')).toBe(1);
    expect(verticalNeighbour(rects, 1, 'up')).toBeUndefined();
  });
});
