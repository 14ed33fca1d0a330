import { describe, expect, it } from 'vitest';
import { ApiClient, CallError } from '../../../player/console/api-client.ts';

type Ask = (path: string, init: RequestInit) => Promise<Response>;

const client = (fetch: Ask) =>
  new ApiClient({ token: 'planted-token', fetch, randomBytes: (count) => new Uint8Array(count).fill(7) });
const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });

async function failure(fetch: Ask): Promise<CallError> {
  const error = await client(fetch)
    .startStream('cam')
    .catch((caught: unknown) => caught);
  if (!(error instanceof CallError)) throw new Error('It did not fail as it should.');
  return error;
}

describe('a call of the API', () => {
  it('carries the token in its header alone, follows no redirect, and sends no cookies', async () => {
    const asked: [string, RequestInit][] = [];
    await client(async (path, init) => {
      asked.push([path, init]);
      return json({ streams: [] });
    }).listStreams();
    expect(asked.map(([path]) => path)).toEqual(['/v1/streams?limit=100&include=runner']);
    expect(asked[0]?.[1]).toMatchObject({
      headers: { authorization: 'Bearer planted-token' },
      credentials: 'omit',
      redirect: 'error',
      cache: 'no-store',
    });
  });

  it('follows the pages of a list to its end', async () => {
    const pages = [{ streams: [{ id: 'a' }], nextCursor: 'x' }, { streams: [{ id: 'b' }] }];
    const streams = await client(async (path) =>
      json(pages[path.includes('cursor=x') ? 1 : 0]),
    ).listStreams();
    expect(streams.map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it('makes a stream once, however often the request arrives', async () => {
    let key: unknown;
    await client(async (_path, { headers }) => {
      key = Reflect.get(Object(headers), 'idempotency-key');
      return json({ id: 'a' }, 201);
    }).createStream({ name: 'A' });
    expect(key).toBe('07'.repeat(16));
  });

  it('that is refused says why, what to do, and which fields are wrong', async () => {
    const error = await failure(async () =>
      json(
        {
          title: 'Every ingest slot is taken.',
          remedy: 'Stop one of them.',
          holders: [{ slotIndex: 0, streamId: 'cam-1' }],
          errors: [{ pointer: 'name', detail: 'is too long' }, 'nonsense'],
        },
        409,
      ),
    );
    expect(error.message).toBe('Every ingest slot is taken. The slots are held by cam-1. Stop one of them.');
    expect(error.status).toBe(409);
    expect(error.fields).toEqual([
      { pointer: 'name', detail: 'is too long' },
      { pointer: '', detail: '' },
    ]);
  });

  it('that reaches no server, or something else, says so', async () => {
    const away = await failure(async () => {
      throw new TypeError('Failed to fetch');
    });
    expect(away).toMatchObject({ status: 0, message: expect.stringContaining('does not answer') });
    const proxy = await failure(async () => new Response('<html>Bad gateway</html>', { status: 502 }));
    expect(proxy.message).toBe('The server answered 502.');
  });
});
