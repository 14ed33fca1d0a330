import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recordOfTags, tagsOfRecord } from '../../../adapters/record-tags.ts';
import { serviceNameOf, startOfServiceName } from '../../../domain/control/service-name.ts';
import { ecsLauncherOver } from '../../contract/ecs-launcher.ts';
import { modelProblems } from '../../contract/ecs-model.ts';
import { EcsStandIn } from '../../contract/ecs-stand-in.ts';
import { launcherContract, launchRequest } from '../../contract/launcher.ts';
import { streamRecord } from '../../contract/registry.ts';

const slot = (slotIndex: number) => ({
  publicHost: 'ingest.example.com',
  port: 9001 + slotIndex,
  targetGroupArn: `arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/slot-${slotIndex}/abc`,
});

describe('EcsLauncher', () => {
  launcherContract(async () => {
    const ecs = new EcsStandIn();
    return {
      launcher: ecsLauncherOver(ecs),
      slot,
      settle: async () => ecs.settle(),
      visibleText: () => JSON.stringify(ecs.requests),
      close: async () => {},
    };
  });

  it('makes a service of one task behind its slot, and tells its runner everything but the passphrase', async () => {
    const ecs = new EcsStandIn();
    const request = launchRequest('goal', slot(2), { slotIndex: 2 });
    await ecsLauncherOver(ecs).start(request);
    const created = ecs.requests.find(({ operation }) => operation === 'CreateService')?.input;
    expect(created).toMatchObject({
      serviceName: `mirror-test-goal-${request.startId}`,
      desiredCount: 1,
      deploymentConfiguration: {
        minimumHealthyPercent: 0,
        maximumPercent: 100,
        deploymentCircuitBreaker: { enable: true },
      },
      availabilityZoneRebalancing: 'DISABLED',
      loadBalancers: [
        { targetGroupArn: slot(2).targetGroupArn, containerName: 'runner', containerPort: 9003 },
      ],
      propagateTags: 'SERVICE',
    });
    const registered = ecs.requests.find(({ operation }) => operation === 'RegisterTaskDefinition')?.input;
    expect(registered).toMatchObject({
      family: 'mirror-test-goal',
      containerDefinitions: [
        {
          environment: [
            { name: 'MIRROR_MEDIA_BUCKET', value: 'media' },
            { name: 'MIRROR_RUNNER_SPEC', value: JSON.stringify(request.spec) },
          ],
          secrets: [
            { name: 'MIRROR_REDIS_TOKEN' },
            { name: 'MIRROR_PASSPHRASE', valueFrom: request.secret?.id },
          ],
          portMappings: [{ containerPort: 8081 }, { containerPort: 9003, protocol: 'udp' }],
        },
      ],
    });
    expect(registered).not.toHaveProperty('status');
  });

  it('rides out throttling, and says so when it lasts', async () => {
    const ecs = new EcsStandIn();
    const launcher = ecsLauncherOver(ecs);
    ecs.throttleCount = 2;
    const request = launchRequest('goal', slot(0));
    await launcher.start(request);
    expect(ecs.services).toHaveLength(1);
    ecs.throttleCount = 100;
    await expect(launcher.start(launchRequest('other', slot(1)))).rejects.toMatchObject({
      code: 'LAUNCHER_THROTTLED',
      retryable: true,
    });
  });

  it('a start that ECS refuses leaves no service and no task definition in use', async () => {
    const ecs = new EcsStandIn();
    ecs.failures.set('CreateService', { type: 'InvalidParameterException', message: 'target group is gone' });
    await expect(ecsLauncherOver(ecs).start(launchRequest('goal', slot(0)))).rejects.toMatchObject({
      code: 'LAUNCHER_REFUSED',
      message: expect.stringContaining('target group is gone'),
    });
    expect(ecs.services).toEqual([]);
    const ours = [...ecs.taskDefinitions.values()].filter(({ family }) => family === 'mirror-test-goal');
    expect(ours.map(({ status }) => status)).toEqual(['INACTIVE']);
  });

  it('the same start again while its service drains is told so, as retryable', async () => {
    const ecs = new EcsStandIn();
    const launcher = ecsLauncherOver(ecs);
    const request = launchRequest('goal', slot(0));
    await launcher.start(request);
    ecs.settle();
    expect(await launcher.stop({ streamId: 'goal', startId: request.startId })).toBe('draining');
    await expect(launcher.start(request)).rejects.toMatchObject({
      code: 'LAUNCHER_DRAINING',
      retryable: true,
    });
  });

  it('a service that ECS does not show yet is stopped all the same', async () => {
    const ecs = new EcsStandIn();
    ecs.consistencyDelayReads = 2;
    const launcher = ecsLauncherOver(ecs);
    const request = launchRequest('goal', slot(0));
    await launcher.start(request);
    await launcher.stop({ streamId: 'goal', startId: request.startId });
    expect(ecs.services.map(({ status }) => status)).toEqual(['INACTIVE']);
  });

  it('a service whose task never starts is stopped as soon as asked', async () => {
    const ecs = new EcsStandIn();
    ecs.tasksStart = false;
    const launcher = ecsLauncherOver(ecs);
    const request = launchRequest('goal', slot(0));
    await launcher.start(request);
    ecs.settle();
    expect(await launcher.stop({ streamId: 'goal', startId: request.startId })).toBe('draining');
    ecs.settle();
    expect(await launcher.stop({ streamId: 'goal', startId: request.startId })).toBe('stopped');
  });

  it('lists all of its services over many pages, and nobody else’s', async () => {
    const ecs = new EcsStandIn();
    const launcher = ecsLauncherOver(ecs);
    for (let index = 0; index < 25; index++)
      await launcher.start(launchRequest(`s${index}`, slot(index), { slotIndex: index }));
    ecs.services.push(
      ...Array.from({ length: 120 }, (_, index) => ({
        input: {},
        name: `mirror-other-s${index}-start0000001`,
        status: 'ACTIVE' as const,
        desiredCount: 1,
        runningCount: 1,
        pendingCount: 0,
        unseenCount: 0,
      })),
    );
    ecs.settle();
    const listed = await launcher.list();
    expect(listed).toHaveLength(25);
    expect(listed.every(({ record }) => record !== undefined)).toBe(true);
  });
});

