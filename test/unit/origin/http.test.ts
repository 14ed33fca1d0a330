/** The origin behind real servers of node:http and node:http2, and of its own, on loopback. */
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryLiveEdge } from '../../../adapters/live-edge-memory.ts';
import { MemoryMediaStore } from '../../../adapters/media-store-memory.ts';
import { partKey } from '../../../domain/media-store.ts';
import { DirectServer } from '../../../origin/direct/direct-server.ts';
import { Origin } from '../../../origin/origin.ts';
import { FIRST_MSN, FIRST_ORDINAL, SAMPLE_INFO, samplePart } from '../hls/live-edge-samples.ts';
import { partText, RecordedLog } from './origin-bed.ts';

/** Long enough for a machine that is busy with other tests. */
const HOLD_MS = 800;
const NEVER = new AbortController().signal;

describe.each(['node:http', 'node:http2', 'direct'] as const)('over %s', (protocol) => {
  const log = new RecordedLog();
  const clock = { nowMs: () => Date.now() };
  let liveEdge: MemoryLiveEdge;
  let store: MemoryMediaStore;
  let origin: Origin;
  let server: http.Server | http2.Http2Server;
  let session: http2.ClientHttp2Session | undefined;
  let stop: AbortController;
  let port: number;
  let direct: DirectServer | undefined;
  /** Of those that node's own server has read. */
  let nodeRequestCount = 0;
  const agent = new http.Agent({ keepAlive: true });

  const publish = async (ordinal: number) => {
    const entry = samplePart('video', ordinal);
    await store.put(partKey('cam', 'video', entry), Buffer.from(partText('video', ordinal)), {
      signal: NEVER,
    });
    await liveEdge.append('cam', 'video', entry);
  };

  beforeEach(async () => {
    liveEdge = new MemoryLiveEdge({ log });
    store = new MemoryMediaStore({ clock, retentionMs: 60_000 });
    origin = new Origin({
      liveEdge,
      mediaStore: store,
      clock,
      log,
      limits: { holdMs: HOLD_MS, sweepMs: 20 },
    });
    stop = new AbortController();
    void origin.run(stop.signal);
    server =
      protocol === 'node:http2'
        ? http2.createServer((request, response) => {
            nodeRequestCount += 1;
            origin.handle(request, response);
          })
        : http.createServer((request, response) => {
            nodeRequestCount += 1;
            origin.handle(request, response);
          });
    nodeRequestCount = 0;
    if (protocol === 'direct' && server instanceof http.Server)
      direct = DirectServer.before(server, {
        handle: (request, response) => origin.handle(request, response),
        nowMs: () => performance.now(),
      });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    port = typeof address === 'object' && address ? address.port : 0;
    session = protocol === 'node:http2' ? http2.connect(`http://127.0.0.1:${port}`) : undefined;
    await liveEdge.open('cam', SAMPLE_INFO);
    for (let ordinal = FIRST_ORDINAL; ordinal < FIRST_ORDINAL + 7; ordinal += 1) await publish(ordinal);
  });

  afterEach(async () => {
    stop.abort();
    session?.destroy();
    server.close();
    if (server instanceof http.Server) (direct ?? server).closeAllConnections();
    agent.destroy();
    await once(server, 'close');
  });

  interface Answer {
    status: number;
    headers: http.IncomingHttpHeaders;
    chunks: string[];
    /** How the body ended, for the client. */
    end: Promise<'whole' | 'broken'>;
    abort(): void;
  }

  /** Resolves with the headers. */
  function ask(path: string, method = 'GET'): Promise<Answer> {
    if (session) return askHttp2(session, path, method);
    return new Promise((resolve, reject) => {
      const request = http.request({ host: '127.0.0.1', port, path, method, agent }, (response) => {
        const chunks: string[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
        const end = new Promise<'whole' | 'broken'>((settled) => {
          response.on('close', () => settled(response.complete ? 'whole' : 'broken'));
          response.on('error', () => settled('broken'));
        });
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          chunks,
          end,
          abort: () => request.destroy(),
        });
      });
      request.on('error', reject);
      request.end();
    });
  }

  function askHttp2(client: http2.ClientHttp2Session, path: string, method: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const stream = client.request({ ':path': path, ':method': method });
      const chunks: string[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
      const end = new Promise<'whole' | 'broken'>((settled) => {
        stream.on('close', () => settled(stream.rstCode === 0 ? 'whole' : 'broken'));
      });
      stream.on('error', reject);
      stream.on('response', (headers) => {
        resolve({
          status: headers[':status'] ?? 0,
          headers,
          chunks,
          end,
          abort: () => stream.close(http2.constants.NGHTTP2_CANCEL),
        });
      });
      stream.end();
    });
  }

  it('a playlist arrives whole with its length, type and CORS', async () => {
    const answer = await ask('/live/cam/video.m3u8');
    expect(await answer.end).toBe('whole');
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/vnd.apple.mpegurl',
      'access-control-allow-origin': '*',
      'content-length': String(answer.chunks.join('').length),
    });
    expect(answer.headers['date']).toBeDefined();
  });

  it('a held part arrives when it is announced', async () => {
    const asked = ask(`/live/cam/video/${FIRST_MSN + 1}.2.m4s`);
    await pause(50);
    await publish(FIRST_ORDINAL + 7);
    const answer = await asked;
    expect(await answer.end).toBe('whole');
    expect(answer.chunks.join('')).toBe(partText('video', FIRST_ORDINAL + 7));
    expect(nodeRequestCount === 0).toBe(protocol === 'direct');
  });

  it('a growing segment arrives part by part', async () => {
    const answer = await ask(`/live/cam/video/${FIRST_MSN + 1}.m4s`);
    expect(answer.status).toBe(200);
    for (const index of [7, 8, 9]) {
      const before = answer.chunks.join('').length;
      await publish(FIRST_ORDINAL + index);
      await expect
        .poll(() => answer.chunks.join('').length, { interval: 5, timeout: HOLD_MS / 2 })
        .toBeGreaterThan(before);
    }
    expect(await answer.end).toBe('whole');
    expect(answer.chunks.join('')).toBe(
      [5, 6, 7, 8, 9].map((index) => partText('video', FIRST_ORDINAL + index)).join(''),
    );
  });

  it('a growing segment that stops growing breaks off for the client', async () => {
    const answer = await ask(`/live/cam/video/${FIRST_MSN + 1}.m4s`);
    expect(await answer.end).toBe('broken');
  });

  it('a client that goes away frees its wait', async () => {
    const answer = await ask(`/live/cam/video/${FIRST_MSN + 1}.m4s`);
    expect(origin.metrics().waitingCount).toBe(1);
    answer.abort();
    await expect.poll(() => origin.metrics().waitingCount, { interval: 5, timeout: HOLD_MS / 2 }).toBe(0);
    expect(origin.metrics().abandonedHoldCount).toBe(1);
  });

  it('HEAD has a length and no body; 404 and 405 are short texts', async () => {
    const head = await ask(`/live/cam/video/${FIRST_MSN}.m4s`, 'HEAD');
    expect(await head.end).toBe('whole');
    expect(Number(head.headers['content-length'])).toBeGreaterThan(0);
    expect(head.chunks).toEqual([]);
    const missing = await ask('/live/cam/video/1.m4s');
    await missing.end;
    expect([missing.status, missing.chunks.join('')]).toEqual([404, 'There is no such media.\n']);
    const posted = await ask('/live/cam/av.m3u8', 'POST');
    await posted.end;
    expect([posted.status, posted.headers['allow']]).toEqual([405, 'GET, HEAD, OPTIONS']);
  });

  it('503 when nothing came in time', async () => {
    const answer = await ask(`/live/cam/video.m3u8?_HLS_msn=${FIRST_MSN + 2}`);
    await answer.end;
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '1']);
  });
});
