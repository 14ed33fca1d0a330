import { describe, expect, it } from 'vitest';
import { type Fixture, fixture } from './fixture.ts';

const LISTENER = { protocol: 'srt-listener' };

async function created(plane: Fixture, id: string, extra: object = {}) {
  const answer = await plane.call('POST', '/v1/streams', {
    id,
    name: `Camera ${id}`,
    ingest: LISTENER,
    ...extra,
  });
  expect(answer).toMatchObject({ status: 201 });
  return answer.body;
}

describe('streams', () => {
  it('live their whole life: create, start, wait, live, stop, delete', async () => {
    const plane = await fixture();
    expect((await created(plane, 'goal')).state).toBe('created');

    const started = await plane.call('POST', '/v1/streams/goal/start');
    expect(started.status).toBe(200);
    expect(started.body).toMatchObject({
      state: 'starting',
      slotIndex: 0,
      playlistPath: '/live/goal/index.m3u8',
    });
    expect(started.body.target.passphrase).toMatch(/^[0-9a-z]{24}$/);
    expect(started.body.target.url).toContain(`passphrase=${started.body.target.passphrase}`);
    expect(plane.launcher.launches[0]).toMatchObject({
      spec: { streamId: 'goal', ingest: { protocol: 'srt-listener', port: 9001, latencyMs: 120 } },
      secret: { value: started.body.target.passphrase },
    });

    const stopped = await plane.call('POST', '/v1/streams/goal/stop');
    expect(stopped.body.state).toBe('stopped');
    expect(stopped.body.history.map((change: { state: string }) => change.state)).toEqual([
      'created',
      'starting',
      'stopping',
      'stopped',
    ]);
    expect(plane.endedStreamIds).toEqual(['goal']);
    expect(plane.launcher.running.size).toBe(0);

    expect((await plane.call('DELETE', '/v1/streams/goal')).status).toBe(204);
    expect((await plane.call('GET', '/v1/streams/goal')).body.code).toBe('CONTROL_STREAM_NOT_FOUND');
  });

  it('keep the passphrase out of every answer but that of start', async () => {
    const plane = await fixture();
    await created(plane, 'goal');
    const { passphrase } = (await plane.call('POST', '/v1/streams/goal/start')).body.target;
    const list = await plane.call('GET', '/v1/streams');
    const show = await plane.call('GET', '/v1/streams/goal');
    expect(list.body.streams[0].ingestUrl).toMatch(/^srt:\/\/ingest.example.com:9001\?mode=caller/);
    for (const text of [list.text, show.text, plane.log.lines.join('\n')])
      expect(text).not.toContain(passphrase);
  });

  it('started twice at once are launched once, and both callers get the same passphrase', async () => {
    const plane = await fixture();
    await created(plane, 'goal');
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => plane.call('POST', '/v1/streams/goal/start')),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ body }) => body.target.passphrase)).size).toBe(1);
    expect(plane.launcher.launches).toHaveLength(1);
    expect(await plane.registry.listSlots()).toHaveLength(1);
  });

  it('more than the slots are refused with the names of those that hold them', async () => {
    const plane = await fixture({ slotCount: 2 });
    for (const id of ['a', 'b', 'c']) await created(plane, id);
    await plane.call('POST', '/v1/streams/a/start');
    await plane.call('POST', '/v1/streams/b/start');
    const refused = await plane.call('POST', '/v1/streams/c/start');
    expect(refused.status).toBe(409);
    expect(refused.body).toMatchObject({ code: 'CONTROL_NO_FREE_SLOT', retryable: true });
    expect(refused.body.holders).toEqual([
      { slotIndex: 0, streamId: 'a' },
      { slotIndex: 1, streamId: 'b' },
    ]);
    expect((await plane.call('GET', '/v1/streams/c')).body.state).toBe('created');
    await plane.call('POST', '/v1/streams/a/stop');
    expect((await plane.call('POST', '/v1/streams/c/start')).body.slotIndex).toBe(0);
  });

  it('that fail to launch give back slot, secret and service, and say why', async () => {
    const plane = await fixture();
    await created(plane, 'goal');
    let secretName = '';
    plane.launcher.beforeStart = async ({ record }) => {
      secretName = record.run?.secretId ?? '';
      expect(await plane.secrets.get(secretName)).toBeDefined();
      throw new Error('no capacity');
    };
    const failed = await plane.call('POST', '/v1/streams/goal/start');
    expect(failed.status).toBe(502);
    expect(failed.body.code).toBe('CONTROL_LAUNCH_FAILED');
    expect(await plane.registry.listSlots()).toEqual([]);
    expect(await plane.secrets.get(secretName)).toBeUndefined();
    const { body } = await plane.call('GET', '/v1/streams/goal');
    expect(body).toMatchObject({ state: 'failed', reason: 'no capacity' });
    plane.launcher.beforeStart = async () => {};
    expect((await plane.call('POST', '/v1/streams/goal/start')).status).toBe(200);
  });

  it('without a token show the open ones only, and nothing of the operator', async () => {
    const plane = await fixture();
    await created(plane, 'free', { access: 'open' });
    await created(plane, 'paid');
    await plane.call('POST', '/v1/streams/free/start');
    const { status, body } = await plane.call('GET', '/v1/streams', undefined, { token: null });
    expect(status).toBe(200);
    expect(body.streams).toHaveLength(1);
    expect(body.streams[0]).toMatchObject({
      id: 'free',
      state: 'starting',
      playlistPath: '/open/free/index.m3u8',
    });
    expect(body.streams[0]).not.toHaveProperty('ingestUrl');
    expect((await plane.call('GET', '/v1/streams', undefined, { token: 'wrong' })).status).toBe(401);
  });

  it('are listed in pages whose cursors lead through all of them once', async () => {
    const plane = await fixture();
    for (const id of ['e', 'b', 'd', 'a', 'c']) await created(plane, id);
    const seen: string[] = [];
    let path = '/v1/streams?limit=2';
    for (let page = 0; page < 5; page++) {
      const { body } = await plane.call('GET', path);
      seen.push(...body.streams.map((stream: { id: string }) => stream.id));
      if (!body.nextCursor) break;
      path = `/v1/streams?limit=2&cursor=${body.nextCursor}`;
    }
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'e']);
  });
});
