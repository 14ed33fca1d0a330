/** The route of the OpenAPI document, which is made once. */
import type { ApiHandlers } from './api.ts';
import { openApiDocument } from './openapi.ts';

export function documentHandlers(): ApiHandlers {
  let document: unknown;
  return { openApi: async () => ({ body: (document ??= openApiDocument()) }) };
}
