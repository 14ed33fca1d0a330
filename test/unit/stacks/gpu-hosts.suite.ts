import { beforeAll, describe, expect, test } from 'vitest';
import { type Resource, resourcesOf, synthesized } from './synthesized.ts';

const SYNTH_TIMEOUT_MS = 180_000;

describe('GPU hosts of prod', () => {
  let resources: Resource[] = [];
  const only = (type: string): Pick<Resource, 'properties' | 'dependsOn'> => {
    const found = resources.filter((resource) => resource.type === type && resource.stack === 'prod-runner');
    expect(found, type).toHaveLength(1);
    return found[0] ?? { properties: {}, dependsOn: [] };
  };
  const userData = () => JSON.stringify(only('AWS::EC2::LaunchTemplate').properties);

  beforeAll(() => {
    resources = resourcesOf(synthesized('prod').assembly);
  }, SYNTH_TIMEOUT_MS);

  test('are never taken away with a live stream on them, and let tasks end when they leave', () => {
    const { properties } = only('AWS::ECS::CapacityProvider');
    expect(properties['AutoScalingGroupProvider']).toMatchObject({
      ManagedTerminationProtection: 'ENABLED',
      ManagedDraining: 'ENABLED',
    });
    expect(only('AWS::AutoScaling::AutoScalingGroup').properties).toMatchObject({
      NewInstancesProtectedFromScaleIn: true,
      MaxSize: '6',
    });
  });

  test('keep room, so that a start does not wait for an instance', () => {
    const { properties } = only('AWS::ECS::CapacityProvider');
    expect(properties['AutoScalingGroupProvider']).toMatchObject({
      ManagedScaling: { Status: 'ENABLED', TargetCapacity: 80 },
    });
  });

  test('hold more tasks than they have interfaces: trunking is on before the first host is there', () => {
    const trunking = resources.find(({ id }) => id.startsWith('TrunkInterfaces') && !id.includes('Policy'));
    expect(JSON.stringify(trunking?.properties)).toContain('awsvpcTrunking');
    expect(only('AWS::AutoScaling::AutoScalingGroup').dependsOn).toContain(trunking?.id);
  });

  test('take 25 feeds of 50 Mbps into their sockets, and share their GPU between tasks', () => {
    expect(userData()).toContain('net.core.rmem_max=16777216');
    expect(userData()).toContain('nvidia-ctk runtime configure --runtime=docker --set-as-default');
    const task = JSON.stringify(only('AWS::ECS::TaskDefinition').properties);
    expect(task).toContain('"NVIDIA_VISIBLE_DEVICES","Value":"all"');
    expect(task).not.toContain('ResourceRequirements');
  });

  test('start from the image that AWS recommends now, by its parameter', () => {
    const { template } = synthesized('prod').assembly.stacks.find(({ stackName }) =>
      stackName.endsWith('-runner'),
    ) ?? { template: {} };
    const { Parameters } = template as { Parameters: Record<string, { Default?: unknown }> };
    const images = Object.values(Parameters).map(({ Default }) => Default);
    expect(images).toContain('/aws/service/ecs/optimized-ami/amazon-linux-2023/gpu/recommended/image_id');
  });
});
