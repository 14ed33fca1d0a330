/** API Gateway -> streams: create, list, show, delete, start, stop. */
import type { Context } from 'aws-lambda';
import { readEnvironment } from '../environment.ts';
import { type ApiEvent, ControlApi } from '../http/api.ts';
import { streamHandlers } from '../http/stream-handlers.ts';
import { createObservability } from '../observability.ts';
import { wiredOnce } from '../wiring.ts';
import { systemClock } from '../wiring-system.ts';
import { wireStreams } from './wiring.ts';

const observability = createObservability();

const wired = wiredOnce(async () => {
  const { registry, streams, lifecycle, slots } = await wireStreams(
    readEnvironment('streams', process.env),
    observability,
  );
  return new ControlApi({
    handlers: streamHandlers({ streams, lifecycle, slots }),
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
