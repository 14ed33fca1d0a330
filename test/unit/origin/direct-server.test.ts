/** The same bytes are sent to a node:http server and to one with the direct way in front of it. */
import { EventEmitter, once } from 'node:events';
import http from 'node:http';
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DirectServer } from '../../../origin/direct/direct-server.ts';
import { HeadReader } from '../../../origin/direct/request-head.ts';
import {
  CACHE,
  CONTENT_TYPES,
  headerList,
  type OriginRequest,
  type OriginResponse,
  prepare,
  sendError,
  sendMedia,
  sendWhole,
} from '../../../origin/response.ts';

const LATER_MS = 5;
const KEEP_ALIVE_MS = 1_000;
const PREPARED = prepare(Buffer.from('0123456789'), CONTENT_TYPES.text, CACHE.media);
const SAME_BYTES = prepare(PREPARED.bytes, CONTENT_TYPES.video, CACHE.init);
const LARGE = prepare(Buffer.alloc(200_000, 'x'), CONTENT_TYPES.video, CACHE.media);

/** Whole, late, growing and refused answers, as the origin gives them. */
function handle(request: OriginRequest, response: OriginResponse): void {
  const { url = '', headers } = request;
  const headOnly = request.method === 'HEAD';
  const range = typeof headers['range'] === 'string' ? headers['range'] : undefined;
  if (url === '/live/now') sendMedia(response, PREPARED, { range, headOnly });
  else if (url === '/live/same') sendMedia(response, SAME_BYTES, { range, headOnly });
  else if (url === '/live/large') sendMedia(response, LARGE, { range, headOnly });
  else if (url.startsWith('/live/later')) setTimeout(() => sendWhole(response, PREPARED, headOnly), LATER_MS);
  else if (url === '/open/grows') {
    response.writeHead(200, headerList('Content-Type', CONTENT_TYPES.video));
    response.write(Buffer.from('first '));
    setTimeout(() => {
      response.write(Buffer.from('second'));
      response.end();
    }, LATER_MS);
  } else if (url.startsWith('/open/echo')) {
    const said = `${url} ${JSON.stringify(headers, Object.keys(headers).sort())}`;
    sendWhole(response, prepare(Buffer.from(said), CONTENT_TYPES.text, CACHE.never), headOnly);
  } else sendError(response, { status: 404, reason: 'There is no such stream.' }, headOnly);
}

let nodeRequestCount = 0;
const onNode = (request: http.IncomingMessage, response: http.ServerResponse) => {
  nodeRequestCount += 1;
  handle(request, response);
};
const plain = http.createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, onNode);
const beside = http.createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, onNode);
const direct = DirectServer.before(beside, { handle, nowMs: () => Date.now(), partialHeadMs: 20 });

beforeAll(async () => {
  for (const server of [plain, beside]) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
});
afterAll(() => {
  plain.close();
  beside.close();
  plain.closeAllConnections();
  direct.closeAllConnections();
});

/** On a busy machine an answer may pause for longer than the first time is; what differs then is asked anew. */
const QUIET_MS = [60, 1_000] as const;

