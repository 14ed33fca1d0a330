/** API Gateway -> /v1/openapi.json. */
import type { Context } from 'aws-lambda';
import { type ApiEvent, ControlApi } from '../http/api.ts';
import { documentHandlers } from '../http/document-handlers.ts';
import { createObservability } from '../observability.ts';
import { systemClock } from '../wiring-system.ts';

const observability = createObservability();

const api = new ControlApi({
  handlers: documentHandlers(),
  clock: systemClock,
  log: observability.log,
  cookieAttributes: '',
});

export const handler = (event: ApiEvent, context: Context) =>
  observability.invocation(context, () => api.handle(event));
