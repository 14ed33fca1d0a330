/** How busy this machine's CPUs are, for who looks at its capacity. */
import { availableParallelism, type CpuInfo, cpus } from 'node:os';

export interface MachineLoadDependencies {
  readonly nowMs: () => number;
  readonly cpus: () => readonly Pick<CpuInfo, 'times'>[];
}

/** Questions that come closer together get the same answer: over less time it would be noise. */
const INTERVAL_MIN_MS = 2_000;

export class MachineLoad {
  readonly #dependencies: MachineLoadDependencies;
  #from: Times;
  #shareNow = 0;

  constructor(dependencies: MachineLoadDependencies = { nowMs: () => performance.now(), cpus }) {
    this.#dependencies = dependencies;
    this.#from = this.#read();
  }

  /** The share of all CPUs that was busy since the last question, 0 to 1. */
  read(): { readonly cpuCount: number; readonly loadShare: number } {
    const to = this.#read();
    if (to.atMs - this.#from.atMs >= INTERVAL_MIN_MS) {
      const totalMs = to.totalMs - this.#from.totalMs;
      if (totalMs > 0) this.#shareNow = 1 - (to.idleMs - this.#from.idleMs) / totalMs;
      this.#from = to;
    }
    return { cpuCount: availableParallelism(), loadShare: Math.min(1, Math.max(0, this.#shareNow)) };
  }

  #read(): Times {
    let [idleMs, totalMs] = [0, 0];
    for (const { times } of this.#dependencies.cpus()) {
      idleMs += times.idle;
      totalMs += times.idle + times.user + times.sys + times.nice + times.irq;
    }
    return { atMs: this.#dependencies.nowMs(), idleMs, totalMs };
  }
}

interface Times {
  readonly atMs: number;
  readonly idleMs: number;
  readonly totalMs: number;
}
