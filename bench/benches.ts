/** All benches, in the order in which they run, and what each needs besides Node. */
import type { ProgramName } from '../tools/prerequisites.ts';
import { controlBenches } from './control.bench.ts';
import { cpuBench } from './cpu.bench.ts';
import { enginesBench } from './engines.bench.ts';
import { glassToGlassBenches } from './glass-to-glass.bench.ts';
import { memoryBenches } from './memory.bench.ts';
import { originBenches } from './origin.bench.ts';
import { partLatencyBench } from './part-latency.bench.ts';
import type { Bench } from './result.ts';
import { runnerRestartBench } from './runner-restart.bench.ts';
import { senderLossBench } from './sender-loss.bench.ts';

const needing = (program: ProgramName, ...benches: readonly Bench[]): readonly Bench[] =>
  benches.map((bench) => ({ ...bench, needs: [program] }));

export const BENCHES: readonly Bench[] = [
  ...needing('Chromium', ...glassToGlassBenches, enginesBench),
  partLatencyBench,
  ...originBenches,
  ...needing('ffmpeg', cpuBench),
  ...needing('redis-server', ...controlBenches),
  ...memoryBenches,
  senderLossBench,
  runnerRestartBench,
];
