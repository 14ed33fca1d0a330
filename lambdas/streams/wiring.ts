/** The streams' services over AWS, for the functions that start and stop: the API, ECS's events, the reconciler. */
import { ECSClient } from '@aws-sdk/client-ecs';
import { EcsLauncher } from '../../adapters/launcher-ecs.ts';
import { RedisLiveEdgeWriter } from '../../adapters/live-edge-redis-writer.ts';
import { CallAddressRules } from '../../domain/control/call-address.ts';
import { type Environment, slotsOf } from '../environment.ts';
import type { Observability } from '../observability.ts';
import { createSecrets, resolveHost, sleep, systemRandomness } from '../wiring.ts';
import { createRegistry, redisUrl } from '../wiring-redis.ts';
import { systemClock } from '../wiring-system.ts';
import { StreamLifecycle } from './lifecycle.ts';
import { StreamService } from './service.ts';

export async function wireStreams(environment: Environment<'reconciler'>, observability: Observability) {
  const secrets = createSecrets(observability, environment.MIRROR_SECRET_PREFIX);
  const url = await redisUrl(environment, secrets);
  const registry = createRegistry(url, observability);
  const launcher = new EcsLauncher({
    // Each start and stop is a handful of calls, well apart; retries with back-off ride out the rest.
    ecs: observability.tracer.captureAWSv3Client(new ECSClient({ maxAttempts: 6, retryMode: 'adaptive' })),
    config: {
      environmentName: environment.MIRROR_ENVIRONMENT,
      cluster: environment.MIRROR_CLUSTER,
      templateTaskDefinition: environment.MIRROR_RUNNER_TASK_DEFINITION,
      containerName: environment.MIRROR_RUNNER_CONTAINER,
      capacityProvider: environment.MIRROR_RUNNER_CAPACITY_PROVIDER,
      subnetIds: environment.MIRROR_RUNNER_SUBNETS,
      securityGroupIds: environment.MIRROR_RUNNER_SECURITY_GROUPS,
      assignPublicIp: environment.MIRROR_RUNNER_PUBLIC_IP === 'true',
    },
    sleep,
  });
  const slots = slotsOf(environment);
  const shared = {
    registry,
    launcher,
    secrets: secrets.store,
    liveEdge: new RedisLiveEdgeWriter({ url, log: observability.log }),
    slots,
    rules: new CallAddressRules({ allowedRanges: environment.MIRROR_ALLOWED_CALL_RANGES }),
    resolveHost,
    clock: systemClock,
    randomness: systemRandomness,
    sleep,
    log: observability.log,
  };
  return {
    registry,
    launcher,
    secrets: secrets.store,
    slots,
    streams: new StreamService(shared),
    lifecycle: new StreamLifecycle(shared),
  };
}
