/** A schedule -> one round of reconciling registry and ECS. */
import type { Context } from 'aws-lambda';
import { readEnvironment } from '../environment.ts';
import { createObservability } from '../observability.ts';
import { wireStreams } from '../streams/wiring.ts';
import { wiredOnce } from '../wiring.ts';
import { systemClock } from '../wiring-system.ts';
import { Reconciler } from './service.ts';

const observability = createObservability();

const wired = wiredOnce(async () => {
  const parts = await wireStreams(readEnvironment('reconciler', process.env), observability);
  return new Reconciler({ ...parts, clock: systemClock, log: observability.log });
});

export const handler = (_event: unknown, context: Context) =>
  observability.invocation(context, async () => {
    const report = await (await wired()).reconcile();
    for (const [name, healed] of Object.entries(report))
      observability.count(`Reconciler_${name}`, healed.length);
    return report;
  });
