/** API Gateway -> streams: create, list, show, delete, start, stop, and what operators look at. */
import type { Context } from 'aws-lambda';
import { CONTROL_LIMITS } from '../../domain/control/limits.ts';
import { readEnvironment } from '../environment.ts';
import { type ApiEvent, ControlApi } from '../http/api.ts';
import { operationsHandlers } from '../http/operations-handlers.ts';
import { streamHandlers } from '../http/stream-handlers.ts';
import { createObservability } from '../observability.ts';
import { wiredOnce } from '../wiring.ts';
import { systemClock } from '../wiring-system.ts';
import { StreamOperations } from './operations.ts';
import { wireStreams } from './wiring.ts';

const observability = createObservability();

const wired = wiredOnce(async () => {
  const environment = readEnvironment('streams', process.env);
  const { registry, streams, lifecycle, secrets, slots } = await wireStreams(environment, observability);
  const operations = new StreamOperations({
    registry,
    secrets,
    slots,
    clock: systemClock,
    viewerCountMax: CONTROL_LIMITS.viewerCount,
    capacity: { environment: environment.MIRROR_COST_ENVIRONMENT },
  });
  return new ControlApi({
    handlers: { ...streamHandlers({ streams, lifecycle, slots }), ...operationsHandlers({ operations }) },
    idempotency: registry,
    clock: systemClock,
    log: observability.log,
    cookieAttributes: '',
    onAnswer: ({ route, durationMs, code }) => {
      observability.timeMs(`${route}Ms`, durationMs);
      if (code !== undefined) observability.count(code);
    },
  });
});

export const handler = (event: ApiEvent, context: Context) =>
  observability.invocation(context, async () => (await wired()).handle(event));
