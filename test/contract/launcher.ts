/** What every launcher must do, whatever runs its runners. Run over ECS (a stand-in) and over processes. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Launcher, LaunchRequest } from '../../domain/control/launcher.ts';
import type { StreamRecord } from '../../domain/control/stream-record.ts';
import { streamRecord } from './registry.ts';

export interface LauncherHarness {
  readonly launcher: Launcher;
  /** Slots that the launcher's runners may use. */
  slot(slotIndex: number): LaunchRequest['slot'];
  /** Waits until what was started runs and what was stopped is gone. */
  settle(): Promise<void>;
  /** Everything that others than the runner itself can see of it: API requests, command lines, files. */
  visibleText(): string;
  close(): Promise<void>;
}

const PASSPHRASE = 'planted-secret-of-a-launch';
let startCount = 0;

/** A launch of an SRT listener in a slot, with a passphrase. */
export function launchRequest(
  streamId: string,
  slot: LaunchRequest['slot'],
  { slotIndex = 0, overrides = {} }: { slotIndex?: number; overrides?: Partial<StreamRecord> } = {},
): LaunchRequest {
  startCount += 1;
  const startId = `start${String(startCount).padStart(7, '0')}`;
  const record = streamRecord(streamId, {
    history: [{ state: 'starting', atMs: 1 }],
    run: { startId, slotIndex, secretId: `streams/${streamId}/starts/${startId}`, startedAtMs: 1 },
    ...overrides,
  });
  return {
    record,
    startId,
    slotIndex,
    slot,
    spec: {
      streamId,
      name: record.name,
      ingest: { protocol: 'srt-listener', host: '::', port: slot.port, latencyMs: 120 },
      frameRate: 30,
      hardware: 'cpu',
      record: false,
      signalLoss: 'last-picture',
    },
    secret: { id: `arn:aws:secretsmanager:eu-west-1:123456789012:secret:${streamId}`, value: PASSPHRASE },
  };
}

export function launcherContract(makeHarness: () => Promise<LauncherHarness>): void {
  let harness: LauncherHarness;
  beforeAll(async () => {
    harness = await makeHarness();
  });
  afterAll(() => harness.close());

  const activeStarts = async (streamId: string) =>
    (await harness.launcher.list())
      .filter((runner) => runner.streamId === streamId && runner.state === 'active')
      .map(({ startId }) => startId);
  const run = ({ record, startId }: LaunchRequest) => ({ streamId: record.id, startId });

  describe('launcher', () => {
    test('a started runner is listed with its slot and its record', async () => {
      const request = launchRequest('listed', harness.slot(1), { slotIndex: 1 });
      await harness.launcher.start(request);
      await harness.settle();
      const listed = (await harness.launcher.list()).find(({ streamId }) => streamId === 'listed');
      expect(listed).toEqual({
        ...run(request),
        state: 'active',
        slotIndex: 1,
        record: request.record,
      });
      await harness.launcher.stop(run(request));
      await harness.settle();
    });

    test('starting again with the same id, at once or later, is one start', async () => {
      const request = launchRequest('once', harness.slot(0));
      await Promise.all([harness.launcher.start(request), harness.launcher.start(request)]);
      await harness.settle();
      await harness.launcher.start(request);
      await harness.settle();
      expect(await activeStarts('once')).toEqual([request.startId]);
      await harness.launcher.stop(run(request));
      await harness.settle();
    });

    test('a stopped runner is gone, and stopping it again, or one that never was, changes nothing', async () => {
      const request = launchRequest('gone', harness.slot(0));
      await harness.launcher.start(request);
      await harness.settle();
      expect(['stopped', 'draining']).toContain(await harness.launcher.stop(run(request)));
      expect(await activeStarts('gone')).toEqual([]);
      await harness.settle();
      expect(await harness.launcher.stop(run(request))).toBe('stopped');
      expect(await harness.launcher.stop({ streamId: 'never', startId: 'never0000001' })).toBe('stopped');
    });

    test('a stream starts anew while its last runner still drains', async () => {
      const first = launchRequest('again', harness.slot(0));
      await harness.launcher.start(first);
      await harness.settle();
      await harness.launcher.stop(run(first));
      const second = launchRequest('again', harness.slot(0));
      await harness.launcher.start(second);
      await harness.settle();
      expect(await activeStarts('again')).toEqual([second.startId]);
      await harness.launcher.stop(run(second));
      await harness.settle();
    });

    test('nobody but the runner sees the passphrase', async () => {
      const request = launchRequest('secret', harness.slot(0));
      await harness.launcher.start(request);
      await harness.settle();
      expect(harness.visibleText()).not.toContain(PASSPHRASE);
      expect(JSON.stringify(await harness.launcher.list())).not.toContain(PASSPHRASE);
      await harness.launcher.stop(run(request));
      await harness.settle();
    });
  });
}
