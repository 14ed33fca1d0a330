import { describe, expect, it } from 'vitest';
import { RegistryRunnerReports } from '../../../adapters/registry-runner-reports.ts';
import { SAMPLE_LIMITS } from '../../../domain/control/stream-sample.ts';
import type { RunnerCounters, RunnerStatus } from '../../../domain/stream.ts';
import { SignedDelivery } from '../../../local/signed-delivery.ts';
import { streamSample } from '../../contract/registry-samples.ts';
import { BACKEND_TOKEN, type Fixture, fixture, signingKeys } from '../control/fixture.ts';

const COUNTERS: RunnerCounters = {
  ingestBitrateBps: 8_000_000,
  ingestByteCount: 0,
  continuityErrorCount: 0,
  rejectedConnectionCount: 0,
  connectionCount: 1,
  decodeErrorCount: 0,
  repeatedFrameCount: 0,
  droppedFrameCount: 0,
  timestampJumpCount: 0,
  publishedPartCount: 0,
  gapCount: 0,
  storeErrorCount: 0,
  partLatencyMs: 5,
};

async function withStream(access: 'premium' | 'open' = 'premium'): Promise<Fixture> {
  const plane = await fixture();
  await plane.call('POST', '/v1/streams', {
    id: 'cam',
    name: 'Cam',
    access,
    ingest: { protocol: 'srt-listener' },
  });
  return plane;
}

function status(atMs: number, hardware: 'cpu' | 'nvidia' = 'nvidia'): RunnerStatus {
  return { streamId: 'cam', state: 'live', atMs, hardware, counters: COUNTERS };
}

describe('what an operator looks at', () => {
  it('is for operators: not for backends, not for anybody', async () => {
    const plane = await withStream();
    for (const path of [
      '/v1/capacity',
      '/v1/streams/cam/metrics',
      '/v1/streams/cam/target',
      '/v1/streams/cam/preview',
    ]) {
      expect((await plane.call('GET', path, undefined, { token: null })).status).toBe(401);
      expect((await plane.call('GET', path, undefined, { token: BACKEND_TOKEN })).status).toBe(403);
    }
    for (const what of ['metrics', 'target', 'preview'])
      expect((await plane.call('GET', `/v1/streams/nobody/${what}`)).status).toBe(404);
  });
});

describe('the target', () => {
  it('is what start said, passphrase included, for as long as the stream runs', async () => {
    const plane = await withStream();
    expect((await plane.call('GET', '/v1/streams/cam/target')).body).toEqual({});
    const started = await plane.call('POST', '/v1/streams/cam/start');
    const { body } = await plane.call('GET', '/v1/streams/cam/target');
    expect(body.target).toEqual(started.body.target);
    expect(body.target.passphrase.length).toBeGreaterThanOrEqual(10);
    expect(plane.launcher.launches).toHaveLength(1);
    await plane.call('POST', '/v1/streams/cam/stop');
    expect((await plane.call('GET', '/v1/streams/cam/target')).body).toEqual({});
    expect(plane.log.lines.join()).not.toContain(body.target.passphrase);
  });
});

describe('the preview', () => {
  const edge = (plane: Fixture) =>
    new SignedDelivery({
      publicKeys: { KTEST: signingKeys().publicKey },
      resourceBase: 'https://live.example.com',
      clock: plane.clock,
    });
  const asked = (folder: { path: string; query: Record<string, string> }, file: string) =>
    `${folder.path}${file}?${new URLSearchParams(folder.query).toString()}`;

  it("opens a premium stream's media and recordings to the operator, counts no viewer, and ends", async () => {
    const plane = await withStream();
    const { body } = await plane.call('GET', '/v1/streams/cam/preview');
    const check = (url: string) => edge(plane).check({ url }).kind;
    expect(body.media.baseUrl).toBe('https://live.example.com/live/cam/');
    expect(check(asked(body.media, 'video/1.m4s'))).toBe('ok');
    expect(check(asked(body.recordings, 'list.json'))).toBe('ok');
    expect(check(asked({ ...body.media, path: body.recordings.path }, 'list.json'))).toBe('refused');
    expect(check(asked({ ...body.media, path: '/live/other/' }, 'video/1.m4s'))).toBe('refused');
    expect((await plane.call('GET', '/v1/viewers')).body.viewerCount).toBe(0);
    plane.clock.ms = Date.parse(body.expiresAt);
    expect(check(asked(body.media, 'video/1.m4s'))).toBe('refused');
  });

  it('of an open stream needs a signature for what was recorded alone', async () => {
    const plane = await withStream('open');
    const { body } = await plane.call('GET', '/v1/streams/cam/preview');
    expect(body.media).toMatchObject({ path: '/open/cam/', query: {} });
    expect(body.recordings.query).toHaveProperty('Signature');
  });
});

