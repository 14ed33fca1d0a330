/** The ECS launcher over a stand-in for ECS, configured as an environment named `test`. */
import { EcsLauncher } from '../../adapters/launcher-ecs.ts';
import type { EcsStandIn } from './ecs-stand-in.ts';

export function ecsLauncherOver(ecs: EcsStandIn): EcsLauncher {
  return new EcsLauncher({
    ecs: ecs.client,
    config: {
      environmentName: 'test',
      cluster: 'test',
      templateTaskDefinition: 'mirror-test-runner',
      containerName: 'runner',
      capacityProvider: 'gpu',
      subnetIds: ['subnet-1'],
      securityGroupIds: ['sg-1'],
    },
    sleep: async () => {},
  });
}
