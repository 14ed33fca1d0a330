import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { PageFile } from '../../../domain/pages/pages.ts';
import { contentSecurityPolicy } from '../../../domain/pages/policy.ts';
import { ownCertificate } from '../../../local/certificate.ts';
import { answerText, FrontServer, routeOf, type TlsFiles } from '../../../local/front-server.ts';
import { createPage } from '../../../local/page.ts';

const quiet = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => quiet,
};
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function started(tls?: TlsFiles) {
  const files = new Map<string, PageFile>([
    ['/', { contentType: 'text/html', bytes: Buffer.from('<!doctype html>'), immutable: false }],
    ['/assets/main-A.js', { contentType: 'text/javascript', bytes: Buffer.from('1'), immutable: true }],
  ]);
  const server = new FrontServer({
    page: createPage(files, []),
    api: (incoming, response) => answerText(response, 200, `api ${incoming.url}`),
    media: (incoming, response) => {
      if (incoming.url === '/open/broken/index.m3u8') throw new Error('broken on purpose');
      answerText(response, 200, `media ${incoming.url}`);
    },
    log: quiet,
  });
  ends.push(() => server.close());
  return { port: await server.listen(0, tls), server };
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

function ask(port: number, path: string, options: { host?: string; method?: string } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        port,
        host: '127.0.0.1',
        path,
        method: options.method ?? 'GET',
        headers: { host: options.host ?? 'localhost' },
      },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (body += chunk));
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
      },
    );
    sent.on('error', reject);
    sent.end();
  });
}

describe('routes', () => {
  it.each([
    ['localhost:8080', '/', 'page'],
    ['localhost:8080', '/assets/x.js', 'page'],
    ['localhost:8080', '/v1/streams?x=1', 'api'],
    ['localhost:8080', '/v10', 'page'],
    ['localhost:8080', '/open/cam-1/index.m3u8', 'media'],
    ['cam-1.localhost:8080', '/open/cam-1/index.m3u8', 'media'],
    ['CAM-1.LOCALHOST', '/live/cam-1/index.m3u8', 'media'],
    ['cam-1.localhost:8080', '/', 'none'],
    ['cam-1.localhost:8080', '/v1/streams', 'none'],
    ['192.168.1.5:8080', '/open/cam-1/index.m3u8', 'media'],
    ['cam-1.localhost:8080', '/recordings/cam-1/list.json', 'media'],
    ['localhost:8080', '/recordings', 'page'],
    [undefined, '/', 'page'],
  ])('%s %s goes to %s', (host, url, route) => {
    expect(routeOf(host, url)).toBe(route);
  });
});

describe('front server', () => {
  it('the page comes with a policy that names no foreign host and allows no inline script', async () => {
    const { port } = await started();
    const { status, headers } = await ask(port, '/');
    expect(status).toBe(200);
    expect(headers['content-security-policy']).toContain("script-src 'self';");
    expect(headers['content-security-policy']).not.toMatch(/unsafe|\*/);
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  it('hashed files are kept for ever, the page itself is asked for again', async () => {
    const { port } = await started();
    expect((await ask(port, '/assets/main-A.js')).headers['cache-control']).toContain('immutable');
    expect((await ask(port, '/')).headers['cache-control']).toBe('no-cache');
  });

  it.each([
    '/../package.json',
    '/assets/../../package.json',
    '/assets/%2e%2e/package.json',
    '/assets/',
    '/.data/tls/key.pem',
  ])('nothing outside the page is served: %s', async (path) => {
    const { port } = await started();
    expect((await ask(port, path)).status).toBe(404);
  });

  it('another method is refused and told which are possible', async () => {
    const { port } = await started();
    const { status, headers } = await ask(port, '/', { method: 'POST' });
    expect(status).toBe(405);
    expect(headers['allow']).toBe('GET, HEAD');
  });

  it("a stream's own host serves media and no page", async () => {
    const { port } = await started();
    expect((await ask(port, '/open/cam-1/x', { host: `cam-1.localhost:${port}` })).body).toBe(
      'media /open/cam-1/x\n',
    );
    expect((await ask(port, '/', { host: `cam-1.localhost:${port}` })).status).toBe(404);
  });

  it('a handler that throws is answered with 500 and the server lives on', async () => {
    const { port } = await started();
    expect((await ask(port, '/open/broken/index.m3u8')).status).toBe(500);
    expect((await ask(port, '/')).status).toBe(200);
  });

  it('a busy port is said in one sentence', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '::', resolve));
    ends.push(() => new Promise((resolve) => other.close(resolve)));
    const address = other.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const server = new FrontServer({
      page: () => undefined,
      api: () => undefined,
      media: () => undefined,
      log: quiet,
    });
    await expect(server.listen(port)).rejects.toMatchObject({ code: 'LOCAL_PORT_BUSY' });
  });

  it('over TLS the same is served by HTTP/2, with a certificate that is kept', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'mirror-tls-'));
    ends.push(() => rm(directory, { recursive: true }));
    const tls = await ownCertificate(directory, Date.now());
    expect(await ownCertificate(directory, Date.now())).toEqual(tls);
    expect((await ownCertificate(directory, Date.now() + 400 * 86_400_000)).cert).not.toBe(tls.cert);
    const { port } = await started(tls);
    const session = connectHttp2(`https://localhost:${port}`, { ca: tls.cert });
    ends.unshift(async () => session.destroy());
    const stream = session.request({ ':path': '/open/cam-1/x' });
    let body = '';
    stream.setEncoding('utf8');
    for await (const chunk of stream) body += String(chunk);
    expect(body).toBe('media /open/cam-1/x\n');
  });

  it('a key that does not fit is said in words', async () => {
    const server = new FrontServer({
      page: () => undefined,
      api: () => undefined,
      media: () => undefined,
      log: quiet,
    });
    await expect(server.listen(0, { cert: 'no', key: 'no' })).rejects.toMatchObject({
      code: 'LOCAL_BAD_CERTIFICATE',
    });
  });
});

describe('content security policy', () => {
  it('names the hosts of the streams for media requests only', () => {
    const policy = contentSecurityPolicy(['http://*.localhost:8080']);
    expect(policy).toContain("connect-src 'self' http://*.localhost:8080");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("default-src 'none'");
  });
});
