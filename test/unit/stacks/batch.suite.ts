import { beforeAll, describe, expect, test } from 'vitest';
import { EXPORT_EXIT_CODE } from '../../../domain/export-exit-code.ts';
import { type Resource, resourcesOf, synthesized } from './synthesized.ts';

const SYNTH_TIMEOUT_MS = 120_000;

describe('exports of recordings', () => {
  let resources: Resource[] = [];
  const only = (type: string, stack = 'prod-batch') => {
    const found = resources.filter((resource) => resource.type === type && resource.stack === stack);
    expect(found, type).toHaveLength(1);
    return found[0]?.properties ?? {};
  };

  beforeAll(() => {
    resources = resourcesOf(synthesized('prod').assembly);
  }, SYNTH_TIMEOUT_MS);

  test('run on Spot instances that are there only while there is work', () => {
    expect(only('AWS::Batch::ComputeEnvironment')['ComputeResources']).toMatchObject({
      Type: 'SPOT',
      MinvCpus: 0,
      MaxvCpus: 32,
      AllocationStrategy: 'SPOT_PRICE_CAPACITY_OPTIMIZED',
      InstanceTypes: ['g5.xlarge', 'g6.xlarge', 'g4dn.xlarge'],
    });
  });

  test('run again after a reclaim and after a passing fault, and not after a fault that stays', () => {
    expect(only('AWS::Batch::JobDefinition')['RetryStrategy']).toEqual({
      Attempts: 5,
      EvaluateOnExit: [
        { Action: 'RETRY', OnStatusReason: 'Host EC2*' },
        { Action: 'RETRY', OnReason: 'CannotPullContainerError:*' },
        { Action: 'RETRY', OnExitCode: String(EXPORT_EXIT_CODE.tryAgain) },
        { Action: 'EXIT', OnReason: '*' },
      ],
    });
  });

  test('cannot write to their image, are not root, and have memory to write on', () => {
    expect(only('AWS::Batch::JobDefinition')['ContainerProperties']).toMatchObject({
      ReadonlyRootFilesystem: true,
      User: '1000',
      LinuxParameters: { Tmpfs: [{ ContainerPath: '/scratch', Size: 2_560 }] },
    });
  });

  test('begin when a recording ends: its last object is the event, and tells the job its key', () => {
    const rule = only('AWS::Events::Rule');
    expect(rule['EventPattern']).toMatchObject({
      source: ['aws.s3'],
      'detail-type': ['Object Created'],
      detail: { object: { key: [{ wildcard: 'recordings/*/finished.json' }] } },
    });
    const [target] = rule['Targets'] as { InputTransformer: { InputTemplate: string } }[];
    expect(target?.InputTransformer.InputTemplate).toBe(
      '{"ContainerOverrides":{"Environment":[{"Name":"MIRROR_FINISHED_KEY","Value":<detail-object-key>}]}}',
    );
    const bucket = resources.find(
      ({ id, type }) => type === 'AWS::S3::Bucket' && id.startsWith('Recordings'),
    );
    expect(bucket?.properties['NotificationConfiguration']).toEqual({
      EventBridgeConfiguration: { EventBridgeEnabled: true },
    });
  });

  test('in dev their hosts have public addresses and no open port', () => {
    const dev = resourcesOf(synthesized('dev').assembly).filter(({ stack }) => stack === 'dev-batch');
    const environment = dev.find(({ type }) => type === 'AWS::Batch::ComputeEnvironment');
    expect(environment?.properties['ComputeResources']).not.toHaveProperty('SecurityGroupIds');
    const template = dev.find(({ type }) => type === 'AWS::EC2::LaunchTemplate');
    expect(template?.properties['LaunchTemplateData']).toMatchObject({
      NetworkInterfaces: [{ AssociatePublicIpAddress: true }],
    });
  });
});
