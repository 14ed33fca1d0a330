import { describe, expect, it } from 'vitest';
import { EmbeddedRegistry } from '../../../adapters/registry-embedded.ts';
import { serviceNameOf } from '../../../domain/control/service-name.ts';
import type { StreamState } from '../../../domain/stream.ts';
import { ecsEventSchema } from '../../../lambdas/ecs-events/event.ts';
import { EcsEventService } from '../../../lambdas/ecs-events/service.ts';
import { Reconciler } from '../../../lambdas/reconciler/service.ts';
import { ecsLauncherOver } from '../../contract/ecs-launcher.ts';
import { EcsStandIn } from '../../contract/ecs-stand-in.ts';
import { type Fixture, fixture, START_MS } from './fixture.ts';

interface Stage {
  readonly plane: Fixture;
  readonly ecs: EcsStandIn;
  readonly events: EcsEventService;
  readonly reconciler: Reconciler;
}

async function stage(registry?: EmbeddedRegistry): Promise<Stage> {
  const ecs = new EcsStandIn();
  const launcher = ecsLauncherOver(ecs);
  const plane: Fixture = await fixture({
    launcher,
    ...(registry ? { registry } : {}),
    sleep: async (ms) => {
      plane.clock.ms += ms;
      ecs.settle();
    },
  });
  const shared = { registry: plane.registry, lifecycle: plane.lifecycle, log: plane.log };
  return {
    plane,
    ecs,
    events: new EcsEventService({ ...shared, environmentName: 'test' }),
    reconciler: new Reconciler({ ...shared, launcher, clock: plane.clock }),
  };
}

async function started({ plane, ecs }: Stage, id: string): Promise<string> {
  await plane.call('POST', '/v1/streams', { id, name: id, ingest: { protocol: 'srt-listener' } });
  await plane.call('POST', `/v1/streams/${id}/start`);
  ecs.settle();
  return (await plane.registry.getStream(id))?.record.run?.startId ?? '';
}

async function stateOf({ plane }: Stage, id: string): Promise<{ state: StreamState; reason?: string }> {
  const { body } = await plane.call('GET', `/v1/streams/${id}`);
  return { state: body.state, reason: body.reason };
}

function taskStopped(serviceName: string, detail: object, atMs: number) {
  return ecsEventSchema.parse({
    version: '0',
    source: 'aws.ecs',
    'detail-type': 'ECS Task State Change',
    time: new Date(atMs).toISOString().replace('.000', ''),
    resources: ['arn:aws:ecs:eu-west-1:123456789012:task/test/abc'],
    detail: {
      clusterArn: 'arn:aws:ecs:eu-west-1:123456789012:cluster/test',
      group: `service:${serviceName}`,
      lastStatus: 'STOPPED',
      desiredStatus: 'STOPPED',
      version: 5,
      ...detail,
    },
  });
}

const runner = (rest: object) => [{ name: 'runner', lastStatus: 'STOPPED', ...rest }];

