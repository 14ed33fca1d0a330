/** The streams' routes: each one line from a checked request to its service. */
import type { StartedStream } from '../../domain/control/api.ts';
import type { IngestSlot } from '../../domain/control/ingest-slot.ts';
import type { StreamLifecycle } from '../streams/lifecycle.ts';
import type { StreamService } from '../streams/service.ts';
import { streamDetail, streamView } from '../streams/views.ts';
import type { ApiHandlers } from './api.ts';

export function streamHandlers({
  streams,
  lifecycle,
  slots,
}: {
  streams: StreamService;
  lifecycle: StreamLifecycle;
  slots: readonly IngestSlot[];
}): ApiHandlers {
  return {
    createStream: async ({ body }) => ({ body: await streams.create(body) }),
    listStreams: async ({ query, principal }) => ({
      body: principal ? await streams.list(query) : await streams.listPublic(query),
    }),
    showStream: async ({ params }) => ({ body: await streams.show(params.streamId) }),
    deleteStream: async ({ params }) => {
      await streams.remove(params.streamId);
      return {};
    },
    startStream: async ({ params }) => {
      const { record, target } = await lifecycle.start(params.streamId);
      const body: StartedStream = { ...streamView(record, slots), ...(target ? { target } : {}) };
      return { body };
    },
    stopStream: async ({ params }) => ({ body: streamDetail(await lifecycle.stop(params.streamId), slots) }),
  };
}