/** Sends the pieces one after the other and reads until the server ends or says nothing more. */
async function talk(
  server: http.Server,
  pieces: readonly Buffer[],
  quietMs: number = QUIET_MS[0],
): Promise<string> {
  const address = server.address();
  const socket = connect(typeof address === 'object' && address ? address.port : 0, '127.0.0.1');
  socket.setNoDelay(true);
  const said: Buffer[] = [];
  const ended = new Promise<void>((resolve) => {
    let timer = setTimeout(resolve, quietMs * 3);
    socket.on('data', (bytes: Buffer) => {
      said.push(bytes);
      clearTimeout(timer);
      timer = setTimeout(resolve, quietMs);
    });
    socket.on('close', resolve);
    socket.on('error', () => resolve());
  });
  for (const piece of pieces) {
    socket.write(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await ended;
  socket.destroy();
  return Buffer.concat(said)
    .toString('latin1')
    .replaceAll(/^Date: .*$/gm, 'Date: now');
}

const get = (url: string, ...fields: string[]) =>
  `GET ${url} HTTP/1.1\r\nHost: here\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n`;
const bytesOf = (text: string) => Buffer.from(text, 'latin1');

async function both(pieces: readonly Buffer[]): Promise<{ expected: string; answered: string }> {
  const ask = (quietMs: number) => Promise.all([talk(plain, pieces, quietMs), talk(beside, pieces, quietMs)]);
  let [expected, answered] = await ask(QUIET_MS[0]);
  if (expected !== answered) [expected, answered] = await ask(QUIET_MS[1]);
  return { expected, answered };
}

async function same(pieces: readonly Buffer[]): Promise<string> {
  const { expected, answered } = await both(pieces);
  expect(answered).toBe(expected);
  return answered;
}

/** After an answer on the same connection node:http ends it without a word where it else says 400. */
const withoutRefusal = (said: string) =>
  said.replace(/HTTP\/1\.1 400 Bad Request\r\nConnection: close\r\n\r\n$/, '');

describe('answers byte for byte what node:http answers', () => {
  it.each([
    ['a whole answer', get('/live/now')],
    ['the same bytes under other fields', get('/live/now') + get('/live/same') + get('/live/now')],
    ['a range', get('/live/now', 'Range: bytes=2-4')],
    ['a range that is not there', get('/live/now', 'Range: bytes=20-')],
    ['an answer that is larger than one write', get('/live/large')],
    ['an answer that waits', get('/live/later')],
    ['an answer that grows', get('/open/grows')],
    ['a refusal', get('/open/nothing')],
    [
      'fields as a browser sends them',
      get('/open/echo', 'Accept: */*', 'accept-encoding:gzip, br \t', 'X-Empty:'),
    ],
    ['three at once, the first of which waits', get('/live/later') + get('/live/now') + get('/open/grows')],
    ['GET of another path', get('/metrics')],
    ['HEAD', get('/live/now').replace('GET', 'HEAD')],
    [
      'OPTIONS between two GETs',
      get('/live/now') + get('/live/now').replace('GET', 'OPTIONS') + get('/live/now'),
    ],
    [
      'POST with a body',
      `${get('/live/now', 'Content-Length: 3').replace('GET', 'POST')}abc${get('/live/now')}`,
    ],
    ['a GET with a body', `${get('/live/now', 'Content-Length: 3')}abc${get('/live/now')}`],
    ['a chunked GET', `${get('/live/now', 'Transfer-Encoding: chunked')}0\r\n\r\n${get('/live/now')}`],
    ['both lengths', get('/live/now', 'Content-Length: 3', 'Transfer-Encoding: chunked')],
    ['Connection: close', get('/live/now', 'Connection: close') + get('/live/now')],
    ['Connection: keep-alive', get('/live/now', 'Connection: Keep-Alive') + get('/live/now')],
    ['an upgrade', get('/live/now', 'Connection: Upgrade', 'Upgrade: websocket')],
    ['Expect', get('/live/now', 'Expect: 100-continue')],
    ['HTTP/1.0', get('/live/now').replace('HTTP/1.1', 'HTTP/1.0')],
    ['another version', get('/live/now').replace('HTTP/1.1', 'HTTP/3.1')],
    ['no Host', 'GET /live/now HTTP/1.1\r\nAccept: */*\r\n\r\n'],
    ['two Hosts', get('/open/echo', 'Host: there')],
    ['a field twice', get('/open/echo', 'X-Twice: one', 'X-Twice: two')],
    ['a folded field', get('/open/echo', 'X-Long: one', ' two')],
    ['a space before the colon', get('/open/echo', 'X-Odd : one')],
    ['bare line feeds', get('/open/echo', 'X-Odd: one\nX-More: two')],
    ['a NUL in a field', get('/open/echo', 'X-Odd: a\0b')],
    ['bytes beyond ASCII', get('/open/echo', 'X-Odd: \xe4')],
    ['an absolute URL', get('http://here/live/now')],
    ['a head that is too long', get('/live/now', `X-Long: ${'a'.repeat(20_000)}`)],
    ['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['empty lines before a request', `\r\n\r\n${get('/live/now')}`],
  ])('%s', async (_what, text) => {
    expect((await same([bytesOf(text)])).length).toBeGreaterThan(0);
    // The same, cut into two pieces in the middle.
    const bytes = bytesOf(text);
    await same([bytes.subarray(0, bytes.length >> 1), bytes.subarray(bytes.length >> 1)]);
  });

  /** From 0 to 1. Doubles of fast-check are as often below 1e-100 as above: all would be at the beginning. */
  const place = fc.integer({ min: 0, max: 1_000 }).map((thousandths) => thousandths / 1_000);
  const places = fc.array(place, { maxLength: 3 });

  function cutAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
    const ends = [...cuts.map((cut) => Math.floor(cut * bytes.length)), bytes.length].sort((a, b) => a - b);
    return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
  }

  it('many requests, in whatever pieces', async () => {
    const requests = fc.constantFrom(
      ...['/live/now', '/live/later', '/open/grows', '/open/echo?a=%20'].map((url) => get(url)),
      get('/live/now').replace('GET', 'HEAD'),
      `${get('/live/now', 'Content-Length: 2').replace('GET', 'POST')}ab`,
    );
    await fc.assert(
      fc.asyncProperty(fc.array(requests, { minLength: 1, maxLength: 4 }), places, async (sent, cuts) => {
        await same(cutAt(bytesOf(sent.join('')), cuts));
      }),
      { numRuns: 30 },
    );
  }, 60_000);

  it('a request with a wrong byte somewhere', async () => {
    const url = fc.constantFrom('/live/now', '/live/later', '/open/grows', '/open/echo');
    const wrong = fc.oneof(fc.constantFrom(0, 9, 10, 13, 32, 58), fc.integer({ min: 0, max: 255 }));
    await fc.assert(
      fc.asyncProperty(url, wrong, place, places, async (path, byte, at, cuts) => {
        const bytes = bytesOf(get(path, 'Accept-Encoding: gzip'));
        bytes[Math.floor(at * (bytes.length - 1))] = byte;
        const { expected, answered } = await both(cutAt(bytes, cuts));
        expect(withoutRefusal(answered)).toBe(withoutRefusal(expected));
      }),
      { numRuns: 60 },
    );
  }, 60_000);
});

describe('the direct way', () => {
  it('is taken by plain requests, and left by a connection for good with the first other one', async () => {
    nodeRequestCount = 0;
    await talk(beside, [bytesOf(get('/live/now') + get('/live/later') + get('/open/grows'))]);
    expect(nodeRequestCount).toBe(0);
    await talk(beside, [
      bytesOf(get('/live/now') + get('/live/now').replace('GET', 'HEAD') + get('/live/now')),
    ]);
    expect(nodeRequestCount).toBe(2);
  });

  it('closes a connection that nobody uses after the keep-alive time', async () => {
    const address = beside.address();
    const socket = connect(typeof address === 'object' && address ? address.port : 0, '127.0.0.1');
    socket.write(get('/live/now'));
    await once(socket, 'data');
    const startedAtMs = performance.now();
    await once(socket, 'close');
    expect(performance.now() - startedAtMs).toBeGreaterThan(KEEP_ALIVE_MS * 0.9);
  });

  it('counts the keep-alive time from the last answer', async () => {
    const address = beside.address();
    const socket = connect(typeof address === 'object' && address ? address.port : 0, '127.0.0.1');
    socket.write(get('/live/now'));
    await once(socket, 'data');
    await new Promise((resolve) => setTimeout(resolve, KEEP_ALIVE_MS * 0.6));
    socket.write(get('/live/now'));
    await once(socket, 'data');
    const answeredAtMs = performance.now();
    await once(socket, 'close');
    expect(performance.now() - answeredAtMs).toBeGreaterThan(KEEP_ALIVE_MS * 0.9);
  });

  it('closes the connection of a client that sends far ahead of its answers', async () => {
    const many = get('/live/later').repeat(4_000);
    expect((await talk(beside, [bytesOf(many)])).length).toBeLessThan(many.length);
  });

  it('answers no further while the client does not read, and goes on when it does', async () => {
    const server = http.createServer(onNode);
    let count = 0;
    const own = DirectServer.before(server, {
      handle: (request, response) => {
        count += 1;
        handle(request, response);
      },
      nowMs: () => Date.now(),
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const socket = connect(typeof address === 'object' && address ? address.port : 0, '127.0.0.1');
    const askedCount = 400;
    socket.write(get('/live/large').repeat(askedCount));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThan(askedCount / 2);
    socket.resume();
    await expect.poll(() => count, { timeout: 10_000 }).toBe(askedCount);
    socket.destroy();
    server.close();
    own.closeAllConnections();
  });

  it('waits for what is being answered when it is asked to close', async () => {
    const server = http.createServer(onNode);
    const begun = new EventEmitter();
    const own = DirectServer.before(server, {
      handle: (request, response) => {
        handle(request, response);
        begun.emit('begun');
      },
      nowMs: () => Date.now(),
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const isBegun = once(begun, 'begun');
    const talked = talk(server, [bytesOf(get('/live/later'))]);
    await isBegun;
    const closed = once(server, 'close');
    server.close();
    own.closeIdleConnections();
    expect(await talked).toContain('0123456789');
    await closed;
  });

  it('remembers no more field blocks than it has room for, and reads each the same again', () => {
    const heads = new HeadReader();
    for (let index = 0; index < 1_000; index += 1) heads.read(`GET /live/now HTTP/1.1\r\nHost: h${index}`);
    expect(heads.read('GET /live/now HTTP/1.1\r\nHost: h0')).toEqual({
      url: '/live/now',
      headers: { host: 'h0' },
    });
    expect(heads.size).toBeLessThanOrEqual(256);
  });
});
