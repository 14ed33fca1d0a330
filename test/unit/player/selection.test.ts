import { describe, expect, it } from 'vitest';
import { bestGrid } from '../../../player/layout.ts';
import { addressOf, mediaOrigin, streamsFromAddress, toggled } from '../../../player/selection.ts';

describe('feeds in the address', () => {
  it('are taken in their order, once each, six at most, unusable names left out', () => {
    expect(streamsFromAddress('?streams=cam-2,cam-1,cam-2,../etc,A,')).toEqual(['cam-2', 'cam-1']);
    expect(streamsFromAddress('?streams=a,b,c,d,e,f,g')).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  });

  it('no choice is not the same as an empty one', () => {
    expect(streamsFromAddress('')).toBeUndefined();
    expect(streamsFromAddress('?streams=')).toEqual([]);
  });

  it('an address made from a choice gives that choice back and keeps the rest', () => {
    const address = addressOf(['cam-1', 'own'], '?streams=x&engine=hls');
    expect(address).toBe('/?streams=cam-1,own&engine=hls');
    expect(streamsFromAddress(new URL(address, 'http://x').search)).toEqual(['cam-1', 'own']);
  });

  it('a seventh feed takes the place of the last', () => {
    expect(toggled(['a', 'b', 'c', 'd', 'e', 'f'], 'g')).toEqual(['a', 'b', 'c', 'd', 'e', 'g']);
    expect(toggled(['a', 'b'], 'a')).toEqual(['b']);
  });
});

describe('where media is asked for', () => {
  it.each([
    ['http:', 'localhost', '8080', 'http://cam-1.localhost:8080'],
    ['http:', '127.0.0.1', '8080', 'http://127.0.0.1:8080'],
    ['http:', '192.168.1.5', '', 'http://192.168.1.5'],
    ['https:', 'localhost', '8443', 'https://localhost:8443'],
  ])('%s//%s:%s', (protocol, hostname, port, origin) => {
    expect(mediaOrigin('cam-1', { protocol, hostname, port })).toBe(origin);
  });
});

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
