import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { proxyTo } from '../../../local/separate/proxy.ts';

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

async function listening(handler: RequestListener): Promise<number> {
  const server: Server = createServer(handler).listen(0, '127.0.0.1');
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

/** The address of a front before this handler. */
async function frontOf(behind: RequestListener): Promise<string> {
  const port = await listening(behind);
  return `http://127.0.0.1:${await listening(proxyTo(port))}`;
}

describe('hand-over to a process behind', () => {
  it('method, path, query, headers and body arrive; status, headers and body come back', async () => {
    const base = await frontOf((request, response) => {
      let body = '';
      request.on('data', (bytes: Buffer) => (body += bytes.toString()));
      request.on('end', () => {
        response.writeHead(201, { 'x-said': String(request.headers.authorization) });
        response.end(`${request.method} ${request.url} ${body}`);
      });
    });
    const answer = await fetch(`${base}/v1/streams?x=1`, {
      method: 'POST',
      headers: { authorization: 'Bearer t' },
      body: '{}',
    });
    expect([answer.status, answer.headers.get('x-said'), await answer.text()]).toEqual([
      201,
      'Bearer t',
      'POST /v1/streams?x=1 {}',
    ]);
  });

  it('what is written in pieces comes through in pieces', async () => {
    let writeOn: () => void = () => undefined;
    const base = await frontOf((_request, response) => {
      response.write('first');
      writeOn = () => response.end('second');
    });
    const reader = (await fetch(base)).body?.getReader();
    const text = async () => new TextDecoder().decode((await reader?.read())?.value);
    expect(await text()).toBe('first');
    writeOn();
    expect(await text()).toBe('second');
  });

  it('a process that is away is 503 with Retry-After; one that dies in mid-answer breaks the answer off', async () => {
    const gone = await listening(proxyTo(1));
    const answer = await fetch(`http://127.0.0.1:${gone}`);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    const base = await frontOf((_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    });
    await expect(fetch(base).then((broken) => broken.text())).rejects.toThrow('terminated');
  });

  it('a client that goes away takes its request behind with it', async () => {
    let closed: () => void = () => undefined;
    const behindClosed = new Promise<void>((resolve) => (closed = resolve));
    const asked = new AbortController();
    const base = await frontOf((_request, response) => {
      response.on('close', closed);
      asked.abort();
    });
    await expect(fetch(base, { signal: asked.signal })).rejects.toThrow('aborted');
    await behindClosed;
  });
});
