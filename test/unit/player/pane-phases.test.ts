import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WallBed } from './wall-bed.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Lets time go by, and what hangs on promises happen. */
async function run(bed: WallBed, ms: number): Promise<void> {
  for (let passedMs = 0; passedMs < ms; passedMs += 100) {
    bed.run(100);
    await Promise.resolve();
    await Promise.resolve();
  }
}

describe('what a pane says of itself', () => {
  it('a server that is gone for long: it reconnects, and claims no picture that is not there', () => {
    const bed = new WallBed(['cam-1']);
    bed.run(5_000);
    bed.network('cam-1').isCut = true;
    // As long as the last picture stands, and until an engine is given up.
    bed.run(6_000);
    const phases = new Set<string>();
    bed.run(8_000, () => phases.add(bed.pane('cam-1').phase));
    expect([...phases]).toEqual(['reconnecting']);
  });

  it('a sound that waits for a click waits with the same engine, says so, and plays after it', async () => {
    const bed = new WallBed(['cam-1']);
    await run(bed, 3_000);
    bed.wall.toggleSound('cam-1');
    const media = bed.media.get('cam-1');
    if (!media) throw new RangeError('no sound');
    media.isRefused = true;
    const engineCount = bed.engines.length;
    await run(bed, 30_000);
    expect(bed.wall.sound?.needsClick).toBe(true);
    expect(bed.engines).toHaveLength(engineCount);
    media.isRefused = false;
    await run(bed, 3_000);
    expect(bed.wall.sound?.needsClick).toBe(false);
    expect(bed.wall.sound?.phase).toBe('playing');
    expect(bed.engines).toHaveLength(engineCount);
  });
});
