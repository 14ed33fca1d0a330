import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CHECK_INTERVAL_MS,
  MAX_LARGE_SLEW_PPM,
  MAX_SLEW_PPM,
  SystemClock,
} from '../../../adapters/clock-system.ts';

/** A machine whose wall clock can be set, and whose true time the test moves. */
class Machine {
  elapsedMs = 0;
  wallOffsetMs = 1_800_000_000_000;
  readonly clock = new SystemClock({
    wallMs: () => this.elapsedMs + this.wallOffsetMs,
    monotonicMs: () => this.elapsedMs,
  });

  /** How far the clock is ahead of the wall clock. */
  errorMs(): number {
    return this.clock.nowMs() - (this.elapsedMs + this.wallOffsetMs);
  }

  /** Lets the time run, with a look at the clock every 100 ms. */
  run(ms: number): void {
    for (let passedMs = 0; passedMs < ms; passedMs += 100) {
      this.elapsedMs += 100;
      this.clock.nowMs();
    }
  }
}

describe('the clock of a process', () => {
  it('is the wall clock at its start, and stays there', () => {
    const machine = new Machine();
    expect(machine.errorMs()).toBe(0);
    machine.run(3_600_000);
    expect(machine.errorMs()).toBe(0);
  });

  it.each([40, -40])('follows a correction of %i ms, not faster than it may', (correctionMs) => {
    const machine = new Machine();
    machine.run(1_000);
    machine.wallOffsetMs += correctionMs;
    machine.run(CHECK_INTERVAL_MS + 10_000);
    const madeGoodMs = correctionMs + machine.errorMs();
    expect(Math.abs(madeGoodMs)).toBeGreaterThan(0);
    expect(Math.abs(madeGoodMs)).toBeLessThanOrEqual((11_000 * MAX_SLEW_PPM) / 1_000_000 + 1e-6);
    machine.run(120_000);
    expect(Math.abs(machine.errorMs())).toBeLessThanOrEqual(2);
  });

  it('set back by ten seconds never goes back, and is right again after some twenty minutes', () => {
    const machine = new Machine();
    machine.run(1_000);
    machine.wallOffsetMs -= 10_000;
    let last = machine.clock.nowMs();
    for (let second = 0; second < 1_500; second += 1) {
      machine.run(1_000);
      const now = machine.clock.nowMs();
      expect(now - last).toBeGreaterThanOrEqual(1_000 - (1_000 * MAX_LARGE_SLEW_PPM) / 1_000_000 - 1e-3);
      last = now;
    }
    expect(machine.errorMs()).toBeLessThan(150);
  });

  it('of a machine that was asleep is at the new time at once', () => {
    const machine = new Machine();
    machine.wallOffsetMs += 3_600_000;
    machine.run(CHECK_INTERVAL_MS);
    expect(machine.errorMs()).toBe(0);
  });

  it('that nobody read for an hour does not overshoot', () => {
    const machine = new Machine();
    machine.wallOffsetMs += 100;
    machine.run(1_000);
    machine.elapsedMs += 3_600_000;
    expect(Math.abs(machine.errorMs())).toBeLessThanOrEqual(100);
  });

  it('never steps back, whatever happens to the wall clock', () => {
    const step = fc.record({
      passMs: fc.integer({ min: 0, max: 5_000 }),
      wallMs: fc.integer({ min: -20_000, max: 20_000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const machine = new Machine();
        const readings = steps.map(({ passMs, wallMs }) => {
          machine.elapsedMs += passMs;
          machine.wallOffsetMs += wallMs;
          return machine.clock.nowMs();
        });
        expect(readings).toEqual([...readings].sort((one, other) => one - other));
      }),
    );
  });

  it('of this machine agrees with the time of day', () => {
    expect(Math.abs(new SystemClock().nowMs() - Date.now())).toBeLessThan(5);
  });
});