describe('the metrics', () => {
  it('are the samples of the last hour, one column for each number', async () => {
    const plane = await withStream();
    const { intervalMs, countMax } = SAMPLE_LIMITS;
    for (const ageMs of [2 * countMax * intervalMs, 2 * intervalMs, intervalMs])
      await plane.registry.appendSample('cam', streamSample(plane.clock.ms - ageMs), SAMPLE_LIMITS);
    const { body } = await plane.call('GET', '/v1/streams/cam/metrics');
    expect(body).toMatchObject({ streamId: 'cam', intervalMs, states: ['live', 'live'] });
    expect(body.atMs).toEqual([plane.clock.ms - 2 * intervalMs, plane.clock.ms - intervalMs]);
    expect(body.series.ingestBitrateBps).toEqual([4_200_000, 4_200_000]);
    expect(body.series.gapCount).toEqual([6, 6]);
  });

  it('come by themselves from the reports of a runner', async () => {
    const plane = await withStream();
    const reports = new RegistryRunnerReports({ registry: plane.registry });
    for (let s = 0; s <= 30; s++) await reports.report(status(plane.clock.ms + s * 1_000));
    plane.clock.ms += 31_000;
    const { body } = await plane.call('GET', '/v1/streams/cam/metrics');
    expect(body.series.ingestBitrateBps).toEqual([8_000_000, 8_000_000, 8_000_000]);
    expect(body.series.connectionCount).toEqual([1, 0, 0]);
  });
});

describe('the capacity', () => {
  it('says what is used, by whom, and what that costs with which assumptions', async () => {
    const plane = await withStream();
    const empty = (await plane.call('GET', '/v1/capacity')).body;
    expect(empty).toMatchObject({
      slots: { usedCount: 0, holders: [] },
      viewers: { viewerCount: 0, viewerCountMax: 5_000, paneCount: 0 },
      hosts: { kind: 'gpu-hosts', instanceType: 'g5.2xlarge', hostCount: 2, hostCountMax: 6 },
      cost: { environment: 'prod', isPaid: true },
    });
    await plane.call('POST', '/v1/streams/cam/start');
    await plane.registry.putStatus(status(plane.clock.ms), 60_000);
    const { ticket } = (
      await plane.call(
        'POST',
        '/v1/viewer-tickets',
        { viewerId: 'ann', streams: ['cam'] },
        { token: BACKEND_TOKEN },
      )
    ).body;
    await plane.call('POST', '/v1/viewer-sessions', { ticket, streams: ['cam'] }, { token: null });
    const busy = (await plane.call('GET', '/v1/capacity')).body;
    expect(busy).toMatchObject({
      slots: { usedCount: 1, holders: [{ slotIndex: 0, streamId: 'cam' }] },
      runners: { onGpuCount: 1, onCpuCount: 0 },
      viewers: { viewerCount: 1, sessionCount: 1, paneCount: 1, perStream: { cam: 1 } },
    });
    const sum = busy.cost.lines.reduce(
      (total: number, line: { usdPerHour: number }) => total + line.usdPerHour,
      0,
    );
    expect(busy.cost.usdPerHour).toBeCloseTo(sum, 10);
    expect(busy.cost.usdPerHour).toBeGreaterThan(empty.cost.usdPerHour);
    expect(busy.cost.assumptions.join(' ')).toContain('Feeds: 1, of 8.0 Mbps');
    expect(
      busy.cost.lines.every(({ usdPerHour }: { usdPerHour: unknown }) => Number.isFinite(usdPerHour)),
    ).toBe(true);
  });
});
