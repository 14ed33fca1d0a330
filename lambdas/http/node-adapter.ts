/**
 * Serves the control API over node:http: each request becomes the event that API Gateway would have made of
 * it, the authorizer included, so that what runs on one machine is what runs on AWS.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { CONTROL_LIMITS } from '../../domain/control/limits.ts';
import { messageOf } from '../../domain/errors.ts';
import type { Log } from '../../domain/log.ts';
import type { Clock } from '../../domain/timeline.ts';
import { bearerToken, type TokenAuthorizer } from '../authorizer/service.ts';
import type { ApiEvent, AuthorizerContext, ControlApi } from './api.ts';

/** HTTP/1.1 and, with TLS, HTTP/2 through Node's compatibility classes. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;
export type NodeResponse = ServerResponse | Http2ServerResponse;

export interface NodeAdapterDependencies {
  readonly api: Pick<ControlApi, 'handle'>;
  readonly authorizer: Pick<TokenAuthorizer, 'principalOf'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** @returns a handler for every request whose path begins with /v1/. It never rejects. */
export function controlRequestHandler(
  dependencies: NodeAdapterDependencies,
): (request: NodeRequest, response: NodeResponse) => Promise<void> {
  return async (request, response) => {
    try {
      const event = await eventOf(request, dependencies);
      send(response, await dependencies.api.handle(event));
    } catch (error) {
      // The client went away, or the token store failed before the API could answer for it.
      dependencies.log.warn('control-request-failed', { error: messageOf(error) });
      if (!response.headersSent) response.writeHead(503, { 'retry-after': '2' });
      response.end();
    }
  };
}

async function eventOf(
  request: NodeRequest,
  { authorizer, clock }: NodeAdapterDependencies,
): Promise<ApiEvent> {
  const body = await readBody(request);
  const [rawPath = '/', rawQueryString = ''] = (request.url ?? '/').split('?', 2);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers))
    if (value !== undefined && !name.startsWith(':'))
      headers[name] = Array.isArray(value) ? value.join(',') : value;
  const token = bearerToken(headers.authorization);
  const principal = token === undefined ? undefined : await authorizer.principalOf(token);
  const context: AuthorizerContext | undefined = principal && {
    principal: principal.name,
    scopes: principal.scopes.join(' '),
  };
  const nowMs = clock.nowMs();
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath,
    rawQueryString,
    headers,
    requestContext: {
      accountId: 'local',
      apiId: 'local',
      domainName: headers['host'] ?? String(request.headers[':authority'] ?? 'localhost'),
      domainPrefix: 'local',
      http: {
        method: request.method ?? 'GET',
        path: rawPath,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.socket.remoteAddress ?? '',
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey: '$default',
      stage: '$default',
      time: new Date(nowMs).toISOString(),
      timeEpoch: nowMs,
      ...(context ? { authorizer: { lambda: context } } : {}),
    },
    body: body.toString('base64'),
    isBase64Encoded: true,
  };
}

/** More than the limit is not kept, and just enough of it to be refused; the rest is read and dropped. */
function readBody(request: NodeRequest): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let byteCount = 0;
    request.on('data', (chunk: Buffer) => {
      if (byteCount > CONTROL_LIMITS.bodyByteCountMax) return;
      chunks.push(chunk);
      byteCount += chunk.length;
      if (byteCount > CONTROL_LIMITS.bodyByteCountMax) resolve(Buffer.concat(chunks));
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', reject);
    request.on('close', () => reject(new Error('the client went away')));
  });
}

function send(response: NodeResponse, result: APIGatewayProxyStructuredResultV2): void {
  for (const [name, value] of Object.entries(result.headers ?? {})) response.setHeader(name, String(value));
  if (result.cookies) response.setHeader('set-cookie', [...result.cookies]);
  // HTTP/2 has no such header; it ends the stream by itself.
  if (result.statusCode === 413 && response.req.httpVersionMajor < 2)
    response.setHeader('connection', 'close');
  response.statusCode = result.statusCode ?? 200;
  response.end(result.body ?? '');
}
