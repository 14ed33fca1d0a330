import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openStreams, RegistryRunnerReports } from '../../../adapters/registry-runner-reports.ts';
import { TokenAuthorizer, tokenEntry } from '../../../lambdas/authorizer/service.ts';
import { TOKENS_SECRET } from '../../../lambdas/secret-names.ts';
import { runnerStatus } from '../../contract/runner-status.ts';
import { BACKEND_TOKEN, type Fixture, fixture, OPERATOR_TOKEN, signingKeys } from './fixture.ts';

const listener = (id: string) => ({ id, name: id, ingest: { protocol: 'srt-listener' } });

/** Lets other callers have their turn. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

async function leftOvers(plane: Fixture, secretNames: ReadonlySet<string>) {
  const kept = await Promise.all(
    [...secretNames].map(async (name) => (await plane.secrets.get(name)) && name),
  );
  return {
    slots: await plane.registry.listSlots(),
    runners: [...plane.launcher.running.keys()],
    secrets: kept.filter(Boolean),
  };
}

describe('start and stop', () => {
  it('in any order, by any number of callers, with anything failing, leave nothing behind once all is stopped', {
    timeout: 60_000,
  }, async () => {
    const failing = fc.array(fc.boolean(), { minLength: 40, maxLength: 40 });
    const calls = fc.array(
      fc.record({ action: fc.constantFrom('start', 'stop'), stream: fc.constantFrom('a', 'b', 'c') }),
      { minLength: 2, maxLength: 10 },
    );
    await fc.assert(
      fc.asyncProperty(
        calls,
        failing,
        fc.constantFrom('stopped' as const, 'draining' as const),
        async (steps, fails, outcome) => {
          const plane = await fixture({ slotCount: 2 });
          const trouble = fails.values();
          let calm = false;
          const maybeFail = async () => {
            await turn();
            if (!calm && trouble.next().value) throw new Error('trouble');
          };
          plane.launcher.beforeStart = maybeFail;
          plane.launcher.afterStart = maybeFail;
          plane.launcher.beforeStop = maybeFail;
          plane.launcher.stopOutcome = outcome;
          const names = new Set<string>();
          const put = plane.secrets.put.bind(plane.secrets);
          plane.secrets.put = async (name, value) => {
            await maybeFail();
            names.add(name);
            const answer = await put(name, value);
            await maybeFail();
            return answer;
          };
          for (const id of ['a', 'b', 'c']) await plane.call('POST', '/v1/streams', listener(id));

          const answers = await Promise.all(
            steps.map(({ action, stream }) => plane.call('POST', `/v1/streams/${stream}/${action}`)),
          );
          for (const { status, text } of answers) if (status === 500) throw new Error(text);

          calm = true;
          plane.launcher.stopOutcome = 'stopped';
          plane.launcher.drain();
          for (const id of ['a', 'b', 'c']) {
            // Started again, whatever was left half-way, and then stopped for good.
            const started = await plane.call('POST', `/v1/streams/${id}/start`);
            expect([200, 409]).toContain(started.status);
          }
          for (const id of ['a', 'b', 'c']) {
            const stopped = await plane.call('POST', `/v1/streams/${id}/stop`);
            expect(stopped.body.state).toMatch(/^(?:stopped|created)$/);
          }
          expect(await leftOvers(plane, names)).toEqual({ slots: [], runners: [], secrets: [] });
        },
      ),
      { numRuns: 100 },
    );
  });

  it('a start whose caller died is cleaned up by the next one, after its lease', async () => {
    const plane = await fixture();
    await plane.call('POST', '/v1/streams', listener('goal'));
    let arrived = () => {};
    const dying = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    plane.launcher.beforeStart = () => {
      arrived();
      return new Promise<never>(() => {});
    };
    void plane.lifecycle.start('goal');
    await dying;
    plane.launcher.beforeStart = async () => {};
    const busy = await plane.call('POST', '/v1/streams/goal/start');
    expect(busy.body).toMatchObject({ code: 'CONTROL_STREAM_BUSY', retryable: true });
    plane.clock.ms += 60_000;
    const started = await plane.call('POST', '/v1/streams/goal/start');
    expect(started.status).toBe(200);
    expect(await plane.registry.listSlots()).toHaveLength(1);
    const { body } = await plane.call('GET', '/v1/streams/goal');
    expect(body.history.at(-2)).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('did not finish'),
    });
  });

  it('a stream that runs is not deleted, one that is stopped is', async () => {
    const plane = await fixture();
    await plane.call('POST', '/v1/streams', listener('goal'));
    await plane.call('POST', '/v1/streams/goal/start');
    expect((await plane.call('DELETE', '/v1/streams/goal')).body.code).toBe('CONTROL_STREAM_RUNNING');
    await plane.call('POST', '/v1/streams/goal/stop');
    expect((await plane.call('DELETE', '/v1/streams/goal')).status).toBe(204);
  });

  it('an SDP of two media is served by both ports of its slot, and start tells which is which', async () => {
    const sdp =
      'v=0\r\no=- 1 1 IN IP4 239.1.1.1\r\ns=x\r\nc=IN IP4 239.1.1.1\r\nt=0 0\r\nm=video 5004 RTP/AVP 96\r\na=rtpmap:96 H265/90000\r\nm=audio 5006 RTP/AVP 97\r\na=rtpmap:97 opus/48000/2\r\n';
    const body = { id: 'rtp', name: 'RTP', ingest: { protocol: 'rtp-sdp', sdp } };
    const plane = await fixture();
    expect((await plane.call('POST', '/v1/streams', body)).status).toBe(201);
    const started = await plane.call('POST', '/v1/streams/rtp/start');
    expect(started.body.target).toMatchObject({
      url: 'rtp://ingest.example.com:9001',
      media: [
        { medium: 'video', port: 9001, url: 'rtp://ingest.example.com:9001' },
        { medium: 'audio', port: 9101, url: 'rtp://ingest.example.com:9101' },
      ],
    });
    const { ingest } = plane.launcher.launches[0]?.spec ?? {};
    const lines = ingest?.protocol === 'rtp-sdp' ? ingest.sdp.split('\r\n') : [];
    expect(lines).toEqual(
      expect.arrayContaining(['m=video 9001 RTP/AVP 96', 'm=audio 9101 RTP/AVP 97', 'c=IN IP4 0.0.0.0']),
    );
    expect(lines).not.toContain('c=IN IP4 239.1.1.1');
  });

  it('an SDP of two media is refused at create where a slot has one port, with what to send instead', async () => {
    const plane = await fixture({ slots: [{ publicHost: 'ingest.example.com', port: 9001 }] });
    const sdp =
      'v=0\r\nm=video 5004 RTP/AVP 96\r\na=rtpmap:96 H265/90000\r\nm=audio 5006 RTP/AVP 97\r\na=rtpmap:97 opus/48000/2\r\n';
    const body = { id: 'rtp', name: 'RTP', ingest: { protocol: 'rtp-sdp', sdp } };
    const refused = await plane.call('POST', '/v1/streams', body);
    expect(refused).toMatchObject({ status: 422, body: { code: 'CONTROL_INGEST_UNSUPPORTED' } });
    expect(refused.body.detail).toContain('MPEG-TS');
    expect((await plane.call('GET', '/v1/streams')).body.streams).toEqual([]);
    const pictureOnly = {
      ...body,
      ingest: { protocol: 'rtp-sdp', sdp: sdp.slice(0, sdp.indexOf('m=audio')) },
    };
    expect((await plane.call('POST', '/v1/streams', pictureOnly)).status).toBe(201);
  });
});

describe('reports of runners', () => {
  it('become the states of their streams, and those of an earlier run do not', async () => {
    const plane = await fixture();
    const reports = new RegistryRunnerReports({ registry: plane.registry });
    await plane.call('POST', '/v1/streams', listener('goal'));
    await plane.call('POST', '/v1/streams/goal/start');
    const report = (state: 'waiting' | 'live' | 'interrupted', atMs: number, reason?: string) =>
      reports.report(
        runnerStatus('goal', {
          state,
          atMs,
          ...(reason === undefined ? {} : { reason }),
          counters: { connectionCount: 1 },
        }),
      );
    const state = async () => (await plane.call('GET', '/v1/streams/goal')).body;
    const now = plane.clock.ms;
    await report('live', now - 60_000);
    expect((await state()).state).toBe('starting');
    await report('waiting', now + 1);
    await report('live', now + 2);
    for (let index = 0; index < 50; index++) await report('live', now + 3 + index);
    await report('interrupted', now + 99, 'no packet for 500 ms');
    expect(await state()).toMatchObject({
      state: 'interrupted',
      reason: 'no packet for 500 ms',
      runner: { counters: { connectionCount: 1 } },
    });
    expect((await state()).history).toHaveLength(5);
    const before = (await state()).history.map((entry: { state: string }) => entry.state);
    for (let second = 1; second <= 40; second++) {
      await report('live', now + 100 + second * 2_000);
      await report('interrupted', now + 101 + second * 2_000, `no packet, time ${second}`);
    }
    // A feed that comes and goes leaves everything else in the history.
    const { history } = await state();
    expect(history.map((entry: { state: string }) => entry.state)).toEqual(before);
    expect(history.at(-1)).toMatchObject({ reason: 'no packet, time 40', times: 41 });
    expect(await reports.stoppedByOperator('goal')).toBe(false);
    await plane.call('POST', '/v1/streams/goal/stop');
    await report('live', now + 200);
    expect((await state()).state).toBe('stopped');
    expect(await reports.stoppedByOperator('goal')).toBe(true);
    expect(await openStreams(plane.registry)('goal')).toBe(false);
    expect(await openStreams(plane.registry)('nowhere')).toBe(false);
  });
});

describe('planted secrets', () => {
  it('are in no log line, no error, no list, and no answer but the one that hands them out', async () => {
    const callerPassphrase = 'planted-secret-caller';
    const plane = await fixture();
    const texts: string[] = [];
    const call: Fixture['call'] = async (...args) => {
      const answer = await plane.call(...args);
      texts.push(answer.text);
      return answer;
    };
    const ingest = { protocol: 'srt-caller', host: '203.0.114.7', port: 9000, passphrase: callerPassphrase };
    await call('POST', '/v1/streams', { id: 'call', name: 'Call', ingest });
    await call('POST', '/v1/streams', { id: 'call', name: 'Call', ingest });
    await call('POST', '/v1/streams', { id: 'bad', name: 'Bad', ingest: { ...ingest, port: 'x', host: 7 } });
    await call('POST', '/v1/streams', { id: 'bad', name: 'Bad', ingest: { ...ingest, host: '10.0.0.1' } });
    await call('POST', '/v1/streams', listener('goal'));
    let passphrase = '';
    plane.launcher.beforeStart = async ({ secret }) => {
      passphrase = secret?.value ?? '';
      throw new Error(`could not run --passphrase=${passphrase}`);
    };
    await call('POST', '/v1/streams/goal/start');
    await call('POST', '/v1/streams/call/start');
    plane.launcher.beforeStart = async () => {};
    await call('POST', '/v1/streams/call/start');
    expect(plane.launcher.launches[0]?.secret?.value).toBe(callerPassphrase);
    const started = await plane.call('POST', '/v1/streams/goal/start');
    expect(started.body.target.passphrase).toMatch(/^[0-9a-z]{24}$/);
    await call('GET', '/v1/streams');
    await call('GET', '/v1/streams/goal');
    await call('GET', '/v1/streams', undefined, { token: `${OPERATOR_TOKEN}x` });
    const { ticket } = (
      await plane.call(
        'POST',
        '/v1/viewer-tickets',
        { viewerId: 'ann', streams: '*' },
        { token: BACKEND_TOKEN },
      )
    ).body;
    const session = { ticket, streams: ['goal'] };
    const { sessionToken } = (await plane.call('POST', '/v1/viewer-sessions', session, { token: null })).body;
    await call('POST', '/v1/viewer-sessions', session, { token: null });
    await call('POST', '/v1/viewer-sessions', { ...session, ticket: `${ticket}x` }, { token: null });
    await call('GET', '/v1/viewers');
    await call('POST', '/v1/streams/goal/stop');
    await call('DELETE', '/v1/streams/goal');

    const output = [...texts, ...plane.log.lines].join('\n');
    expect(output).toContain('***');
    const keyBody = signingKeys().privateKey.split('\n')[5] ?? '';
    const planted = [
      callerPassphrase,
      passphrase,
      started.body.target.passphrase,
      OPERATOR_TOKEN,
      BACKEND_TOKEN,
    ];
    for (const secret of [...planted, ticket, sessionToken, keyBody]) {
      expect(secret.length).toBeGreaterThan(10);
      expect(output).not.toContain(secret);
    }
  });

  it('a token is known by its hash alone, in constant time, and a rotation needs no restart', async () => {
    const plane = await fixture();
    const rotated = [
      tokenEntry('operator', OPERATOR_TOKEN, ['operate']),
      tokenEntry('operator-next', 'the-next-operator-token', ['operate']),
    ];
    const text = JSON.stringify({ tokens: rotated });
    expect(text).not.toContain(OPERATOR_TOKEN);
    expect((await plane.call('GET', '/v1/viewers')).status).toBe(200);
    await plane.secrets.put(TOKENS_SECRET, text);
    plane.clock.ms += 5_000;
    expect(
      (await plane.call('GET', '/v1/viewers', undefined, { token: 'the-next-operator-token' })).status,
    ).toBe(200);
    await plane.secrets.put(TOKENS_SECRET, JSON.stringify({ tokens: rotated.slice(1) }));
    plane.clock.ms += 60_000;
    expect((await plane.call('GET', '/v1/viewers')).status).toBe(401);
  });

  it('forged tokens do not make the secret be read again and again', async () => {
    const { clock } = await fixture();
    let readCount = 0;
    const secrets = {
      get: async () => {
        readCount += 1;
        return JSON.stringify({ tokens: [tokenEntry('operator', OPERATOR_TOKEN, ['operate'])] });
      },
    };
    const authorizer = new TokenAuthorizer({ secrets, name: TOKENS_SECRET, clock });
    for (let index = 0; index < 1_000; index++) await authorizer.principalOf(`forged-${index}`);
    expect(readCount).toBe(1);
    expect(await authorizer.principalOf(OPERATOR_TOKEN)).toEqual({ name: 'operator', scopes: ['operate'] });
    expect(await authorizer.principalOf('x'.repeat(10_000))).toBeUndefined();
  });
});
