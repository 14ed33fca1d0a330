/** All benches, in the order in which they run. */
import { controlBenches } from './control.bench.ts';
import { cpuBench } from './cpu.bench.ts';
import { enginesBench } from './engines.bench.ts';
import { glassToGlassBenches } from './glass-to-glass.bench.ts';
import { memoryBench } from './memory.bench.ts';
import { originBenches } from './origin.bench.ts';
import { partLatencyBench } from './part-latency.bench.ts';
import type { Bench } from './result.ts';
import { runnerRestartBench } from './runner-restart.bench.ts';
import { senderLossBench } from './sender-loss.bench.ts';

export const BENCHES: readonly Bench[] = [
  ...glassToGlassBenches,
  enginesBench,
  partLatencyBench,
  ...originBenches,
  cpuBench,
  ...controlBenches,
  memoryBench,
  senderLossBench,
  runnerRestartBench,
];
