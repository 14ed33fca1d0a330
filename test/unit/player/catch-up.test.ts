import { describe, expect, it } from 'vitest';
import { DELIVERY_PLANS } from '../../../domain/delivery.ts';
import { EPOCH_MS } from '../../../domain/timeline.ts';
import { CatchUp, LAG_MAX_MS, LAG_MIN_MS } from '../../../player/engines/catch-up.ts';
import { pieceAt, SEGMENTS } from '../../../player/engines/piece-grid.ts';
import { SEEK_BEYOND_MS } from '../../../player/latency-controller.ts';

const SEGMENT_MS = SEGMENTS.pieceMs;
const positionMs = EPOCH_MS + 1e9;

describe('an engine that has fallen behind the clock', () => {
  it('takes its pieces in turn as long as they are young enough to be shown', () => {
    expect(new CatchUp().next(positionMs, positionMs - 100, 400)).toBe(positionMs);
    expect(new CatchUp().next(positionMs, positionMs + LAG_MIN_MS + 400, 400)).toBe(positionMs);
  });

  it('fetches nothing that a seek would pass over', () => {
    expect(LAG_MIN_MS).toBe(SEEK_BEYOND_MS);
  });

  it.each([400, 2_000])(
    'goes on with what is wanted now, %i ms behind the clock, and never back',
    (wantedMs) => {
      const nowMs = positionMs + LAG_MIN_MS + wantedMs + 1;
      const catchUp = new CatchUp();
      const nextMs = catchUp.next(positionMs, nowMs, wantedMs);
      expect(nextMs).toBeGreaterThan(positionMs);
      expect(nowMs - nextMs).toBeGreaterThanOrEqual(wantedMs);
      expect(nowMs - nextMs).toBeLessThanOrEqual(wantedMs + SEGMENT_MS + 100);
      expect(pieceAt(nextMs, DELIVERY_PLANS['lowest-latency'], false).grid).toBe(SEGMENTS);
      expect(catchUp.next(nextMs, nowMs, wantedMs)).toBe(nextMs);
    },
  );

  it('media that is late at its source is taken in turn after three jumps in vain', () => {
    const catchUp = new CatchUp();
    const lateMs = 4_500;
    const jumps: boolean[] = [];
    let nextMs = positionMs;
    for (let count = 0; count < 100; count++) {
      // Each piece ends up here so long after its end, whichever it is.
      const nowMs = nextMs + SEGMENT_MS + lateMs;
      const wantedMs = catchUp.next(nextMs + SEGMENT_MS, nowMs, 400);
      jumps.push(wantedMs !== nextMs + SEGMENT_MS);
      nextMs = wantedMs;
    }
    expect(jumps.filter(Boolean)).toHaveLength(3);
    expect(jumps.slice(3)).not.toContain(true);
  });

  it('jumps as readily as at first once pieces came in time for 5 s', () => {
    const catchUp = new CatchUp();
    const behind = (lagMs: number) => catchUp.next(positionMs, positionMs + 400 + lagMs, 400) !== positionMs;
    expect(behind(LAG_MIN_MS + 1)).toBe(true);
    expect(behind(LAG_MIN_MS + 1)).toBe(false);
    for (let count = 0; count < 10; count++) expect(behind(100)).toBe(false);
    expect(behind(LAG_MIN_MS + 1)).toBe(true);
  });

  it('never bears more than its longest lag', () => {
    const catchUp = new CatchUp();
    for (let count = 0; count < 10; count++) catchUp.next(positionMs, positionMs + 60_000, 400);
    expect(catchUp.next(positionMs, positionMs + 400 + LAG_MAX_MS, 400)).toBe(positionMs);
    expect(catchUp.next(positionMs, positionMs + 401 + LAG_MAX_MS, 400)).toBeGreaterThan(positionMs);
  });
});
