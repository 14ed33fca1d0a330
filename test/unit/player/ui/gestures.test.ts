import { beforeEach, describe, expect, it } from 'vitest';
import { type Gesture, GestureReader } from '../../../../player/ui/gestures.ts';

let reader = new GestureReader();

function stroke(atMs: number, from: [number, number], to = from, lastsMs = 100): Gesture | undefined {
  reader.down({ atMs, xPx: from[0], yPx: from[1] });
  return reader.up({ atMs: atMs + lastsMs, xPx: to[0], yPx: to[1] });
}

describe('fingers on a picture', () => {
  beforeEach(() => {
    reader = new GestureReader();
  });

  it('two taps on the same spot are one double tap, a third begins anew', () => {
    expect(stroke(0, [50, 50])).toBeUndefined();
    expect(stroke(200, [55, 48])).toBe('double-tap');
    expect(stroke(400, [55, 48])).toBeUndefined();
  });

  it('two taps far apart, in time or in place, are two taps', () => {
    stroke(0, [50, 50]);
    expect(stroke(500, [50, 50])).toBeUndefined();
    expect(stroke(600, [150, 50])).toBeUndefined();
  });

  it('a stroke sideways turns the page its way', () => {
    expect(stroke(0, [200, 100], [120, 110])).toBe('swipe-left');
    expect(stroke(500, [100, 100], [190, 80])).toBe('swipe-right');
  });

  it('a stroke that is slow, short or mostly up and down is none', () => {
    expect(stroke(0, [200, 100], [120, 100], 900)).toBeUndefined();
    expect(stroke(0, [200, 100], [165, 100])).toBeUndefined();
    expect(stroke(0, [200, 100], [140, 180])).toBeUndefined();
  });

  it('what the browser took for itself is forgotten', () => {
    reader.down({ atMs: 0, xPx: 200, yPx: 0 });
    reader.cancel();
    expect(reader.up({ atMs: 50, xPx: 100, yPx: 0 })).toBeUndefined();
  });
});
