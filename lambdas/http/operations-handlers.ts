/** The console's routes: each one line from a checked request to its service. */
import type { StreamOperations } from '../streams/operations.ts';
import type { ApiHandlers } from './api.ts';

export function operationsHandlers({ operations }: { operations: StreamOperations }): ApiHandlers {
  return {
    showMetrics: async ({ params }) => ({ body: await operations.metrics(params.streamId) }),
    showTarget: async ({ params }) => ({ body: await operations.target(params.streamId) }),
    showCapacity: async () => ({ body: await operations.capacity() }),
  };
}
