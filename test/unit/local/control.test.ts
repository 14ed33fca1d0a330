import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EmbeddedRegistry } from '../../../adapters/registry-embedded.ts';
import { LocalControl } from '../../../local/control.ts';
import { KeptSecrets } from '../../../local/kept-secrets.ts';
import { LocalLauncher } from '../../../local/launcher-local.ts';
import { RunnerStates } from '../../../local/runner-states.ts';
import { RecordingLog } from '../control/fixture.ts';

const NOW_MS = Date.UTC(2026, 5, 1);
let folder = '';
const ends: (() => unknown)[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mirror-control-'));
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  await rm(folder, { recursive: true, force: true });
});

async function started(registry = new EmbeddedRegistry({ nowMs: () => NOW_MS })) {
  const clock = { nowMs: () => NOW_MS };
  const { secrets, newToken = '' } = await KeptSecrets.open(folder);
  const passphrases = new Map<string, string | undefined>();
  const launcher = new LocalLauncher({
    run: async ({ streamId, spec }, signal) => {
      passphrases.set(streamId, 'passphrase' in spec.ingest ? spec.ingest.passphrase : undefined);
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    },
  });
  const control = new LocalControl({
    registry,
    launcher,
    secrets,
    liveEdge: { end: async () => {}, remove: async () => {} },
    slots: [9001, 9002, 9003].map((port) => ({ publicHost: '127.0.0.1', port })),
    builtIn: [
      { id: 'cam-1', name: 'Harbour', demo: true },
      { id: 'own', name: 'Your own feed', demo: false },
    ],
    playbackBaseUrl: 'http://localhost:8080',
    clock,
    log: new RecordingLog(),
  });
  await control.startBuiltIn();
  const server = createServer((request, response) => void control.handle(request, response)).listen(0);
  ends.push(
    () => launcher.close(),
    () => server.close(),
  );
  await once(server, 'listening');
  const address = server.address();
  const base = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  const call = async (method: string, path: string, body?: object, token = newToken) => {
    const response = await fetch(base + path, {
      method,
      headers: {
        connection: 'close',
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- asserted field by field
    return { status: response.status, body: (await response.json()) as Record<string, never> };
  };
  return { control, registry, launcher, passphrases, call };
}

describe('the control plane of one machine', () => {
  it('its own streams run from the start, open and without a passphrase; starting again changes nothing', async () => {
    const { control, launcher, passphrases } = await started();
    expect([...passphrases]).toEqual([
      ['cam-1', undefined],
      ['own', undefined],
    ]);
    await control.startBuiltIn();
    expect((await launcher.list()).map(({ streamId }) => streamId)).toEqual(['cam-1', 'own']);
    expect(await control.portOf('own')).toBe(9002);
  });

  it('anybody sees the open streams and where their feeds are taken, and no premium stream', async () => {
    const { call } = await started();
    const ingest = { protocol: 'srt-listener' };
    await call('POST', '/v1/streams', { id: 'stage', name: 'Stage', ingest });
    const { body } = await call('GET', '/v1/streams', undefined, '');
    expect(body).toMatchObject({
      streams: [
        { id: 'cam-1', name: 'Harbour', state: 'starting', demo: true },
        { id: 'own', demo: false, ingestUrl: 'srt://127.0.0.1:9002?latency=120000' },
      ],
    });
  });

  it('an open stream that has a passphrase does not show where its feed is taken', async () => {
    const { call, passphrases } = await started();
    const ingest = { protocol: 'srt-listener' };
    await call('POST', '/v1/streams', { id: 'plaza', name: 'Plaza', access: 'open', ingest });
    await call('POST', '/v1/streams/plaza/start');
    const { body } = await call('GET', '/v1/streams', undefined, '');
    const text = JSON.stringify(body);
    expect(text).toContain('"plaza"');
    expect(text).not.toContain(':9003');
    expect(text).not.toContain(passphrases.get('plaza') ?? 'no passphrase');
  });

  it('no caller of the API can ask for a listener without a passphrase', async () => {
    const { call } = await started();
    const ingest = { protocol: 'srt-listener', unencrypted: true };
    expect((await call('POST', '/v1/streams', { name: 'X', ingest })).status).toBe(400);
  });

  it('a registry that has outlived a platform: what ran is failed with what to do, and its own run again', async () => {
    const first = await started();
    const ingest = { protocol: 'srt-listener' };
    await first.call('POST', '/v1/streams', { id: 'stage', name: 'Stage', ingest });
    await first.call('POST', '/v1/streams/stage/start');
    const again = await started(first.registry);
    const states = (await first.registry.listStreams({ countMax: 9 })).map(({ record }) =>
      record.history.at(-1),
    );
    expect(states).toMatchObject([
      { state: 'starting' },
      { state: 'starting' },
      { state: 'failed', reason: expect.stringContaining('Start this stream again') },
    ]);
    expect(await first.registry.listSlots()).toHaveLength(2);
    expect((await again.launcher.list()).map(({ streamId }) => streamId)).toEqual(['cam-1', 'own']);
  });

  it("a runner's crash and failure become its stream's state, of its own start only", async () => {
    const { registry } = await started();
    const run = (await registry.getStream('own'))?.record.run;
    const told: string[] = [];
    const states = (startId = '') =>
      new RunnerStates({
        registry,
        startId,
        nowMs: () => NOW_MS,
        onState: ({ name, state }) => told.push(`${name} ${state}`),
        log: new RecordingLog(),
      });
    const settle = () => new Promise((resolve) => setImmediate(resolve));
    states('another').setState('own', 'failed', 'not mine');
    states(run?.startId).setState('own', 'stopped');
    await settle();
    expect(told).toEqual([]);
    states(run?.startId).setState('own', 'failed', 'its configuration is wrong');
    await settle();
    expect(told).toEqual(['Your own feed failed']);
    expect((await registry.getStream('own'))?.record.history.at(-1)).toMatchObject({
      state: 'failed',
      reason: 'its configuration is wrong',
    });
  });
});
