/** What answers look like on the wire: headers made once, whole bodies, ranges, short errors. */
import type { OutgoingHttpHeaders } from 'node:http';

/** Name, value, name, value: Node writes such a list as it is. Both node:http and node:http2 take it. */
export type HeaderList = string[] & OutgoingHttpHeaders;

/** The little of a response that the origin uses; node:http and node:http2 responses both fit. */
export interface OriginResponse {
  writeHead(status: number, headers: HeaderList): unknown;
  write(bytes: Uint8Array): boolean;
  end(): unknown;
  end(bytes: Uint8Array): unknown;
  once(event: 'close', listener: () => void): unknown;
  destroy(): unknown;
  /** What is written between the two goes out in one piece. HTTP/2 makes frames of its own, and has neither. */
  cork?(): void;
  uncork?(): void;
  /** Of HTTP/2 only. */
  readonly stream?: { close(code: number): void };
}

/** The little of a request that the origin reads. */
export interface OriginRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The body, of node's own requests. */
  readonly [Symbol.asyncIterator]?: () => AsyncIterator<Uint8Array>;
}

export const CONTENT_TYPES = {
  playlist: 'application/vnd.apple.mpegurl',
  manifest: 'application/dash+xml',
  video: 'video/mp4',
  audio: 'audio/mp4',
  text: 'text/plain; charset=utf-8',
} as const;

/**
 * How long a shared cache may keep an answer (docs: CloudFront caching). Nothing that many wait for may be
 * `no-store` or `max-age=0`: CloudFront then stops collapsing equal requests into one.
 */
export const CACHE = {
  /** One URL has one content for ever: numbers on the grid are never used twice. */
  media: 'public, max-age=86400, immutable',
  /** Constant while the stream's settings are; a stream may be deleted and made anew under its name. */
  init: 'public, max-age=60',
  /** A held answer stays true; one second lets stragglers share it and keeps late joiners near the edge. */
  playlist: 'public, max-age=1',
  multivariant: 'public, max-age=10',
  /** Missing, or not yet: everyone who waited shares the answer, and a second later it is asked anew. */
  unavailable: 'public, max-age=1',
  /** The fault is the request's own. Nobody else waits for it. */
  never: 'no-store',
} as const;

/** A page of any origin may read media, and sees the headers it needs to know the age of what it got. */
const CORS = [
  'Access-Control-Allow-Origin',
  '*',
  'Access-Control-Expose-Headers',
  'Age, Content-Length, Content-Range, Date',
  'Timing-Allow-Origin',
  '*',
] as const;

export function headerList(...namesAndValues: string[]): HeaderList {
  return asHeaderList([...namesAndValues, ...CORS]);
}

/** node:http takes lists by its types, node:http2 only in fact: the intersection satisfies both. */
function asHeaderList(list: string[]): HeaderList {
  const none: OutgoingHttpHeaders = {};
  return Object.assign(list, none);
}

export const PREFLIGHT_HEADERS = headerList(
  'Allow',
  'GET, HEAD, OPTIONS',
  'Access-Control-Allow-Methods',
  'GET, HEAD, OPTIONS, POST',
  'Access-Control-Allow-Headers',
  'Range, Content-Type',
  'Access-Control-Max-Age',
  '86400',
  'Content-Length',
  '0',
);

export interface ErrorAnswer {
  readonly status: 400 | 404 | 405 | 413 | 414 | 416 | 500 | 503;
  readonly reason: string;
  readonly headers?: readonly string[];
}

export function sendError(response: OriginResponse, answer: ErrorAnswer, headOnly: boolean): void {
  const body = Buffer.from(`${answer.reason}\n`);
  const cache = answer.status === 404 || answer.status === 503 ? CACHE.unavailable : CACHE.never;
  const extra = [...(answer.headers ?? [])];
  if (answer.status === 503) extra.push('Retry-After', '1');
  if (answer.status === 405) extra.push('Allow', 'GET, HEAD, OPTIONS');
  response.writeHead(
    answer.status,
    headerList(
      'Content-Type',
      CONTENT_TYPES.text,
      'Content-Length',
      String(body.byteLength),
      'Cache-Control',
      cache,
      ...extra,
    ),
  );
  endWith(response, headOnly ? undefined : body);
}

