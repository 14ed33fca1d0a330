import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { CloudFrontUrlSigner } from '../../../adapters/url-signer-cloudfront.ts';
import { answerText } from '../../../local/front-server.ts';
import { SignedDelivery } from '../../../local/signed-delivery.ts';
import { createSignedMedia } from '../../../local/signed-media.ts';
import { FakeClock, RecordingLog, START_MS, signingKeys } from '../control/fixture.ts';

const BASE = 'http://localhost:8080';
const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

async function edge() {
  const clock = new FakeClock();
  const log = new RecordingLog();
  const { publicKey, privateKey } = signingKeys();
  const handler = createSignedMedia({
    delivery: new SignedDelivery({ publicKeys: { K1: publicKey }, resourceBase: BASE, clock }),
    media: (request, response) => answerText(response, 200, `media ${request.url?.split('?')[0]}`),
    log,
  });
  const server = createServer(handler).listen(0, '127.0.0.1');
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  const signer = new CloudFrontUrlSigner({
    identity: async () => ({ keyPairId: 'K1', privateKey }),
    resourceBase: BASE,
  });
  const signed = await signer.sign({ streamId: 'stage', expiresAtMs: START_MS + 60_000 });
  const recordings = await signer.sign({
    streamId: 'stage',
    expiresAtMs: START_MS + 60_000,
    folder: 'recordings',
  });
  const recordingsQuery = new URLSearchParams({ ...recordings }).toString();
  return { url, clock, log, query: new URLSearchParams({ ...signed }).toString(), recordingsQuery };
}

describe('the edge of this machine', () => {
  it('lets a whole signature through until it ends, by any host name, and open streams always', async () => {
    const { url, query, clock } = await edge();
    expect((await fetch(`${url}/live/stage/video/1.2.m4s?${query}`)).status).toBe(200);
    expect((await fetch(`${url}/open/stage/index.m3u8`)).status).toBe(200);
    clock.ms += 60_000;
    expect((await fetch(`${url}/live/stage/video/1.2.m4s?${query}`)).status).toBe(403);
  });

  it('lets recordings through to the signature of their folder, which opens nothing live', async () => {
    const { url, query, recordingsQuery } = await edge();
    const path = '/recordings/stage/20260601T120000.000Z/index.m3u8';
    expect((await fetch(`${url}${path}?${recordingsQuery}`)).status).toBe(200);
    expect((await fetch(`${url}${path}?${query}`)).status).toBe(403);
    expect((await fetch(`${url}${path}`)).status).toBe(403);
    expect((await fetch(`${url}/live/stage/index.m3u8?${recordingsQuery}`)).status).toBe(403);
  });

  it.each([
    ['no signature', '/live/stage/index.m3u8', () => ''],
    ['another stream', '/live/other/index.m3u8', (query: string) => query],
    ['a path that is not plain', '/live/stage/%2e%2e/other/index.m3u8', (query: string) => query],
    ['a missing key', '/live/stage/index.m3u8', (query: string) => query.replace(/&Key-Pair-Id=.*/, '')],
    [
      'a longer life',
      '/live/stage/index.m3u8',
      (query: string) => query.replace(/Policy=..../, 'Policy=AAAA'),
    ],
  ])('%s is 403, which a page may read, and no log holds the query', async (_what, path, change) => {
    const { url, query, log } = await edge();
    const answer = await fetch(`${url}${path}?${change(query)}`);
    expect(answer.status).toBe(403);
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect(log.lines.join('')).not.toContain('Signature=');
    expect(log.lines).toHaveLength(1);
  });
});
