import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { MemoryMediaStore } from '../../../adapters/media-store-memory.ts';
import { answerText } from '../../../local/front-server.ts';
import { createRecordedMedia } from '../../../local/recorded-media.ts';
import { RecordingLog } from '../control/fixture.ts';

const NAME = '20260601T120000.000Z';
const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

async function served(): Promise<string> {
  const store = new MemoryMediaStore({ clock: { nowMs: () => 0 }, retentionMs: 1_000 });
  const { signal } = new AbortController();
  const write = (key: string, text: string) =>
    store.write(key, Buffer.from(text), { contentType: 'text/plain', signal });
  await write('recordings/cam/list.json', '{"names":[]}');
  await write(`recordings/cam/${NAME}/index.m3u8`, '#EXTM3U\n');
  await write(`recordings/cam/${NAME}/12.m4s`, 'object');
  const server = createServer(
    createRecordedMedia({
      store,
      media: (_request, response) => answerText(response, 200, 'live'),
      log: new RecordingLog(),
    }),
  ).listen(0, '127.0.0.1');
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
}

describe('what was recorded', () => {
  it('is served whole by its name, with its type, and what grows is asked for anew', async () => {
    const url = await served();
    const playlist = await fetch(`${url}/recordings/cam/${NAME}/index.m3u8?Signature=s`);
    expect(await playlist.text()).toBe('#EXTM3U\n');
    expect(playlist.headers.get('content-type')).toBe('application/vnd.apple.mpegurl');
    expect(playlist.headers.get('cache-control')).toBe('no-cache');
    const object = await fetch(`${url}/recordings/cam/${NAME}/12.m4s`);
    expect([await object.text(), object.headers.get('content-type')]).toEqual(['object', 'video/mp4']);
    expect(object.headers.get('cache-control')).toBe('private, max-age=3600');
    expect((await fetch(`${url}/recordings/cam/list.json`)).status).toBe(200);
  });

  it.each([
    '/recordings/cam/missing.json',
    '/recordings/cam/',
    `/recordings/cam/${NAME}/..%2flist.json`,
    '/recordings/cam/other/12.m4s',
    '/recordings/../streams/cam/video/init.mp4',
    '/recordings/cam/secrets.txt',
  ])('%s is not there', async (path) => {
    const url = await served();
    const { status } = await fetch(url + path);
    // The URL's own dots never reach the handler: that one is live media to it.
    expect(status).toBe(path.includes('/../') ? 200 : 404);
  });

  it('leaves all other paths to the live media, and takes nothing but GET', async () => {
    const url = await served();
    expect(await (await fetch(`${url}/open/cam/index.m3u8`)).text()).toBe('live\n');
    expect((await fetch(`${url}/recordings/cam/list.json`, { method: 'DELETE' })).status).toBe(405);
  });
});
