import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ServerClock } from '../../../player/server-clock.ts';

describe('server clock', () => {
  it('before the first answer it is the local one', () => {
    const clock = new ServerClock(() => 77);
    expect(clock.nowMs()).toBe(77);
    expect(clock.uncertaintyMs).toBeUndefined();
  });

  it('the fastest round trip decides', () => {
    const clock = new ServerClock(() => 10_000);
    clock.add({ sentAtMs: 0, serverMs: 5_100, receivedAtMs: 200 });
    clock.add({ sentAtMs: 1_000, serverMs: 6_009, receivedAtMs: 1_010 });
    clock.add({ sentAtMs: 2_000, serverMs: 7_190, receivedAtMs: 2_300 });
    expect(clock.offsetMs).toBe(5_004);
    expect(clock.uncertaintyMs).toBe(5);
    expect(clock.nowMs()).toBe(15_004);
  });

  it('a clock that jumped is believed at once', () => {
    const clock = new ServerClock(() => 0);
    clock.add({ sentAtMs: 0, serverMs: 5_005, receivedAtMs: 10 });
    clock.add({ sentAtMs: 1_000, serverMs: 36_050, receivedAtMs: 1_100 });
    expect(clock.offsetMs).toBe(35_000);
  });

  it('whatever the delays of both ways, the true offset lies within the uncertainty', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -1e6, max: 1e6 }),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 400 })), {
          minLength: 1,
        }),
        (offsetMs, trips) => {
          const clock = new ServerClock(() => 0);
          trips.forEach(([thereMs, backMs], index) => {
            const sentAtMs = index * 1_000;
            clock.add({
              sentAtMs,
              serverMs: sentAtMs + thereMs + offsetMs,
              receivedAtMs: sentAtMs + thereMs + backMs,
            });
          });
          expect(Math.abs(clock.offsetMs - offsetMs)).toBeLessThanOrEqual(
            (clock.uncertaintyMs ?? -1) + 0.001,
          );
        },
      ),
    );
  });
});
