import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FRAME_MS } from '../../../domain/profile.ts';
import { skewMs } from '../../../player/latency-controller.ts';
import { WallBed } from './wall-bed.ts';

const SIX = ['cam-1', 'cam-2', 'cam-3', 'cam-4', 'cam-5', 'cam-6'];

/** A repeatable series of 0 to 1 (mulberry32). */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function quantile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN;
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('one instant in all panes', () => {
  it('six panes whose networks, clocks and decoders differ are within 5 ms of each other, without stalls', () => {
    const bed = new WallBed(SIX);
    SIX.forEach((id, index) => {
      const random = chance(index);
      bed.network(id).delayMs = () => 30 + index * 12 + random() * 40;
      const media = bed.media.get(id);
      if (!media) throw new Error('no media');
      media.startDelayMs = index * 45;
      media.driftPpm = (index - 2) * 100;
    });
    bed.run(20_000);
    const skewsMs: number[] = [];
    bed.run(30_000, () => skewsMs.push(bed.wall.skewMs));
    expect(quantile(skewsMs, 0.95)).toBeLessThan(5);
    expect(bed.wall.panes.map((pane) => pane.measure.stallCount)).toEqual(SIX.map(() => 0));
  });

  it('clocks of elements that drift are held, too', () => {
    const bed = new WallBed(['cam-1', 'cam-2']);
    bed.run(5_000);
    const [fast, slow] = [bed.media.get('cam-1'), bed.media.get('cam-2')];
    if (!fast || !slow) throw new Error('no media');
    fast.driftPpm = 500;
    slow.driftPpm = -500;
    const skewsMs: number[] = [];
    bed.run(60_000, () => skewsMs.push(bed.wall.skewMs));
    expect(Math.max(...skewsMs)).toBeLessThan(25);
    expect(bed.wall.panes.map((pane) => pane.measure.seekCount)).toEqual([0, 0]);
  });

  it('a pane that comes later joins the others at their instant', () => {
    const bed = new WallBed(['cam-1']);
    bed.networks.set('cam-2', { ...bed.network('cam-1') });
    bed.run(10_000);
    bed.wall.show(['cam-1', 'cam-2']);
    bed.run(3_000);
    expect(bed.pane('cam-2').phase).toBe('playing');
    expect(skewMs(bed.wall.panes.map((pane) => pane.shownInstantMs ?? Number.NaN))).toBeLessThan(25);
  });
});

describe('pictures reach the screen together', () => {
  /** Three panes whose pictures are on the screen a moment after their playheads, the last one's a frame later. */
  function shown(): WallBed {
    const bed = new WallBed(['cam-1', 'cam-2', 'cam-3']);
    bed.run(60_000);
    const targetMs = bed.wall.targetLatencyMs ?? Number.NaN;
    for (const [index, { presentation }] of bed.wall.panes.entries())
      for (let reading = 0; reading < 5; reading++)
        presentation.learn(targetMs + 50 + (index === 2 ? FRAME_MS : 0));
    return bed;
  }
  const trims = (bed: WallBed) => bed.wall.panes.map(({ presentation }) => presentation.trimMs);

  it('only the pane whose pictures come late is trimmed, however late all are', () => {
    const bed = shown();
    bed.wall.tick();
    expect(trims(bed)).toEqual([0, 0, 12]);
  });

  it('what was read of a pane says nothing any more once its pace is another', () => {
    const bed = shown();
    const [pane] = bed.wall.panes;
    expect(pane?.presentation.shownLatencyMs).toBeDefined();
    // Half a second off, which is brought back by playing faster.
    if (pane) pane.media.currentTime -= 0.5;
    bed.run(200);
    expect(pane?.media.playbackRate).toBeGreaterThan(1);
    expect(pane?.presentation.shownLatencyMs).toBeUndefined();
  });
});

describe('delivery modes', () => {
  it.each([
    ['balanced', 1_000, 2],
    ['economy', 2_000, 1],
  ] as const)('%s plays %i ms behind with %i requests a second from its start', (mode, latencyMs, perS) => {
    const bed = new WallBed(['cam-1', 'cam-2'], mode);
    bed.run(10_000);
    for (const shownMs of bed.latenciesMs) expect(Math.abs(shownMs - latencyMs)).toBeLessThan(20);
    expect(bed.pane('cam-1').measure.requestsPerS).toBeCloseTo(perS, 0);
    expect(bed.pane('cam-1').measure.stallCount).toBe(0);
  });

  it('are changed while playing, both ways, without a stall and with the same engine', () => {
    const bed = new WallBed(['cam-1', 'cam-2']);
    bed.run(10_000);
    const nearMs = bed.wall.targetLatencyMs ?? Number.NaN;
    for (const [mode, latencyMs] of [
      ['balanced', 1_000],
      ['economy', 2_000],
      ['balanced', 1_000],
      ['lowest-latency', nearMs],
    ] as const) {
      bed.wall.delivery = mode;
      bed.run(40_000);
      for (const shownMs of bed.latenciesMs) expect(Math.abs(shownMs - latencyMs)).toBeLessThan(30);
    }
    expect(bed.wall.panes.map((pane) => pane.measure.stallCount)).toEqual([0, 0]);
    expect(bed.engines).toHaveLength(2);
  });
});

