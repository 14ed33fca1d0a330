import { describe, expect, it } from 'vitest';
import {
  addressOf,
  choiceFromAddress,
  idsOnPage,
  moved,
  nextLayout,
  placeCount,
  stepped,
  swapped,
  withFeed,
} from '../../../player/wall-choice.ts';

const NOTHING = { streamIds: undefined, layout: 'auto', focusId: undefined, delivery: undefined } as const;
const six = ['a', 'b', 'c', 'd', 'e', 'f'];

describe('the choice in the address', () => {
  it('feeds are taken in their order, once each, six at most, unusable names left out', () => {
    expect(choiceFromAddress('?streams=cam-2,cam-1,cam-2,../etc,A,').streamIds).toEqual(['cam-2', 'cam-1']);
    expect(choiceFromAddress('?streams=a,b,c,d,e,f,g').streamIds).toEqual(six);
  });

  it('no choice of feeds is not the same as an empty one', () => {
    expect(choiceFromAddress('')).toEqual(NOTHING);
    expect(choiceFromAddress('?streams=').streamIds).toEqual([]);
  });

  it('an unknown layout and an unusable focus count as none', () => {
    expect(choiceFromAddress('?layout=5&focus=../x')).toEqual(NOTHING);
  });

  it('an address made from a choice gives that choice back and keeps the rest', () => {
    const choice = {
      streamIds: ['cam-1', 'own'],
      layout: 'focus',
      focusId: 'own',
      delivery: 'economy',
    } as const;
    const address = addressOf(choice, '?streams=x&engine=hls&layout=2');
    expect(address).toBe('/?streams=cam-1,own&layout=focus&focus=own&delivery=economy&engine=hls');
    expect(choiceFromAddress(new URL(address, 'http://x').search)).toEqual(choice);
  });

  it('a choice of nothing leaves nothing behind, and an empty wall stays empty', () => {
    expect(addressOf(NOTHING, '?focus=a&layout=2')).toBe('/');
    expect(addressOf({ ...NOTHING, streamIds: [] }, '')).toBe('/?streams=');
  });
});

describe('places', () => {
  it.each([
    ['auto', 3, 3],
    ['focus', 5, 5],
    ['4', 3, 4],
    ['1', 6, 1],
  ] as const)('layout %s with %i feeds has %i', (layout, feeds, places) => {
    expect(placeCount(layout, feeds)).toBe(places);
  });

  it('a layout with fewer places than feeds shows the page that the focus is on', () => {
    expect(idsOnPage(six, '4', 'a')).toEqual(['a', 'b', 'c', 'd']);
    expect(idsOnPage(six, '4', 'e')).toEqual(['e', 'f']);
    expect(idsOnPage(six, '1', 'c')).toEqual(['c']);
    expect(idsOnPage(six, '2', undefined)).toEqual(['a', 'b']);
    expect(idsOnPage(six, 'focus', 'c')).toEqual(six);
  });

  it('layouts follow each other and begin again', () => {
    expect(nextLayout('auto')).toBe('1');
    expect(nextLayout('focus')).toBe('auto');
  });
});

describe('order', () => {
  it('the focus steps forwards and backwards, round at the ends', () => {
    expect(stepped(six, 'b', 1)).toBe('c');
    expect(stepped(six, 'f', 1)).toBe('a');
    expect(stepped(six, 'a', -1)).toBe('f');
    expect(stepped(six, undefined, 1)).toBe('a');
    expect(stepped([], 'a', 1)).toBeUndefined();
  });

  it('a pane that moves changes places with its neighbour', () => {
    expect(moved(['a', 'b', 'c'], 'b', 1)).toEqual(['a', 'c', 'b']);
    expect(moved(['a', 'b', 'c'], 'a', -1)).toEqual(['c', 'b', 'a']);
    expect(moved(['a', 'b'], 'x', 1)).toEqual(['a', 'b']);
    expect(swapped(['a', 'b', 'c'], 'c', 'a')).toEqual(['c', 'b', 'a']);
  });

  it('a seventh feed takes the place of the one with the focus; a feed is never there twice', () => {
    expect(withFeed(['a', 'b'], 'c', 'a')).toEqual(['a', 'b', 'c']);
    expect(withFeed(six, 'g', 'c')).toEqual(['a', 'b', 'g', 'd', 'e', 'f']);
    expect(withFeed(six, 'c', 'a')).toEqual(six);
  });
});
