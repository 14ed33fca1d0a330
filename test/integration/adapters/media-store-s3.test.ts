import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { S3MediaStore } from '../../../adapters/media-store-s3.ts';
import { initKey, partKey } from '../../../domain/media-store.ts';
import { mediaStoreContract } from '../../contract/media-store.ts';
import { type Fault, S3_CREDENTIALS, S3Server } from './s3-server.ts';

const BUCKET = 'mirror-test';
const DIRECTORY_BUCKET = 'mirror-test--use1-az4--x-s3';
const signal = new AbortController().signal;
const bytes = new TextEncoder().encode('a part');

let server: S3Server;
beforeAll(async () => {
  server = await S3Server.start(BUCKET, DIRECTORY_BUCKET);
});
afterAll(() => server.close());

function newStore(
  options: { bucket?: string; endpoint?: string; secretAccessKey?: string } = {},
): S3MediaStore {
  const { bucket = BUCKET, endpoint = server.endpoint, secretAccessKey } = options;
  const credentials = { ...S3_CREDENTIALS, ...(secretAccessKey === undefined ? {} : { secretAccessKey }) };
  return new S3MediaStore({ bucket, region: 'us-east-1', endpoint, credentials });
}

describe.each([BUCKET, DIRECTORY_BUCKET])('contract, bucket %s', (bucket) => {
  mediaStoreContract(async () => {
    const [store, otherStore] = [newStore({ bucket }), newStore({ bucket })];
    return {
      store,
      otherStore,
      close: async () => {
        store.close();
        otherStore.close();
      },
    };
  });
});

let partCount = 0;
const newKey = () => partKey('faults', 'video', { mediaSequenceNumber: (partCount += 1), partIndex: 0 });

describe('faults', () => {
  const passing: readonly (readonly [string, Fault])[] = [
    ['409 ConditionalRequestConflict', { kind: 'answer', status: 409, code: 'ConditionalRequestConflict' }],
    ['503 SlowDown', { kind: 'answer', status: 503, code: 'SlowDown' }],
    ['500 InternalError', { kind: 'answer', status: 500, code: 'InternalError' }],
    ['a connection that breaks before the request was read', { kind: 'reset' }],
    ['no answer', { kind: 'never' }],
    ['a connection that breaks after the object was stored', { kind: 'carried-out-unheard' }],
  ];

  test.each(passing)('put, %s: tried again, stored once', async (_, fault) => {
    const store = newStore();
    const key = newKey();
    server.faults.push(fault);
    expect(await store.put(key, bytes, { signal })).toBe('stored');
    expect(await store.get(key, { signal })).toEqual(bytes);
    expect(await store.put(key, bytes, { signal })).toBe('exists');
    store.close();
  });

  test('put, stored unheard while another runner won: exists', async () => {
    const [store, other] = [newStore(), newStore()];
    const key = newKey();
    await other.put(key, new TextEncoder().encode('another part'), { signal });
    server.faults.push({ kind: 'carried-out-unheard' });
    expect(await store.put(key, bytes, { signal })).toBe('exists');
    store.close();
    other.close();
  });

  test('put given up by its caller while unheard, then tried again by it: stored, since it was ours', async () => {
    const store = newStore();
    const key = newKey();
    server.faults.push({ kind: 'carried-out-unheard' });
    const caller = new AbortController();
    const reason = new Error('deadline');
    const given = store.put(key, bytes, { signal: caller.signal });
    const aborting = setInterval(() => {
      if (server.faults.length === 0) caller.abort(reason);
    }, 1);
    const outcome = await given.catch((error: unknown) => error);
    clearInterval(aborting);
    expect(['stored', reason]).toContain(outcome);
    expect(await store.put(key, bytes, { signal })).toBe(outcome === reason ? 'stored' : 'exists');
    store.close();
  });

  test('get, 503 and a broken connection: tried again', async () => {
    const store = newStore();
    const key = newKey();
    await store.put(key, bytes, { signal });
    server.faults.push({ kind: 'answer', status: 503, code: 'SlowDown' }, { kind: 'reset' });
    expect(await store.get(key, { signal })).toEqual(bytes);
    store.close();
  });

  test.each([
    ['THROTTLED', true, { kind: 'answer', status: 503, code: 'SlowDown' }],
    ['FAILED', true, { kind: 'answer', status: 500, code: 'InternalError' }],
    ['UNREACHABLE', true, { kind: 'reset' }],
    ['TIMEOUT', true, { kind: 'never' }],
  ] as const)('what lasts becomes STORE_%s, retryable %s', async (name, retryable, fault) => {
    const store = newStore();
    server.faults.push(...Array.from({ length: 4 }, () => fault));
    await expect(store.put(newKey(), bytes, { signal })).rejects.toMatchObject({
      code: `STORE_${name}`,
      retryable,
    });
    expect(server.faults.splice(0)).toEqual([]);
    store.close();
  });

  test('a wrong secret is FORBIDDEN at once, without another try', async () => {
    const store = newStore({ secretAccessKey: 'wrong' });
    const before = server.requests.length;
    const forbidden = { code: 'STORE_FORBIDDEN', retryable: false };
    await expect(store.put(newKey(), bytes, { signal })).rejects.toMatchObject(forbidden);
    expect(server.requests.length - before).toBe(1);
    store.close();
  });

  test('an unknown bucket is NOT_FOUND for put and get, and names it', async () => {
    const store = newStore({ bucket: 'nobody-made-this' });
    const missing = { code: 'STORE_NOT_FOUND', message: expect.stringContaining('nobody-made-this') };
    await expect(store.put(newKey(), bytes, { signal })).rejects.toMatchObject(missing);
    await expect(store.get(newKey(), { signal })).rejects.toMatchObject(missing);
    store.close();
  });

  test('nobody listening is UNREACHABLE within two seconds', async () => {
    const store = newStore({ endpoint: 'http://127.0.0.1:1' });
    const start = performance.now();
    await expect(store.put(newKey(), bytes, { signal })).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
    expect(performance.now() - start).toBeLessThan(2_000);
    store.close();
  });

  test('a caller that gives up during a retry gets its own reason, soon', async () => {
    const store = newStore();
    server.faults.push({ kind: 'never' });
    const deadline = AbortSignal.timeout(100);
    const start = performance.now();
    const given = await store.put(newKey(), bytes, { signal: deadline }).catch((error: unknown) => error);
    expect(given).toBe(deadline.reason);
    expect(performance.now() - start).toBeLessThan(400);
    store.close();
  });
});

