import { randomBytes } from 'node:crypto';
import { SignJWT, UnsecuredJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { CONTROL_LIMITS } from '../../../domain/control/limits.ts';
import { TICKET_KEYS_SECRET } from '../../../lambdas/secret-names.ts';
import { SignedDelivery } from '../../../local/signed-delivery.ts';
import { BACKEND_TOKEN, type Fixture, fixture, START_MS, signingKeys } from './fixture.ts';

const STREAMS = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

async function stage(): Promise<Fixture> {
  const plane = await fixture();
  for (const id of STREAMS)
    await plane.call('POST', '/v1/streams', { id, name: `Camera ${id}`, ingest: { protocol: 'rtp-mpegts' } });
  await plane.call('POST', '/v1/streams', {
    id: 'free',
    name: 'Free',
    access: 'open',
    ingest: { protocol: 'rtp-mpegts' },
  });
  return plane;
}

async function ticketFor(plane: Fixture, viewerId: string, streams: '*' | string[] = '*'): Promise<string> {
  const { body } = await plane.call(
    'POST',
    '/v1/viewer-tickets',
    { viewerId, streams },
    { token: BACKEND_TOKEN },
  );
  return body.ticket;
}

async function open(plane: Fixture, viewerId: string, streams: string[], extra: object = {}) {
  const ticket = await ticketFor(plane, viewerId);
  return plane.call('POST', '/v1/viewer-sessions', { ticket, streams, ...extra }, { token: null });
}

describe('viewer sessions', () => {
  it('a ticket opens a session whose URLs the edge lets through, for their stream alone', async () => {
    const plane = await stage();
    const { status, body, cookies } = await open(plane, 'ann', ['a', 'b', 'free'], { delivery: 'balanced' });
    expect(status).toBe(201);
    expect(cookies).toEqual([]);
    expect(body).toMatchObject({ viewerId: 'ann', delivery: 'balanced', renewAfterS: 30 });
    expect(body.expiresAt).toBe(new Date(START_MS + 90_000).toISOString());
    const edge = new SignedDelivery({
      publicKeys: { KTEST: signingKeys().publicKey },
      resourceBase: 'https://live.example.com',
      clock: plane.clock,
    });
    const [a, b, free] = body.streams;
    expect(edge.check({ url: a.playlistPath })).toEqual({ kind: 'ok' });
    expect(edge.check({ url: a.playlistPath.replace('/live/a/', '/live/b/') })).toMatchObject({
      kind: 'refused',
    });
    expect(free).toMatchObject({ playlistPath: '/open/free/index.m3u8', query: {} });
    // Each stream's signature has a second of its own to end in; the answer says the first.
    plane.clock.ms = Date.parse(body.playbackExpiresAt) - 1;
    for (const { playlistPath } of [a, b]) expect(edge.check({ url: playlistPath })).toEqual({ kind: 'ok' });
    plane.clock.ms += CONTROL_LIMITS.playbackExpiryStepMs;
    expect(edge.check({ url: a.playlistPath })).toMatchObject({ kind: 'refused' });
  });

  it('signed cookies come when asked for, each below its own stream', async () => {
    const plane = await stage();
    const { cookies } = await open(plane, 'ann', ['a', 'b'], { cookies: true });
    expect(cookies).toHaveLength(6);
    expect(cookies.filter((cookie) => cookie.includes('; Path=/live/a/;'))).toHaveLength(3);
    for (const cookie of cookies) expect(cookie).toMatch(/^CloudFront-.*; HttpOnly; Secure; SameSite=None$/);
  });

  it('six panes over all sessions are the limit of one viewer', async () => {
    const plane = await stage();
    const { body: first, status } = await open(plane, 'ann', ['a', 'b', 'c', 'd']);
    expect(status).toBe(201);
    const refused = await open(plane, 'ann', ['e', 'f', 'g']);
    expect(refused).toMatchObject({ status: 409, body: { code: 'CONTROL_VIEWER_STREAM_LIMIT' } });
    expect(refused.body.sessions).toEqual([
      {
        sessionId: first.sessionId,
        openedAt: new Date(START_MS).toISOString(),
        expiresAt: new Date(START_MS + 90_000).toISOString(),
        streams: ['a', 'b', 'c', 'd'].map((streamId) => ({ streamId, name: expect.any(String) })),
      },
    ]);
    expect(refused.text).not.toContain(first.sessionToken);
    expect((await open(plane, 'bob', ['e', 'f', 'g'])).status).toBe(201);
    plane.clock.ms += 90_000;
    expect((await open(plane, 'ann', ['a', 'b', 'c', 'd', 'e', 'f'])).status).toBe(201);
  });

  it('a swap puts the new stream in the place of the old and leaves the others where they are', async () => {
    const plane = await stage();
    const { body: session } = await open(plane, 'ann', ['a', 'b', 'c']);
    const path = `/v1/viewer-sessions/${session.sessionId}`;
    const token = session.sessionToken;
    const swapped = await plane.call('PATCH', path, { add: ['d'], remove: ['b'] }, { token });
    expect(swapped.status).toBe(200);
    expect(swapped.body.streams.map((stream: { streamId: string }) => stream.streamId)).toEqual([
      'a',
      'd',
      'c',
    ]);
    const others = (streams: { streamId: string; playlistUrl: string }[]) =>
      streams.filter(({ streamId }) => streamId === 'a').map(({ playlistUrl }) => playlistUrl);
    expect(others(swapped.body.streams)).toEqual(others(session.streams));
    const tooMany = await plane.call('PATCH', path, { add: ['b', 'e', 'f', 'g'] }, { token });
    expect(tooMany.body).toMatchObject({ code: 'CONTROL_VIEWER_STREAM_LIMIT', sessions: [] });
    expect((await plane.call('PATCH', path, { remove: ['a', 'd', 'c'] }, { token })).status).toBe(400);
  });

  it('a session changes its delivery and keeps it, and knows what its ticket lets it swap in', async () => {
    const plane = await stage();
    const { body: session } = await open(plane, 'ann', ['a']);
    const names = session.selectable.map(({ streamId }: { streamId: string }) => streamId);
    expect(names).toEqual(expect.arrayContaining(['a', 'b']));
    const path = `/v1/viewer-sessions/${session.sessionId}`;
    const token = session.sessionToken;
    const changed = await plane.call('PATCH', path, { delivery: 'economy' }, { token });
    expect(changed.body).toMatchObject({ delivery: 'economy', streams: [{ streamId: 'a' }] });
    const renewed = await plane.call('POST', `${path}/renew`, undefined, { token });
    expect(renewed.body.delivery).toBe('economy');
    expect(renewed.body.selectable).toBeUndefined();
    expect((await plane.call('PATCH', path, {}, { token })).status).toBe(400);
  });

  it('many sessions of tickets for all streams read the list of streams once in a few seconds', async () => {
    const plane = await stage();
    let readCount = 0;
    const list = plane.registry.listStreams.bind(plane.registry);
    plane.registry.listStreams = (...args) => {
      readCount += 1;
      return readCount === 1 ? Promise.reject(new Error('away')) : list(...args);
    };
    // A reading that failed is not kept.
    expect((await open(plane, 'ann', ['a'])).status).toBe(500);
    for (let index = 0; index < 20; index++)
      expect((await open(plane, `viewer-${index}`, ['a'])).body.selectable.length).toBeGreaterThan(1);
    expect(readCount).toBe(2);
    plane.clock.ms += 5_000;
    await open(plane, 'bob', ['a']);
    expect(readCount).toBe(3);
  });

  it('two swaps at the same moment both happen', async () => {
    const plane = await stage();
    const { body: session } = await open(plane, 'ann', ['a', 'b']);
    const path = `/v1/viewer-sessions/${session.sessionId}`;
    const token = session.sessionToken;
    await Promise.all([
      plane.call('PATCH', path, { add: ['c'], remove: ['a'] }, { token }),
      plane.call('PATCH', path, { add: ['d'], remove: ['b'] }, { token }),
    ]);
    const { body } = await plane.call('POST', `${path}/renew`, undefined, { token });
    expect(body.streams.map((stream: { streamId: string }) => stream.streamId)).toEqual(['c', 'd']);
  });

  it('a session is renewed, and ended, by its own token only', async () => {
    const plane = await stage();
    const { body: session } = await open(plane, 'ann', ['a']);
    const { body: other } = await open(plane, 'bob', ['a']);
    const path = `/v1/viewer-sessions/${session.sessionId}`;
    plane.clock.ms += 60_000;
    for (const token of [other.sessionToken, null, 'x', BACKEND_TOKEN])
      expect((await plane.call('POST', `${path}/renew`, undefined, { token })).status).toBe(401);
    const renewed = await plane.call('POST', `${path}/renew`, {}, { token: session.sessionToken });
    expect(renewed.body.expiresAt).toBe(new Date(START_MS + 150_000).toISOString());
    expect((await plane.call('DELETE', path, undefined, { token: session.sessionToken })).status).toBe(204);
    const gone = await plane.call('DELETE', path, undefined, { token: session.sessionToken });
    expect(gone.body.code).toBe('CONTROL_SESSION_NOT_FOUND');
  });

  it('streams that do not exist and streams that the ticket does not name are refused alike', async () => {
    const plane = await stage();
    const ticket = await ticketFor(plane, 'ann', ['a']);
    for (const stream of ['b', 'nowhere']) {
      const answer = await plane.call(
        'POST',
        '/v1/viewer-sessions',
        { ticket, streams: [stream] },
        { token: null },
      );
      expect(answer.body).toMatchObject({ code: 'CONTROL_STREAM_NOT_PLAYABLE', status: 422 });
    }
    const { body } = await plane.call(
      'POST',
      '/v1/viewer-sessions',
      { ticket, streams: ['a'] },
      { token: null },
    );
    const swap = { add: ['b'], remove: ['a'] };
    const path = `/v1/viewer-sessions/${body.sessionId}`;
    expect((await plane.call('PATCH', path, swap, { token: body.sessionToken })).status).toBe(422);
  });

  it('viewers are counted, and those who left are not', async () => {
    const plane = await stage();
    await open(plane, 'ann', ['a', 'b']);
    await open(plane, 'bob', ['a']);
    expect((await plane.call('GET', '/v1/viewers')).body).toEqual({
      viewerCount: 2,
      viewerCountMax: 5_000,
      sessionCount: 2,
      perStream: { a: 2, b: 1 },
    });
    plane.clock.ms += 90_000;
    expect((await plane.call('GET', '/v1/viewers')).body.viewerCount).toBe(0);
  });
});

describe('tickets', () => {
  const session = (plane: Fixture, ticket: string) =>
    plane.call('POST', '/v1/viewer-sessions', { ticket, streams: ['a'] }, { token: null });

  it('work once and until they expire', async () => {
    const plane = await stage();
    const ticket = await ticketFor(plane, 'ann');
    expect((await session(plane, ticket)).status).toBe(201);
    expect((await session(plane, ticket)).body.code).toBe('CONTROL_TICKET_USED');
    const late = await ticketFor(plane, 'ann');
    plane.clock.ms += 63_000;
    expect((await session(plane, late)).body.code).toBe('CONTROL_TICKET_EXPIRED');
  });

  it('that are forged, altered, unsigned or of another algorithm, type or environment are refused', async () => {
    const plane = await stage();
    const ring = JSON.parse((await plane.secrets.get(TICKET_KEYS_SECRET)) ?? '');
    const key = Buffer.from(ring.keys[0].secret, 'base64url');
    const claims = { streams: '*', sub: 'ann', jti: 'j'.repeat(26), aud: 'test' };
    const sign = (header: object, bytes: Uint8Array = key, extra: object = {}) =>
      new SignJWT({ ...claims, ...extra })
        .setProtectedHeader({ alg: 'HS256', typ: 'mirror-ticket+jwt', kid: 'k1', ...header })
        .setIssuedAt(START_MS / 1000)
        .setExpirationTime(START_MS / 1000 + 60)
        .sign(bytes);
    const good = await sign({});
    expect((await session(plane, good)).status).toBe(201);
    const [head = '', body = '', mac = ''] = good.split('.');
    const payload = JSON.parse(Buffer.from(body, 'base64url').toString());
    const richer = Buffer.from(JSON.stringify({ ...payload, sub: 'bob' })).toString('base64url');
    const bad = [
      await sign({}, randomBytes(32)),
      await sign({ kid: 'k9' }),
      await sign({ kid: undefined }),
      await sign({ typ: 'JWT' }),
      await sign({ alg: 'HS512' }, randomBytes(64)),
      await sign({}, key, { aud: 'production' }),
      await sign({}, key, { streams: ['A B'] }),
      await sign({}, key, { jti: undefined }),
      `${head}.${richer}.${mac}`,
      `${head}.${body}.`,
      new UnsecuredJWT(claims).setExpirationTime(START_MS / 1000 + 60).encode(),
      'a.b.c',
      '.',
      good.replace('.', '..'),
    ];
    for (const ticket of bad) {
      const answer = await session(plane, ticket);
      expect(answer.body).toMatchObject({ code: 'CONTROL_TICKET_INVALID', status: 401 });
    }
  });

  it('of the old and of the new key are valid during a rotation, and those of a removed key are not', async () => {
    const plane = await stage();
    const old = await ticketFor(plane, 'ann');
    const ring = JSON.parse((await plane.secrets.get(TICKET_KEYS_SECRET)) ?? '');
    const next = { kid: 'k2', secret: randomBytes(32).toString('base64url') };
    await plane.secrets.put(TICKET_KEYS_SECRET, JSON.stringify({ keys: [next, ...ring.keys] }));
    plane.clock.ms += 61_000;
    const fresh = await ticketFor(plane, 'ann');
    expect(JSON.parse(Buffer.from(fresh.split('.')[0] ?? '', 'base64url').toString()).kid).toBe('k2');
    plane.clock.ms -= 61_000;
    expect((await session(plane, old)).status).toBe(201);
    expect((await session(plane, fresh)).status).toBe(201);
    await plane.secrets.put(TICKET_KEYS_SECRET, JSON.stringify({ keys: [next] }));
    plane.clock.ms += 130_000;
    const { ticket } = await plane.viewers.issueTicket({ viewerId: 'ann', streams: '*', ttlS: 60 });
    expect((await session(plane, ticket)).status).toBe(201);
    expect((await session(plane, old)).status).toBe(401);
  });
});
