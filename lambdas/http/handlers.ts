/** The routes' handlers: each one line from a checked request to its service. */

import type { IngestSlot } from '../../domain/control/ingest-slot.ts';
import type { StreamLifecycle } from '../streams/lifecycle.ts';
import type { StreamService } from '../streams/service.ts';
import { streamDetail, streamView } from '../streams/views.ts';
import type { ViewerService } from '../viewers/service.ts';
import type { ApiHandlers } from './api.ts';
import { openApiDocument } from './openapi.ts';

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
      return { body: { ...streamView(record, slots), ...(target ? { target } : {}) } };
    },
    stopStream: async ({ params }) => ({ body: streamDetail(await lifecycle.stop(params.streamId), slots) }),
  };
}

export function viewerHandlers({ viewers }: { viewers: ViewerService }): ApiHandlers {
  return {
    issueTicket: async ({ body }) => ({ body: await viewers.issueTicket(body) }),
    openSession: async ({ body }) => answered(await viewers.open(body)),
    swapStreams: async ({ params, sessionToken, body }) =>
      answered(await viewers.swap(params.sessionId, sessionToken, body)),
    renewSession: async ({ params, sessionToken, body }) =>
      answered(await viewers.renew(params.sessionId, sessionToken, body)),
    closeSession: async ({ params, sessionToken }) => {
      await viewers.close(params.sessionId, sessionToken);
      return {};
    },
    countViewers: async () => ({ body: await viewers.count() }),
  };
}

export function documentHandlers(): ApiHandlers {
  let document: unknown;
  return { openApi: async () => ({ body: (document ??= openApiDocument()) }) };
}

function answered<View>({ view, cookies }: { view: View; cookies: ApiCookies }) {
  return { body: view, cookies };
}
type ApiCookies = NonNullable<Awaited<ReturnType<NonNullable<ApiHandlers['openSession']>>>['cookies']>;
