/**
 * The one door of a machine that runs everything: page, API and media behind one port. Over HTTP/1.1 a browser
 * opens at most six connections to a host, and each pane holds two requests open, so every stream has a host
 * name of its own: `cam-1.localhost`. Browsers resolve those names to loopback by themselves; anything else
 * may ask for the same paths at plain `localhost`. With TLS it is HTTP/2, where one host is enough.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { Log } from '../domain/log.ts';
import { localErrors } from './errors.ts';

export type FrontRequest = IncomingMessage | Http2ServerRequest;
export type FrontResponse = ServerResponse | Http2ServerResponse;
export type FrontHandler = (request: FrontRequest, response: FrontResponse) => void;

export interface FrontServerDependencies {
  readonly page: FrontHandler;
  /** Everything under /v1/. */
  readonly api: FrontHandler;
  /** Everything under /open/, /live/ and /recordings/. */
  readonly media: FrontHandler;
  readonly log: Log;
}

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** Browsers reuse a connection for a minute or more; closing earlier than they do makes them see resets. */
const KEEP_ALIVE_MS = 75_000;
const CONNECTIONS_MAX = 10_000;
/** A held media request waits 3 s at most; nothing of ours needs longer to send its headers. */
const HEADERS_TIMEOUT_MS = 15_000;

export class FrontServer {
  readonly #dependencies: FrontServerDependencies;
  readonly #http2Sessions = new Set<ServerHttp2Session>();
  readonly #sockets = new Set<Socket>();
  #server: Server | Http2SecureServer | undefined;

  constructor(dependencies: FrontServerDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Listens on all addresses.
   *
   * @returns the port, which the system chose when 0 was asked for.
   * @throws MirrorError LOCAL_PORT_BUSY, LOCAL_PORT_FORBIDDEN, LOCAL_BAD_CERTIFICATE.
   */
  async listen(port: number, tls?: TlsFiles): Promise<number> {
    const server = tls ? this.#createTls(tls) : createServer(this.#dispatch);
    if ('keepAliveTimeout' in server) {
      server.keepAliveTimeout = KEEP_ALIVE_MS;
      server.headersTimeout = HEADERS_TIMEOUT_MS;
    }
    server.maxConnections = CONNECTIONS_MAX;
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#server = server;
    await listenOnAll(server, port);
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  /** Ends at once, held requests included. */
  async close(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const session of this.#http2Sessions) session.destroy();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #createTls({ cert, key }: TlsFiles): Http2SecureServer {
    try {
      const server = createSecureServer({ cert, key, allowHTTP1: true }, this.#dispatch);
      server.on('session', (session) => {
        this.#http2Sessions.add(session);
        session.once('close', () => this.#http2Sessions.delete(session));
      });
      return server;
    } catch (error) {
      throw localErrors.create('BAD_CERTIFICATE', undefined, { cause: error });
    }
  }

  readonly #dispatch = (request: FrontRequest, response: FrontResponse): void => {
    const { page, api, media, log } = this.#dependencies;
    response.on('error', (error: Error) => log.debug('response-failed', { error: error.message }));
    const route = routeOf(request.headers[':authority'] ?? request.headers.host, request.url ?? '/');
    try {
      if (route === 'media') media(request, response);
      else if (route === 'api') api(request, response);
      else if (route === 'page') page(request, response);
      else answerText(response, 404, 'There is nothing here.');
    } catch (error) {
      // Without the query, which may be a signature.
      log.error('request-failed', { path: request.url?.split('?', 1)[0], error: String(error) });
      if (!response.headersSent) answerText(response, 500, 'Something went wrong; the log says what.');
      else response.destroy();
    }
  };
}

/** Which part of the platform answers, by host and path. A stream's own host serves media and nothing else. */
export function routeOf(
  host: string | readonly string[] | undefined,
  url: string,
): 'media' | 'api' | 'page' | 'none' {
  const path = url.split('?', 1)[0] ?? '/';
  if (/^\/(?:open|live|recordings)\//.test(path)) return 'media';
  if (typeof host === 'string' && /\.localhost(?::\d+)?$/i.test(host)) return 'none';
  if (path === '/v1' || path.startsWith('/v1/')) return 'api';
  return 'page';
}

/** A short answer in plain text, never cached. */
export function answerText(
  response: FrontResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = `${text}\n`;
  writeHead(response, status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  });
  response.end(body);
}

/** Answers for what is behind the door before it is there. */
export const answerStarting: FrontHandler = (_request, response) =>
  answerText(response, 503, 'It is starting. Try again in a moment.', { 'retry-after': '1' });

/** The two response classes share this method but not its type. */
export function writeHead(
  response: FrontResponse,
  status: number,
  headers: Readonly<Record<string, string | number>>,
): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.statusCode = status;
}

/** Both IP versions where the machine has both. */
async function listenOnAll(server: Server | Http2SecureServer, port: number): Promise<void> {
  try {
    await listenOn(server, '::', port);
  } catch (error) {
    if (codeOf(error) !== 'EAFNOSUPPORT' && codeOf(error) !== 'EADDRNOTAVAIL') throw asLocal(error, port);
    try {
      await listenOn(server, '0.0.0.0', port);
    } catch (second) {
      throw asLocal(second, port);
    }
  }
}

function listenOn(server: Server | Http2SecureServer, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function asLocal(error: unknown, port: number): unknown {
  if (codeOf(error) === 'EADDRINUSE')
    return localErrors.create('PORT_BUSY', `It is port ${port}.`, { cause: error });
  if (codeOf(error) === 'EACCES')
    return localErrors.create('PORT_FORBIDDEN', `It is port ${port}.`, { cause: error });
  return error;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