describe('ECS events', () => {
  it.each([
    [
      'image pull',
      {
        stopCode: 'TaskFailedToStart',
        stoppedReason:
          'CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref',
        containers: runner({}),
      },
      'image could not be pulled',
    ],
    [
      'memory',
      {
        stopCode: 'EssentialContainerExited',
        containers: runner({
          exitCode: 137,
          reason: 'OutOfMemoryError: Container killed due to memory usage',
        }),
      },
      'ran out of memory',
    ],
    [
      'a kill without a word',
      { stopCode: 'EssentialContainerExited', stoppedReason: '', containers: runner({ exitCode: 137 }) },
      'exit code 137',
    ],
    [
      'a native crash',
      { stopCode: 'EssentialContainerExited', containers: runner({ exitCode: 139 }) },
      'crashed in native code',
    ],
    [
      'secrets',
      {
        stopCode: 'TaskFailedToStart',
        stoppedReason:
          'ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed',
        containers: runner({}),
      },
      'passphrase could not be read',
    ],
    [
      'the host',
      {
        stopCode: 'TerminationNotice',
        stoppedReason: 'Host EC2 (instance i-0123456789) terminated.',
        containers: runner({}),
      },
      'host went away',
    ],
    [
      'an unknown cause',
      { stopCode: 'X', stoppedReason: 'Something\nnew "happened"', containers: runner({}) },
      'Something new "happened"',
    ],
  ])('say in words why a runner ended: %s', async (_name, detail, words) => {
    const world = await stage();
    const startId = await started(world, 'goal');
    const name = serviceNameOf('test', { streamId: 'goal', startId });
    expect(await world.events.handle(taskStopped(name, detail, START_MS + 5_000))).toBe('changed');
    const { state, reason } = await stateOf(world, 'goal');
    expect(state).toBe('starting');
    expect(reason).toContain(words);
    expect(reason).not.toContain('\n');
  });

  it('say that there is no GPU, and that ECS has given up', async () => {
    const world = await stage();
    const startId = await started(world, 'goal');
    const service = (detailType: string, detail: object, atMs: number) =>
      ecsEventSchema.parse({
        'detail-type': detailType,
        time: new Date(atMs).toISOString(),
        resources: [
          `arn:aws:ecs:eu-west-1:123456789012:service/test/${serviceNameOf('test', { streamId: 'goal', startId })}`,
        ],
        detail,
      });
    const noGpu = { eventName: 'SERVICE_TASK_PLACEMENT_FAILURE', reason: 'RESOURCE:GPU' };
    await world.events.handle(service('ECS Service Action', noGpu, START_MS + 1_000));
    expect(await stateOf(world, 'goal')).toMatchObject({
      state: 'starting',
      reason: expect.stringContaining('free GPU'),
    });
    const noWord = { eventName: 'SERVICE_TASK_PLACEMENT_FAILURE' };
    await world.events.handle(service('ECS Service Action', noWord, START_MS + 1_500));
    expect((await stateOf(world, 'goal')).reason).toContain('No host could take the runner');
    const gaveUp = {
      eventName: 'SERVICE_DEPLOYMENT_FAILED',
      reason: 'deployment failed: tasks failed to start.',
    };
    await world.events.handle(service('ECS Deployment State Change', gaveUp, START_MS + 2_000));
    expect((await stateOf(world, 'goal')).state).toBe('failed');
    // What holds the slot is still there, and a new start replaces it.
    expect((await world.plane.call('POST', '/v1/streams/goal/start')).body.state).toBe('starting');
    expect(await world.plane.registry.listSlots()).toHaveLength(1);
  });

  it('of an earlier start, of another service, and from before the present state change nothing', async () => {
    const world = await stage();
    await started(world, 'goal');
    const detail = { stoppedReason: 'late', containers: runner({}) };
    const old = serviceNameOf('test', { streamId: 'goal', startId: 'old000000001' });
    expect(await world.events.handle(taskStopped(old, detail, START_MS + 9_000))).toBe('unchanged');
    expect(await world.events.handle(taskStopped('someone-else', detail, START_MS))).toBe('not-ours');
    const startId = (await world.plane.registry.getStream('goal'))?.record.run?.startId ?? '';
    const late = taskStopped(serviceNameOf('test', { streamId: 'goal', startId }), detail, START_MS - 60_000);
    expect(await world.events.handle(late)).toBe('unchanged');
  });

  it('finish a stop whose runner drained', async () => {
    const world = await stage();
    const startId = await started(world, 'goal');
    expect((await world.plane.call('POST', '/v1/streams/goal/stop')).body.state).toBe('stopping');
    expect(await world.plane.registry.listSlots()).toHaveLength(1);
    const name = serviceNameOf('test', { streamId: 'goal', startId });
    const ended = taskStopped(
      name,
      {
        stoppedReason: 'Scaling activity initiated by (deployment ecs-svc/1)',
        containers: runner({ exitCode: 0 }),
      },
      START_MS + 1_000,
    );
    await world.events.handle(ended);
    await world.events.handle(ended);
    expect((await stateOf(world, 'goal')).state).toBe('stopped');
    expect(await world.plane.registry.listSlots()).toEqual([]);
    expect(world.plane.endedStreamIds).toEqual(['goal']);
  });
});