/** 204: taken, and there is nothing to say. */
export function sendNothing(response: OriginResponse): void {
  response.writeHead(204, headerList('Cache-Control', CACHE.never));
  response.end();
}

function endWith(response: OriginResponse, bytes: Uint8Array | undefined): void {
  if (bytes) response.end(bytes);
  else response.end();
}

/** INTERNAL_ERROR (RFC 9113 §7). */
const HTTP2_INTERNAL_ERROR = 2;

/**
 * Ends a body so that nobody takes it for complete. Destroying an HTTP/2 response would say NO_ERROR, which a
 * cache takes for an orderly end; HTTP/1.1 misses the last chunk of the chunked coding.
 */
export function breakOff(response: OriginResponse): void {
  if (response.stream) response.stream.close(HTTP2_INTERNAL_ERROR);
  else response.destroy();
}

/** A whole body with its headers, made once and sent to many. */
export interface Prepared {
  readonly bytes: Uint8Array;
  readonly headers: HeaderList;
}

export function prepare(
  bytes: Uint8Array,
  contentType: string,
  cacheControl: string,
  ...more: string[]
): Prepared {
  return {
    bytes,
    headers: headerList(
      'Content-Type',
      contentType,
      'Content-Length',
      String(bytes.byteLength),
      'Cache-Control',
      cacheControl,
      ...more,
    ),
  };
}

export function sendWhole(response: OriginResponse, prepared: Prepared, headOnly: boolean): void {
  response.writeHead(200, prepared.headers);
  endWith(response, headOnly ? undefined : prepared.bytes);
}

export type ByteRange =
  | { readonly kind: 'whole' }
  | { readonly kind: 'range'; readonly first: number; readonly last: number }
  | { readonly kind: 'unsatisfiable' };

/** Zero to 15 digits each: no number beyond what is exact. */
const BYTE_RANGE = /^bytes=(\d{0,15})-(\d{0,15})$/;

/**
 * Reads a Range header (RFC 9110 §14.2). Several ranges, other units and what is malformed are answered with
 * the whole body, as the RFC allows.
 */
export function byteRangeOf(header: string | undefined, byteCount: number): ByteRange {
  const match = header === undefined ? null : BYTE_RANGE.exec(header);
  if (!match) return { kind: 'whole' };
  const [, from = '', to = ''] = match;
  if (from === '' && to === '') return { kind: 'whole' };
  if (from === '') {
    const length = Math.min(Number(to), byteCount);
    return length === 0
      ? { kind: 'unsatisfiable' }
      : { kind: 'range', first: byteCount - length, last: byteCount - 1 };
  }
  const first = Number(from);
  if (to !== '' && Number(to) < first) return { kind: 'whole' };
  if (first >= byteCount) return { kind: 'unsatisfiable' };
  return { kind: 'range', first, last: to === '' ? byteCount - 1 : Math.min(Number(to), byteCount - 1) };
}

/** Sends a complete media object, whole or the range that was asked for, always with its length. */
export function sendMedia(
  response: OriginResponse,
  prepared: Prepared,
  request: { readonly range: string | undefined; readonly headOnly: boolean },
): void {
  const range = byteRangeOf(request.range, prepared.bytes.byteLength);
  if (range.kind === 'whole') {
    sendWhole(response, prepared, request.headOnly);
    return;
  }
  const total = prepared.bytes.byteLength;
  if (range.kind === 'unsatisfiable') {
    sendError(
      response,
      {
        status: 416,
        reason: `The object has ${total} bytes.`,
        headers: ['Content-Range', `bytes */${total}`],
      },
      request.headOnly,
    );
    return;
  }
  const headers = prepared.headers.map((value, index, all) =>
    all[index - 1] === 'Content-Length' ? String(range.last - range.first + 1) : value,
  );
  headers.push('Content-Range', `bytes ${range.first}-${range.last}/${total}`);
  response.writeHead(206, asHeaderList(headers));
  endWith(response, request.headOnly ? undefined : prepared.bytes.subarray(range.first, range.last + 1));
}
