/** The control plane as on AWS: many processes over one Redis, which knows nothing but what is in it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RedisRegistry } from '../../../adapters/registry-redis.ts';
import { RegistryRunnerReports } from '../../../adapters/registry-runner-reports.ts';
import { runnerStatus } from '../../contract/runner-status.ts';
import { FakeLauncher, type Fixture, fixture, RecordingLog } from '../../unit/control/fixture.ts';
import { RedisServer } from '../adapters/redis-server.ts';

let server: RedisServer;
const registries: RedisRegistry[] = [];

beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(async () => {
  for (const registry of registries) await registry.close();
  await server.close();
});

function registry(keyPrefix: string): RedisRegistry {
  const opened = new RedisRegistry({ url: server.socketPath, log: new RecordingLog(), keyPrefix });
  registries.push(opened);
  return opened;
}

/** Control planes of as many processes, over one Redis and one ECS. */
async function processes(count: number, keyPrefix: string) {
  const launcher = new FakeLauncher();
  const first = await fixture({ registry: registry(keyPrefix), launcher });
  const others = await Promise.all(
    Array.from({ length: count - 1 }, () =>
      fixture({ registry: registry(keyPrefix), launcher, secrets: first.secrets }),
    ),
  );
  return { planes: [first, ...others] as const, launcher };
}

const listener = (id: string) => ({ id, name: id, ingest: { protocol: 'srt-listener' } });
const inTurn = (planes: readonly Fixture[], index: number) => planes[index % planes.length] ?? planes[0]!;

describe('several processes over one Redis', () => {
  test('start each stream once, whoever is asked and however often at once', async () => {
    const { planes, launcher } = await processes(4, 'starts:');
    const [plane] = planes;
    for (const id of ['a', 'b', 'c']) await plane.call('POST', '/v1/streams', listener(id));
    const answers = await Promise.all(
      Array.from({ length: 24 }, (_, index) =>
        inTurn(planes, index).call('POST', `/v1/streams/${'abc'[index % 3]}/start`),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(launcher.launches).toHaveLength(3);
    expect(new Set(answers.map(({ body }) => body.target.passphrase)).size).toBe(3);
    const slots = await plane.registry.listSlots();
    expect(slots.map(({ slotIndex }) => slotIndex)).toEqual([0, 1, 2]);
  });

  test('starts and stops at once end in one state that all agree on, with nothing left behind', async () => {
    const { planes, launcher } = await processes(4, 'both:');
    const [plane] = planes;
    await plane.call('POST', '/v1/streams', listener('a'));
    for (let round = 0; round < 5; round++) {
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, index) =>
          inTurn(planes, index).call('POST', `/v1/streams/a/${index % 2 ? 'stop' : 'start'}`),
        ),
      );
      for (const { status } of answers) expect([200, 409]).toContain(status);
      const { body } = await plane.call('GET', '/v1/streams/a');
      const runningCount = body.state === 'starting' ? 1 : 0;
      expect(launcher.running.size).toBe(runningCount);
      expect(await plane.registry.listSlots()).toHaveLength(runningCount);
    }
    await plane.call('POST', '/v1/streams/a/stop');
    expect([launcher.running.size, (await plane.registry.listSlots()).length]).toEqual([0, 0]);
  });

  test('hear what a runner reports into Redis', async () => {
    const { planes } = await processes(2, 'reports:');
    const [plane, other] = planes;
    await plane.call('POST', '/v1/streams', listener('a'));
    await plane.call('POST', '/v1/streams/a/start');
    const reports = new RegistryRunnerReports({ registry: registry('reports:') });
    await reports.report(
      runnerStatus('a', {
        state: 'live',
        reason: 'The feed is on air.',
        atMs: plane.clock.ms + 1_000,
        hardware: 'nvidia',
      }),
    );
    const { body } = (await other?.call('GET', '/v1/streams/a')) ?? {};
    expect(body).toMatchObject({
      state: 'live',
      reason: 'The feed is on air.',
      runner: { hardware: 'nvidia' },
    });
  });

  test('answer 503, and not a wrong answer, while Redis is away', async () => {
    const away = await RedisServer.start();
    const lonely = new RedisRegistry({ url: away.socketPath, log: new RecordingLog() });
    const plane = await fixture({ registry: lonely });
    await plane.call('POST', '/v1/streams', listener('a'));
    await away.kill();
    const answer = await plane.call('GET', '/v1/streams/a');
    expect(answer).toMatchObject({ status: 503, body: { code: 'CONTROL_UNAVAILABLE', retryable: true } });
    expect(answer.headers).toHaveProperty('retry-after');
    await lonely.close();
    await away.close();
  });
});