describe('the record in tags', () => {
  const text = (maxLength: number) => fc.string({ minLength: 1, maxLength });
  const source = fc.oneof(fc.ipV4(), fc.ipV6());

  it('any record within its limits comes back whole, within the limits of ECS', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z0-9]{1,40}$/),
        fc.stringMatching(/^[ -~äöü😀]{1,48}$/u),
        fc.oneof(
          fc.record({
            protocol: fc.constant('rtp-sdp' as const),
            sdp: fc.string({
              minLength: 4_000,
              maxLength: 4_096,
              unit: fc.constantFrom('"', '\\', 'a', '7', ' ', '\n', '=', 'Z'),
            }),
            allowedSources: fc.array(source, { minLength: 32, maxLength: 32 }),
          }),
          fc.record({
            protocol: fc.constant('srt-listener' as const),
            latencyMs: fc.integer({ min: 20, max: 8_000 }),
            streamId: fc.stringMatching(/^[ -~]{1,512}$/),
          }),
        ),
        (id, name, ingest) => {
          const record = streamRecord(id, { name, ingest });
          const tags = tagsOfRecord(record);
          expect(tags.length).toBeLessThanOrEqual(36);
          for (const { key, value } of tags) {
            expect(key).toMatch(/^[\w:]{1,128}$/);
            expect(value).toMatch(/^[\w-]{1,256}$/);
          }
          expect(recordOfTags([...tags].reverse())).toEqual(record);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('tags that were edited or lost give no record and no error', () => {
    const tags = tagsOfRecord(streamRecord('goal'));
    expect(recordOfTags([])).toBeUndefined();
    fc.assert(
      fc.property(text(256), (value) => {
        expect(recordOfTags([{ key: 'mirror:record:00', value }])).toBeUndefined();
      }),
    );
    expect(recordOfTags(tags.map(({ key, value }) => ({ key, value: value.slice(2) })))).toBeUndefined();
  });
});

describe('names of services', () => {
  it('tell stream and start apart, whatever hyphens the stream has', () => {
    const ids = { streamId: 'cam-1-north', startId: 'abc123def456' };
    expect(startOfServiceName('prod', serviceNameOf('prod', ids))).toEqual(ids);
    expect(startOfServiceName('test', serviceNameOf('prod', ids))).toBeUndefined();
    expect(startOfServiceName('prod', 'mirror-prod-origin')).toBeUndefined();
  });
});

describe('the model of ECS', () => {
  it('names what a request has too much, too little and of the wrong type', () => {
    expect(
      modelProblems('CreateService', {
        desiredCount: '1',
        nonsense: true,
        loadBalancers: [{ containerPort: 'x' }],
        networkConfiguration: { awsvpcConfiguration: { subnets: 'subnet-1' } },
      }),
    ).toEqual(
      expect.arrayContaining([
        'CreateService.nonsense is not in the model',
        'CreateService.serviceName is missing',
        'CreateService.desiredCount must be a number',
        'CreateService.loadBalancers[0].containerPort must be a number',
        'CreateService.networkConfiguration.awsvpcConfiguration.subnets must be a list',
      ]),
    );
  });
});
