/** Hands requests of the front on to a process behind it, as CloudFront does to the load balancer and the API. */
import { Agent, request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { answerText, type FrontHandler } from '../front-server.ts';

/** Each waiting player holds one; the origin has its own limit for those. */
const SOCKETS_MAX = 10_000;
/** Of one connection between two hosts only, or of HTTP/2 (RFC 9110 §7.6.1). */
const HOP_HEADERS = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'te',
]);

/** A handler that answers what the process on this port answers, and 503 while it is away. */
export function proxyTo(port: number): FrontHandler {
  const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS_MAX });
  return (request, response) => {
    const host = request.headers[':authority'] ?? request.headers.host;
    const upstream = httpRequest({
      agent,
      host: '127.0.0.1',
      port,
      method: request.method,
      path: request.url,
      headers: { ...endToEnd(request.headers), ...(typeof host === 'string' ? { host } : {}) },
    });
    upstream.on('response', (answer) => {
      for (const [name, value] of Object.entries(endToEnd(answer.headers)))
        if (value !== undefined) response.setHeader(name, value);
      response.statusCode = answer.statusCode ?? 502;
      answer.pipe(response);
      // What breaks off behind must break off before: half a part is no part.
      answer.on('error', () => response.destroy());
    });
    upstream.on('error', () => {
      if (response.headersSent) response.destroy();
      else
        answerText(response, 503, 'The process behind this address is away. Try again.', {
          'retry-after': '1',
          'access-control-allow-origin': '*',
        });
    });
    response.on('close', () => upstream.destroy());
    request.pipe(upstream);
  };
}

function endToEnd(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !name.startsWith(':') && !HOP_HEADERS.has(name)),
  );
}
