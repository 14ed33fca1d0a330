/** EventBridge (ECS task state changes, service actions, deployments) -> states of streams. */
import type { Context } from 'aws-lambda';
import { readEnvironment } from '../environment.ts';
import { createObservability } from '../observability.ts';
import { wireStreams } from '../streams/wiring.ts';
import { wiredOnce } from '../wiring.ts';
import { ecsEventSchema } from './event.ts';
import { EcsEventService } from './service.ts';

const observability = createObservability();

const wired = wiredOnce(async () => {
  const environment = readEnvironment('streams', process.env);
  const { registry, lifecycle } = await wireStreams(environment, observability);
  return new EcsEventService({
    registry,
    lifecycle,
    environmentName: environment.MIRROR_ENVIRONMENT,
    log: observability.log,
  });
});

/** Throws when the registry is out of reach: EventBridge then sends the event again. */
export const handler = (event: unknown, context: Context) =>
  observability.invocation(context, async () => {
    const parsed = ecsEventSchema.safeParse(event);
    if (!parsed.success) {
      observability.log.warn('ecs-event-not-understood', {
        fields: parsed.error.issues.map(({ path }) => path.join('.')),
      });
      return;
    }
    const outcome = await (await wired()).handle(parsed.data);
    observability.count(`EcsEvent_${outcome}`);
  });