describe('the reconciler', () => {
  it('changes nothing where all is well', async () => {
    const world = await stage();
    await started(world, 'goal');
    world.plane.clock.ms += 120_000;
    expect(Object.values(await world.reconciler.reconcile()).flat()).toEqual([]);
  });

  it('rebuilds a lost registry from the tags of what runs', async () => {
    const registry = new EmbeddedRegistry({ nowMs: () => START_MS });
    const world = await stage(registry);
    for (const id of ['a', 'b', 'c']) await started(world, id);
    const before = await Promise.all(['a', 'b', 'c'].map((id) => registry.getStream(id)));
    const slotsBefore = await registry.listSlots();
    for (const found of before) await registry.removeStream(found?.record.id ?? '', found?.revision ?? 0);
    for (const holder of slotsBefore) await registry.releaseSlot(holder);

    const report = await world.reconciler.reconcile();
    expect(report.restored.sort()).toEqual(['a', 'b', 'c']);
    expect(report.orphansStopped).toEqual([]);
    expect(await registry.listSlots()).toEqual(slotsBefore);
    for (const found of before) {
      const { record } = (await registry.getStream(found?.record.id ?? '')) ?? {};
      expect(record).toMatchObject({ ...found?.record, history: expect.anything() });
    }
    // And goes on from there: the passphrase is known, the stop complete.
    expect((await world.plane.call('POST', '/v1/streams/a/start')).body.target.passphrase).toMatch(
      /^[0-9a-z]{24}$/,
    );
    await world.plane.call('POST', '/v1/streams/a/stop');
    world.ecs.settle();
    expect((await world.reconciler.reconcile()).stopsFinished).toEqual(['a']);
    expect((await stateOf(world, 'a')).state).toBe('stopped');
  });

  it('stops a runner that no record names', async () => {
    const world = await stage();
    await started(world, 'goal');
    const found = await world.plane.registry.getStream('goal');
    const { run: _run, ...rest } = found?.record ?? {};
    if (found)
      await world.plane.registry.replaceStream(
        { ...found.record, ...rest, run: { startId: 'another00001', slotIndex: 0, startedAtMs: START_MS } },
        found.revision,
      );
    const report = await world.reconciler.reconcile();
    expect(report.orphansStopped).toEqual(['goal']);
    world.ecs.settle();
    expect(world.ecs.services.map(({ status }) => status)).toEqual(['INACTIVE']);
  });

  it('fails a stream whose runner is gone, gives its slot back, and leaves young ones alone', async () => {
    const world = await stage();
    await started(world, 'goal');
    for (const service of world.ecs.services) service.status = 'INACTIVE';
    expect((await world.reconciler.reconcile()).failed).toEqual([]);
    world.plane.clock.ms += 61_000;
    expect((await world.reconciler.reconcile()).failed).toEqual(['goal']);
    expect(await stateOf(world, 'goal')).toEqual({
      state: 'failed',
      reason: 'Its runner is gone. Start it again.',
    });
    expect(await world.plane.registry.listSlots()).toEqual([]);
  });

  it('frees the slot and the rest of a start whose caller died', async () => {
    const world = await stage();
    const { registry, lifecycle } = world.plane;
    await world.plane.call('POST', '/v1/streams', {
      id: 'goal',
      name: 'Goal',
      ingest: { protocol: 'srt-listener' },
    });
    // Dies between the slot and the secret.
    const died = new Promise<never>(() => {});
    world.plane.secrets.put = () => died;
    void lifecycle.start('goal');
    await expect.poll(() => registry.listSlots()).toHaveLength(1);
    expect((await world.reconciler.reconcile()).slotsFreed).toEqual([]);
    world.plane.clock.ms += 61_000;
    await world.reconciler.reconcile();
    expect(await registry.listSlots()).toEqual([]);
    expect((await stateOf(world, 'goal')).state).toBe('stopped');
  });

  it('one stream’s trouble does not keep the others from being healed', async () => {
    const world = await stage();
    await started(world, 'a');
    await started(world, 'b');
    for (const service of world.ecs.services) service.status = 'INACTIVE';
    world.plane.clock.ms += 61_000;
    const remove = world.plane.secrets.remove.bind(world.plane.secrets);
    world.plane.secrets.remove = async (name) => {
      if (name.includes('/a/')) throw new Error('access denied');
      return remove(name);
    };
    const report = await world.reconciler.reconcile();
    expect(report).toMatchObject({ failed: ['b'], troubles: ['a'] });
  });
});
