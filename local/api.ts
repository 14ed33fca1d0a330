/** The part of the control API that the page needs: which streams there are. */
import { type FrontHandler, type FrontResponse, writeHead } from './front-server.ts';
import type { StreamList } from './stream-table.ts';

export interface ApiDependencies {
  readonly streams: StreamList;
}

/** `GET /v1/streams`. Errors are RFC 9457 problem details. */
export function createApi({ streams }: ApiDependencies): FrontHandler {
  return (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0];
    const method = request.method ?? 'GET';
    if (path !== '/v1/streams') {
      problem(response, 404, 'There is no such resource.');
      return;
    }
    if (method !== 'GET' && method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      problem(response, 405, `${method} is not possible here.`);
      return;
    }
    streams.list().then(
      (list) => json(response, 200, { streams: list }),
      () => problem(response, 500, 'The streams could not be listed.'),
    );
  };
}

function problem(response: FrontResponse, status: number, title: string): void {
  json(response, status, { status, title }, 'application/problem+json');
}

function json(response: FrontResponse, status: number, body: unknown, type = 'application/json'): void {
  const text = JSON.stringify(body);
  writeHead(response, status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(text);
}
