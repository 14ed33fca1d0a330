import { describe, expect, it } from 'vitest';
import { MachineLoad } from '../../../local/machine-load.ts';

function machine() {
  let atMs = 0;
  const cpu = { user: 0, nice: 0, sys: 0, idle: 0, irq: 0 };
  const load = new MachineLoad({
    nowMs: () => atMs,
    cpus: () => [{ times: { ...cpu } }, { times: { ...cpu } }],
  });
  return {
    load,
    pass: (busyMs: number, idleMs: number) => {
      cpu.user += busyMs;
      cpu.idle += idleMs;
      atMs += busyMs + idleMs;
    },
  };
}

describe('the load of a machine', () => {
  it('is the share that was busy since the last question', () => {
    const { load, pass } = machine();
    expect(load.read().loadShare).toBe(0);
    pass(3_000, 1_000);
    expect(load.read().loadShare).toBe(0.75);
    pass(0, 4_000);
    expect(load.read().loadShare).toBe(0);
  });

  it('is asked for by several at once without becoming noise', () => {
    const { load, pass } = machine();
    pass(2_000, 2_000);
    load.read();
    pass(100, 0);
    expect(load.read().loadShare).toBe(0.5);
    pass(1_900, 0);
    expect(load.read().loadShare).toBe(1);
  });
});