describe('requests', () => {
  test('a put is one request: conditional, checked, without waiting for 100 Continue', async () => {
    const store = newStore();
    server.requests.length = 0;
    await store.put(newKey(), bytes, { signal });
    expect(server.requests.map((request) => request.method)).toEqual(['PUT']);
    expect(server.requests[0]?.headers).toMatchObject({
      'if-none-match': '*',
      'x-amz-checksum-crc32': expect.any(String),
      'content-length': String(bytes.length),
    });
    expect(server.requests[0]?.headers.expect).toBeUndefined();
    store.close();
  });

  test('a directory bucket opens one session for many requests, and signs with its token', async () => {
    const store = newStore({ bucket: DIRECTORY_BUCKET });
    server.requests.length = 0;
    for (let count = 0; count < 3; count += 1) await store.put(newKey(), bytes, { signal });
    const sessions = server.requests.filter((request) => request.url.includes('?session'));
    expect(sessions).toHaveLength(1);
    expect(server.requests.at(-1)?.headers['x-amz-s3session-token']).toBe('session');
    store.close();
  });

  test('a recording is written with its content type and without a condition', async () => {
    const store = newStore();
    server.requests.length = 0;
    await store.write('recordings/a/index.m3u8', bytes, {
      contentType: 'application/vnd.apple.mpegurl',
      cacheControl: 'max-age=1',
      signal,
    });
    expect(server.requests[0]?.headers).toMatchObject({
      'content-type': 'application/vnd.apple.mpegurl',
      'cache-control': 'max-age=1',
    });
    expect(server.requests[0]?.headers['if-none-match']).toBeUndefined();
    store.close();
  });

  test('removePrefix takes every page of a listing, and lists by folder as directory buckets demand', async () => {
    const store = newStore();
    const [first, second] = [initKey('long', 'video'), initKey('long', 'audio')];
    for (const key of [first, second]) await store.put(key, bytes, { signal });
    server.requests.length = 0;
    const pass = { kind: 'pass' } as const;
    server.faults.push({ kind: 'listing', keys: [first], nextToken: 'page/2=' }, pass);
    server.faults.push({ kind: 'listing', keys: [second] });
    await store.removePrefix('streams/long/');
    expect(server.requests.map(({ method }) => method)).toEqual(['GET', 'POST', 'GET', 'POST']);
    const queries = [0, 2].map((index) => {
      return Object.fromEntries(new URL(server.requests[index]?.url ?? '', server.endpoint).searchParams);
    });
    const query = { 'list-type': '2', 'max-keys': '1000', prefix: 'streams/long/' };
    expect(queries).toEqual([query, { ...query, 'continuation-token': 'page/2=' }]);
    for (const key of [first, second]) expect(await store.get(key, { signal })).toBeUndefined();
    store.close();
  });

  test('removePrefix of nothing lists once and deletes nothing', async () => {
    const store = newStore();
    server.requests.length = 0;
    await store.removePrefix('streams/nobody/');
    expect(server.requests.map(({ method }) => method)).toEqual(['GET']);
    store.close();
  });
});
