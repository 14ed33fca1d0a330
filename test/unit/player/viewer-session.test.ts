import { describe, expect, it } from 'vitest';
import { ticketFromAddress, ViewerSession } from '../../../player/viewer-session.ts';

const DATE = 'Mon, 01 Jun 2026 12:00:00 GMT';
const claims = (streams: unknown) => Buffer.from(JSON.stringify({ streams })).toString('base64url');

function answerOf(signature: string) {
  return {
    sessionId: 'id',
    sessionToken: `token-${signature}`,
    renewAfterS: 30,
    playbackExpiresAt: '2026-06-01T12:00:20.000Z',
    streams: [
      { streamId: 'stage', name: 'Stage', query: { Policy: 'p~', Signature: signature } },
      { streamId: 'own', name: 'Own', query: {} },
    ],
  };
}

function sessionUnderTest(answers: (() => Response)[]) {
  const asked: {
    path: string;
    method: string;
    authorization: string | null;
    key: string | null;
    body: unknown;
  }[] = [];
  const timers: { work: () => void; ms: number }[] = [];
  const kept = new Map<string, string>();
  const dependencies = {
    fetch: async (path: string, init: RequestInit) => {
      const headers = new Headers(init.headers);
      asked.push({
        path,
        method: init.method ?? '',
        authorization: headers.get('authorization'),
        key: headers.get('idempotency-key'),
        body: typeof init.body === 'string' ? JSON.parse(init.body) : undefined,
      });
      const answer = answers.shift();
      if (!answer) throw new TypeError('unreachable');
      return answer();
    },
    storage: {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
      removeItem: (key: string) => void kept.delete(key),
    },
    setTimer: (work: () => void, ms: number) => void timers.push({ work, ms }),
    newKey: () => 'key',
    onChange: () => {},
  };
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const tick = async () => {
    timers.shift()?.work();
    await settle();
  };
  return { session: new ViewerSession(dependencies), dependencies, asked, timers, tick };
}

const ok = (signature: string) => () => Response.json(answerOf(signature), { headers: { date: DATE } });

describe('ticket in the address', () => {
  it('is read with the streams that it names, without trusting it', () => {
    const ticket = `h.${claims(['a', 'b'])}.s`;
    expect(ticketFromAddress(`#ticket=${ticket}`)).toEqual({ ticket, streamIds: ['a', 'b'] });
    expect(ticketFromAddress(`#ticket=h.${claims('*')}.s`)?.streamIds).toEqual([]);
    expect(ticketFromAddress('#ticket=garbage')?.streamIds).toEqual([]);
    expect(ticketFromAddress('')).toBeUndefined();
  });
});

