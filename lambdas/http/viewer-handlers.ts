/** The viewers' routes: each one line from a checked request to its service. */
import type { Answered, ViewerService } from '../viewers/service.ts';
import type { ApiAnswer, ApiHandlers } from './api.ts';

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
    previewStream: async ({ params }) => ({ body: await viewers.preview(params.streamId) }),
  };
}

function answered<View>({ view, cookies }: Answered<View>): ApiAnswer {
  return { body: view, cookies };
}
