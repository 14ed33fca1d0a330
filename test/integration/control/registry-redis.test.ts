import { generate } from 'selfsigned';
import { describe, expect, test } from 'vitest';
import { RedisRegistry } from '../../../adapters/registry-redis.ts';
import type { Registry } from '../../../domain/control/registry.ts';
import { type RegistryHarness, registryContract, streamRecord } from '../../contract/registry.ts';
import { sampleContract } from '../../contract/registry-samples.ts';
import { RecordingLog } from '../../unit/control/fixture.ts';
import { RedisProxy, RedisServer } from '../adapters/redis-server.ts';

describe('RedisRegistry', () => {
  const makeHarness = async (): Promise<RegistryHarness> => {
    const server = await RedisServer.start();
    const log = new RecordingLog();
    const doors = Array.from(
      { length: 6 },
      () => (keyPrefix: string) => new RedisRegistry({ url: server.socketPath, log, keyPrefix }),
    );
    const opened: Registry[] = [];
    let worldCount = 0;
    return {
      async open(doorCount) {
        for (const registry of opened.splice(0)) await registry.close();
        worldCount += 1;
        const registries = doors.slice(0, doorCount).map((open) => open(`world-${worldCount}:`));
        opened.push(...registries);
        const [first, ...rest] = registries;
        if (!first) throw new RangeError('at least one door');
        return [first, ...rest];
      },
      async close() {
        for (const registry of opened) await registry.close();
        await server.close();
      },
    };
  };
  registryContract(makeHarness);
  sampleContract(makeHarness);

  test('a Redis that went away and came back is used again, and its absence is a retryable error', async () => {
    const server = await RedisServer.start();
    const registry = new RedisRegistry({ url: server.socketPath, log: new RecordingLog() });
    await registry.createStream(streamRecord('a'), { recordCountMax: 10 });
    await server.kill();
    await expect(registry.getStream('a')).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      retryable: true,
    });
    await server.startAgain();
    await expect.poll(() => registry.getStream('a').catch(() => 'down'), { timeout: 10_000 }).toBeUndefined();
    await registry.close();
    await server.close();
  });

  test('over TLS with a token it works as on AWS, on one connection; a wrong token and a wrong authority are told', async () => {
    const server = await RedisServer.start('--requirepass', 'planted-secret-token');
    const certificate = await generate([{ name: 'commonName', value: 'localhost' }]);
    const proxy = await RedisProxy.start(server, { cert: certificate.cert, key: certificate.private });
    const log = new RecordingLog();
    const over = (token: string, ca?: string) =>
      new RedisRegistry({
        url: `rediss://:${token}@localhost:${proxy.port}`,
        log,
        ...(ca === undefined ? {} : { ca }),
      });
    const registry = over('planted-secret-token', certificate.cert);
    const wary = over('planted-secret-token');
    const stranger = over('planted-secret-wrong', certificate.cert);
    await registry.createStream(streamRecord('a'), { recordCountMax: 10 });
    await Promise.all(Array.from({ length: 50 }, () => registry.getStream('a')));
    expect(proxy.connectionCount).toBe(1);
    await expect(wary.getStream('a')).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
    await expect(stranger.getStream('a')).rejects.toMatchObject({ code: 'REGISTRY_REFUSED' });
    expect(log.lines.join('')).not.toContain('planted-secret');
    for (const each of [registry, wary, stranger]) await each.close();
    await proxy.close();
    await server.close();
  });
});