describe('a pane comes back by itself', () => {
  function settled(): WallBed {
    const bed = new WallBed(['cam-1', 'cam-2']);
    bed.run(8_000);
    expect(bed.wall.panes.map((pane) => pane.phase)).toEqual(['playing', 'playing']);
    return bed;
  }

  /** Both play, in step, at a latency that does not differ much from before. */
  function expectInStep(bed: WallBed, atMostMs = 700): void {
    expect(bed.wall.panes.map((pane) => pane.phase)).toEqual(['playing', 'playing']);
    expect(bed.wall.skewMs).toBeLessThan(30);
    for (const latencyMs of bed.latenciesMs) expect(latencyMs).toBeLessThan(atMostMs);
  }

  it('after a stall, with the same engine, and its neighbour does not stand still', () => {
    const bed = settled();
    bed.network('cam-1').isCut = true;
    bed.run(1_500);
    expect(bed.pane('cam-1').phase).toBe('stalled');
    bed.network('cam-1').isCut = false;
    bed.run(10_000);
    expectInStep(bed);
    expect(bed.engines).toHaveLength(2);
    expect(bed.pane('cam-1').measure.stallCount).toBe(1);
    expect(bed.pane('cam-1').measure.stalledMs).toBeGreaterThan(1_000);
    expect(bed.pane('cam-2').measure.stallCount).toBe(0);
  });

  it('after a gap on the grid, by one seek over it', () => {
    const bed = settled();
    const fromOrdinal = Math.floor((bed.nowMs - Date.UTC(2026, 0, 1)) / 100) + 5;
    bed.network('cam-1').isGap = (ordinal) => ordinal >= fromOrdinal && ordinal < fromOrdinal + 7;
    const seeksBefore = bed.pane('cam-1').measure.seekCount;
    bed.run(8_000);
    expectInStep(bed);
    expect(bed.engines).toHaveLength(2);
    expect(bed.pane('cam-1').measure.seekCount - seeksBefore).toBeLessThanOrEqual(2);
  });

  it('after the network was gone for all panes', () => {
    const bed = settled();
    for (const id of ['cam-1', 'cam-2']) bed.network(id).isCut = true;
    bed.run(15_000);
    expect(bed.wall.panes.map((pane) => pane.phase)).not.toContain('playing');
    for (const id of ['cam-1', 'cam-2']) bed.network(id).isCut = false;
    bed.run(12_000);
    expectInStep(bed);
  });

  it('after an engine broke, in a new one', () => {
    const bed = settled();
    bed.engineOf('cam-1')?.fail();
    expect(bed.pane('cam-1').phase).toBe('reconnecting');
    bed.run(3_000);
    expectInStep(bed);
    expect(bed.engines).toHaveLength(3);
  });

  it('a renewed signature is used at once, and no engine is changed for it', () => {
    const bed = settled();
    for (const id of ['cam-1', 'cam-2']) bed.network(id).signature = 'new';
    bed.run(200);
    bed.signature = 'new';
    bed.run(5_000);
    expectInStep(bed);
    expect(bed.engines).toHaveLength(2);
  });

  it('after a laptop slept for ten minutes: at the live edge within seconds, and no stall is counted', () => {
    const bed = settled();
    bed.sleep(600_000);
    bed.run(10_000);
    expectInStep(bed);
    expect(bed.wall.panes.map((pane) => pane.measure.stallCount)).toEqual([0, 0]);
  });

  it('a tab in the background loads on for a while, then rests, and is in step soon after its return', () => {
    const bed = settled();
    bed.isHidden = true;
    bed.run(20_000);
    expect(bed.engines.every(({ engine }) => !engine.isDestroyed)).toBe(true);
    bed.run(20_000);
    expect(bed.engines.every(({ engine }) => engine.isDestroyed)).toBe(true);
    bed.run(300_000);
    bed.isHidden = false;
    bed.run(3_000);
    expectInStep(bed);
    expect(bed.wall.panes.map((pane) => pane.measure.stallCount)).toEqual([0, 0]);
  });

  it('a stream that is stopped is not asked for, and starts by itself when it is started again', () => {
    const bed = settled();
    const states = (state: string) => bed.wall.knowStreams([{ id: 'cam-1', name: 'CAM 1', state }]);
    states('stopped');
    bed.engineOf('cam-1')?.fail();
    bed.run(10_000);
    expect(bed.engines).toHaveLength(2);
    states('live');
    bed.run(3_000);
    expectInStep(bed);
    expect(bed.engines).toHaveLength(3);
  });

  it('what is closed stays closed', () => {
    const bed = settled();
    bed.wall.show(['cam-2']);
    bed.engineOf('cam-1')?.fail();
    bed.run(5_000);
    expect(bed.engines).toHaveLength(2);
    expect(bed.wall.streamIds).toEqual(['cam-2']);
  });
});