describe('viewer session', () => {
  it('is renewed when half of its signatures have passed, and answers the newest one', async () => {
    const { session, asked, timers, tick } = sessionUnderTest([ok('one'), ok('two')]);
    await session.open('ticket', ['stage', 'own']);
    expect(session.queryOf('stage')).toBe('Policy=p%7E&Signature=one');
    expect(session.queryOf('own')).toBe('');
    expect(timers[0]?.ms).toBe(10_000);
    await tick();
    expect(session.queryOf('stage')).toContain('two');
    expect(asked[1]).toMatchObject({
      path: '/v1/viewer-sessions/id/renew',
      authorization: 'Bearer token-one',
    });
  });

  it('a renewal that does not arrive is tried again; the signature stays meanwhile', async () => {
    const { session, timers, tick, asked } = sessionUnderTest([ok('one')]);
    await session.open('ticket', ['stage']);
    await tick();
    expect(session.queryOf('stage')).toContain('one');
    expect(session.problem).toBeUndefined();
    expect(timers[0]?.ms).toBe(3_000);
    await tick();
    expect(asked).toHaveLength(3);
  });

  it('a session that is gone is said in words, and what was signed plays on', async () => {
    const refusal = { title: 'There is no such session.', detail: 'Open a new one.' };
    const gone = () => Response.json(refusal, { status: 404 });
    const { session, dependencies, tick, timers } = sessionUnderTest([ok('one'), gone]);
    await session.open('ticket', ['stage']);
    await tick();
    expect(session.problem).toBe('There is no such session. Open a new one.');
    expect(session.queryOf('stage')).toContain('one');
    expect(timers).toHaveLength(0);
    expect(dependencies.storage.getItem('mirror-session')).toBeNull();
  });

  it('a ticket that was used before is said in words', async () => {
    const refusal = { title: 'The ticket was used.', remedy: 'Get another.' };
    const { session, timers } = sessionUnderTest([() => Response.json(refusal, { status: 409 })]);
    await session.open('ticket', ['stage']);
    expect(session.problem).toBe('The ticket was used. Get another.');
    expect(timers).toHaveLength(0);
  });

  it('a reload of the tab goes on with the same session', async () => {
    const { session, dependencies, asked } = sessionUnderTest([ok('one'), ok('two')]);
    await session.open('ticket', ['stage']);
    const reloaded = new ViewerSession(dependencies);
    await reloaded.resume();
    expect(asked[1]?.authorization).toBe('Bearer token-one');
    expect(reloaded.queryOf('stage')).toContain('two');
  });

  it('while all places are taken, it asks again by itself, with the same ticket and key', async () => {
    const refusal = { code: 'CONTROL_VIEWER_STREAM_LIMIT', retryable: false, sessions: [] };
    const full = () => Response.json(refusal, { status: 409 });
    const { session, asked, tick } = sessionUnderTest([full, ok('one')]);
    await session.open('ticket', ['stage']);
    expect(session.problem).toMatch(/as many feeds as you may/);
    await tick();
    expect(session.problem).toBeUndefined();
    expect(session.queryOf('stage')).toContain('one');
    expect(asked[1]).toEqual(asked[0]);
    expect(asked[0]).toMatchObject({ key: 'key', body: { ticket: 'ticket', streams: ['stage'] } });
  });

  it('a server that does not answer is asked again for the session, too', async () => {
    const { session, tick, asked } = sessionUnderTest([]);
    await session.open('ticket', ['stage']);
    expect(session.problem).toMatch(/does not answer/);
    await tick();
    expect(asked).toHaveLength(2);
  });

  it('a swap keeps the session and its other panes, and one renewal follows, not two', async () => {
    const swapped = () =>
      Response.json({ ...answerOf('two'), delivery: 'economy' }, { headers: { date: DATE } });
    const { session, asked, timers, tick } = sessionUnderTest([ok('one'), swapped, ok('three')]);
    await session.open('ticket', ['stage']);
    expect(await session.swap({ add: ['goal'], remove: ['own'], delivery: 'economy' })).toBeUndefined();
    expect(asked[1]).toMatchObject({
      method: 'PATCH',
      path: '/v1/viewer-sessions/id',
      authorization: 'Bearer token-one',
      body: { add: ['goal'], remove: ['own'], delivery: 'economy' },
    });
    expect(session.delivery).toBe('economy');
    expect(timers).toHaveLength(2);
    await tick();
    expect(asked).toHaveLength(2);
    await tick();
    expect(asked).toHaveLength(3);
  });

  it('a swap that is refused says why, and the session goes on as it was', async () => {
    const refusal = { code: 'CONTROL_STREAM_NOT_PLAYABLE' };
    const { session } = sessionUnderTest([ok('one'), () => Response.json(refusal, { status: 422 })]);
    await session.open('ticket', ['stage']);
    expect(await session.swap({ add: ['x'] })).toMatch(/does not let you watch this feed/);
    expect(session.problem).toBeUndefined();
    expect(session.queryOf('stage')).toContain('one');
  });

  it('what the ticket allows is known until the tab is closed, renewals and reloads included', async () => {
    const first = () =>
      Response.json({ ...answerOf('one'), selectable: [{ streamId: 'goal', name: 'Goal' }] });
    const { session, dependencies, tick } = sessionUnderTest([first, ok('two'), ok('three')]);
    await session.open('ticket', ['stage']);
    await tick();
    expect(session.selectable).toEqual([{ id: 'goal', name: 'Goal' }]);
    const reloaded = new ViewerSession(dependencies);
    await reloaded.resume();
    expect(reloaded.selectable).toEqual([{ id: 'goal', name: 'Goal' }]);
  });

  it('what is kept under our name and is not ours does no harm', async () => {
    const { session, dependencies, asked } = sessionUnderTest([]);
    dependencies.storage.setItem('mirror-session', '{');
    await session.resume();
    expect(asked).toEqual([]);
  });
});
