/** A runner that is killed while its stream is on air: how long viewers get nothing, and no picture of the feed. */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startChild } from '../local/child-process.ts';
import { RESTART_DELAY_MIN_MS } from '../local/supervisor.ts';
import { ROOT } from './platform.ts';
import type { Bench, BenchContext, BenchOutcome } from './result.ts';
import { RunnerHost } from './runner-host.ts';
import { summarize } from './statistics.ts';

const KILL_COUNT = 5;
const QUICK_COUNT = 2;
const ON_AIR_MS = 3_000;

export const runnerRestartBench: Bench = {
  name: 'runner-restart',
  title: 'A runner that is killed while its stream is on air',
  run: measure,
};

async function measure({ quick, say }: BenchContext): Promise<BenchOutcome> {
  const host = await RunnerHost.start();
  // A child, and one that connects again by itself, as encoders do: this process must be able to fork.
  const encoder = startChild(
    {
      file: join(ROOT, 'tools', 'feeds', 'demo.ts'),
      args: [JSON.stringify([{ to: `srt://127.0.0.1:${host.srtPort}`, name: 'RESTART' }])],
      execArgv: ['--import', 'tsx'],
      env: { UV_THREADPOOL_SIZE: '16', MALLOC_ARENA_MAX: '2' },
      workingDirectory: ROOT,
    },
    { onMessage: () => undefined, onLine: () => undefined },
  );
  try {
    const silencesMs: number[] = [];
    const feedGoneMs: number[] = [];
    const count = quick ? QUICK_COUNT : KILL_COUNT;
    say(`killing the runner ${count} times`);
    for (let run = 0; run < count; run++) {
      await host.untilState('live');
      await sleep(ON_AIR_MS);
      const { lastPartAtMs, firstPartAtMs } = await host.killAndStartAgain(RESTART_DELAY_MIN_MS);
      silencesMs.push(firstPartAtMs - lastPartAtMs);
      await host.untilState('live');
      feedGoneMs.push(Date.now() - lastPartAtMs);
    }
    const silence = summarize(silencesMs);
    const gone = summarize(feedGoneMs);
    return {
      measures: [
        { what: 'no part at all, median', value: silence.p50, unit: 'ms', atMost: 2_000 },
        { what: 'no part at all, worst', value: silence.max, unit: 'ms' },
        { what: 'NO SIGNAL until the encoder is back, median', value: gone.p50, unit: 'ms' },
        { what: 'NO SIGNAL until the encoder is back, worst', value: gone.max, unit: 'ms' },
      ],
      notes: [
        `Killed with SIGKILL and started again ${RESTART_DELAY_MIN_MS} ms later, as the supervisor of \`npm start\` does; on AWS ECS starts a new task, which takes longer.`,
        'The encoder here notices after its own SRT time-out of 5 s without an answer; that is its setting and not the runner’s.',
      ],
      detail: { silencesMs, feedGoneMs },
    };
  } finally {
    encoder.kill();
    await encoder.exited;
    await host.stop();
  }
}
