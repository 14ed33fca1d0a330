/**
 * Runs each stream as an ECS service of its own: ECS restarts what crashes, and a deployment of the stacks
 * leaves running streams alone. Names are unique per start, because the name of a deleted service is unusable
 * while it drains. What the runner is told stands in a task definition made from the template, because a
 * service, unlike a single task, cannot override variables; the passphrase is there by reference only.
 */
import {
  CreateServiceCommand,
  type CreateServiceCommandInput,
  DeleteServiceCommand,
  DeregisterTaskDefinitionCommand,
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  type ECSClient,
  ECSServiceException,
  ListServicesCommand,
  RegisterTaskDefinitionCommand,
  type RegisterTaskDefinitionCommandInput,
  type Service,
  type TaskDefinition,
  UpdateServiceCommand,
} from '@aws-sdk/client-ecs';
import type { LaunchedRunner, Launcher, LaunchRequest } from '../domain/control/launcher.ts';
import { serviceNameOf, startOfServiceName } from '../domain/control/service-name.ts';
import { MirrorError, messageOf } from '../domain/errors.ts';
import { launcherErrors } from './errors.ts';
import { recordOfTags, type Tag, tagsOfRecord } from './record-tags.ts';

export interface EcsLauncherConfig {
  readonly environmentName: string;
  readonly cluster: string;
  /** Family or ARN of the task definition that CDK made. */
  readonly templateTaskDefinition: string;
  readonly containerName: string;
  readonly capacityProvider: string;
  readonly subnetIds: readonly string[];
  readonly securityGroupIds: readonly string[];
  /** True where tasks have no NAT and no endpoints, and reach AWS through a public address. */
  readonly assignPublicIp?: boolean;
}

export interface EcsLauncherDependencies {
  readonly ecs: Pick<ECSClient, 'send'>;
  readonly config: EcsLauncherConfig;
  readonly sleep: (ms: number) => Promise<void>;
}

/** A service may be unknown for a moment after it was made (ECS is eventually consistent). */
const UNKNOWN_RETRY_DELAYS_MS = [200, 800] as const;
/** The NLB's health check needs two good answers, 5 s apart, and the task must be up before. */
const HEALTH_GRACE_S = 120;
/** DescribeServices takes ten at a time. */
const DESCRIBE_COUNT_MAX = 10;
/** ListServices gives up to a hundred at a time; ten pages are more than any environment runs. */
const LIST_PAGE_SIZE = 100;
const LIST_PAGE_COUNT_MAX = 10;

export class EcsLauncher implements Launcher {
  readonly #ecs: Pick<ECSClient, 'send'>;
  readonly #config: EcsLauncherConfig;
  readonly #sleep: (ms: number) => Promise<void>;

  constructor({ ecs, config, sleep }: EcsLauncherDependencies) {
    this.#ecs = ecs;
    this.#config = config;
    this.#sleep = sleep;
  }

  async start(request: LaunchRequest): Promise<void> {
    const serviceName = serviceNameOf(this.#config.environmentName, {
      streamId: request.record.id,
      startId: request.startId,
    });
    await this.#translated(async () => {
      const existing = await this.#describe(serviceName);
      if (existing?.status === 'ACTIVE') return;
      const taskDefinition = await this.#registered(request);
      try {
        const { service } = await this.#ecs.send(
          new CreateServiceCommand(this.#service(request, serviceName, taskDefinition)),
        );
        // The same start, sent twice at once, made a definition each; ECS took the first one's.
        if (service?.taskDefinition !== undefined && service.taskDefinition !== taskDefinition)
          await this.#ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition }));
      } catch (error) {
        await this.#ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition }));
        throw error;
      }
    });
  }

  async stop(run: { readonly streamId: string; readonly startId: string }): Promise<'stopped' | 'draining'> {
    const { cluster, environmentName } = this.#config;
    const service = serviceNameOf(environmentName, run);
    return this.#translated(async () => {
      const found = await this.#describePatiently(service);
      if (!found || found.status === 'INACTIVE') return 'stopped';
      if (found.status === 'ACTIVE') {
        await this.#ecs.send(new UpdateServiceCommand({ cluster, service, desiredCount: 0 }));
        await this.#ecs.send(new DeleteServiceCommand({ cluster, service, force: true }));
        if (found.taskDefinition !== undefined)
          await this.#ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition: found.taskDefinition }));
      }
      return (found.runningCount ?? 0) + (found.pendingCount ?? 0) === 0 ? 'stopped' : 'draining';
    });
  }

  async list(): Promise<readonly LaunchedRunner[]> {
    return this.#translated(async () => {
      const runners: LaunchedRunner[] = [];
      const arns = await this.#serviceArns();
      for (let index = 0; index < arns.length; index += DESCRIBE_COUNT_MAX) {
        const { services = [] } = await this.#ecs.send(
          new DescribeServicesCommand({
            cluster: this.#config.cluster,
            services: arns.slice(index, index + DESCRIBE_COUNT_MAX),
            include: ['TAGS'],
          }),
        );
        for (const service of services) {
          const runner = this.#runnerOf(service);
          if (runner) runners.push(runner);
        }
      }
      return runners;
    });
  }

  async #serviceArns(): Promise<string[]> {
    const arns: string[] = [];
    let nextToken: string | undefined;
    for (let page = 0; page < LIST_PAGE_COUNT_MAX; page++) {
      const answer = await this.#ecs.send(
        new ListServicesCommand({ cluster: this.#config.cluster, maxResults: LIST_PAGE_SIZE, nextToken }),
      );
      for (const arn of answer.serviceArns ?? [])
        if (startOfServiceName(this.#config.environmentName, arn.split('/').at(-1) ?? '')) arns.push(arn);
      nextToken = answer.nextToken;
      if (nextToken === undefined) break;
    }
    return arns;
  }

  #runnerOf(service: Service): LaunchedRunner | undefined {
    const start = startOfServiceName(this.#config.environmentName, service.serviceName ?? '');
    if (!start || service.status === 'INACTIVE') return undefined;
    const tags = (service.tags ?? []).map(({ key = '', value = '' }): Tag => ({ key, value }));
    const tag = (name: string) => tags.find(({ key }) => key === name)?.value;
    if (tag('mirror:environment') !== this.#config.environmentName) return undefined;
    const slot = tag('mirror:slot');
    const record = recordOfTags(tags);
    return {
      ...start,
      state: service.status === 'ACTIVE' ? 'active' : 'draining',
      ...(slot === undefined ? {} : { slotIndex: Number(slot) }),
      ...(record ? { record } : {}),
    };
  }

  /** A task definition of this start: the template, the slot's ports, the spec, and where the passphrase is. */
  async #registered({ record, startId, slot, spec, secret }: LaunchRequest): Promise<string> {
    const { templateTaskDefinition, containerName, environmentName } = this.#config;
    const { taskDefinition: template } = await this.#ecs.send(
      new DescribeTaskDefinitionCommand({ taskDefinition: templateTaskDefinition }),
    );
    const containers = template?.containerDefinitions ?? [];
    if (!template || !containers.some(({ name }) => name === containerName))
      throw launcherErrors.create(
        'REFUSED',
        `${templateTaskDefinition} has no container "${containerName}".`,
      );
    const ports = ingestPorts(slot).map((containerPort) => ({ containerPort, protocol: 'udp' as const }));
    const input: RegisterTaskDefinitionCommandInput = {
      ...lastingPart(template),
      family: `mirror-${environmentName}-${record.id}`,
      containerDefinitions: containers.map((container) =>
        container.name === containerName
          ? {
              ...container,
              environment: [
                ...(container.environment ?? []),
                { name: 'MIRROR_RUNNER_SPEC', value: JSON.stringify(spec) },
              ],
              secrets: [
                ...(container.secrets ?? []),
                ...(secret ? [{ name: 'MIRROR_PASSPHRASE', valueFrom: secret.id }] : []),
              ],
              portMappings: [...(container.portMappings ?? []), ...ports],
            }
          : container,
      ),
      tags: this.#ownTags(record.id, startId),
    };
    const { taskDefinition } = await this.#ecs.send(new RegisterTaskDefinitionCommand(input));
    if (taskDefinition?.taskDefinitionArn === undefined)
      throw launcherErrors.create('REFUSED', 'ECS registered a task definition without an ARN.');
    return taskDefinition.taskDefinitionArn;
  }

  #service(
    { record, startId, slot, slotIndex }: LaunchRequest,
    serviceName: string,
    taskDefinition: string,
  ): CreateServiceCommandInput {
    const { cluster, capacityProvider, subnetIds, securityGroupIds, containerName, assignPublicIp } =
      this.#config;
    // A caller fetches its feed; nothing arrives at its slot.
    const behindBalancer = record.ingest.protocol !== 'srt-caller' && slot.targetGroupArn !== undefined;
    return {
      cluster,
      serviceName,
      taskDefinition,
      clientToken: startId,
      desiredCount: 1,
      capacityProviderStrategy: [{ capacityProvider, weight: 1 }],
      // One runner at a time: the old one ends before the new one begins, since both would write one stream.
      deploymentConfiguration: {
        minimumHealthyPercent: 0,
        maximumPercent: 100,
        deploymentCircuitBreaker: { enable: true, rollback: false },
      },
      // Moving a live feed to another zone for balance would interrupt it for nothing.
      availabilityZoneRebalancing: 'DISABLED',
      networkConfiguration: {
        awsvpcConfiguration: {
          subnets: [...subnetIds],
          securityGroups: [...securityGroupIds],
          assignPublicIp: assignPublicIp ? 'ENABLED' : 'DISABLED',
        },
      },
      placementStrategy: [{ type: 'binpack', field: 'memory' }],
      ...(behindBalancer
        ? {
            loadBalancers: [
              { targetGroupArn: slot.targetGroupArn, containerName, containerPort: slot.port },
              ...(slot.secondTargetGroupArn === undefined || slot.secondPort === undefined
                ? []
                : [
                    {
                      targetGroupArn: slot.secondTargetGroupArn,
                      containerName,
                      containerPort: slot.secondPort,
                    },
                  ]),
            ],
            healthCheckGracePeriodSeconds: HEALTH_GRACE_S,
          }
        : {}),
      propagateTags: 'SERVICE',
      enableECSManagedTags: true,
      tags: [
        ...this.#ownTags(record.id, startId),
        { key: 'mirror:slot', value: String(slotIndex) },
        ...tagsOfRecord(record),
      ],
    };
  }

  #ownTags(streamId: string, startId: string): Tag[] {
    return [
      { key: 'mirror:environment', value: this.#config.environmentName },
      { key: 'mirror:stream', value: streamId },
      { key: 'mirror:start', value: startId },
    ];
  }

  async #describe(serviceName: string): Promise<Service | undefined> {
    const { services } = await this.#ecs.send(
      new DescribeServicesCommand({ cluster: this.#config.cluster, services: [serviceName] }),
    );
    return services?.[0];
  }

  async #describePatiently(serviceName: string): Promise<Service | undefined> {
    for (const delayMs of UNKNOWN_RETRY_DELAYS_MS) {
      const found = await this.#describe(serviceName);
      if (found) return found;
      await this.#sleep(delayMs);
    }
    return this.#describe(serviceName);
  }

  async #translated<Value>(work: () => Promise<Value>): Promise<Value> {
    try {
      return await work();
    } catch (error) {
      throw error instanceof MirrorError ? error : launcherError(error);
    }
  }
}

function ingestPorts({ port, secondPort }: LaunchRequest['slot']): number[] {
  return secondPort === undefined ? [port] : [port, secondPort];
}

/** What a description may give back to a registration: not its status, revision and the like. */
function lastingPart(
  template: TaskDefinition,
): Omit<RegisterTaskDefinitionCommandInput, 'family' | 'containerDefinitions'> {
  const { taskRoleArn, executionRoleArn, networkMode, volumes, placementConstraints } = template;
  const { requiresCompatibilities, cpu, memory, runtimePlatform, pidMode, ipcMode } = template;
  return {
    taskRoleArn,
    executionRoleArn,
    networkMode,
    volumes,
    placementConstraints,
    requiresCompatibilities,
    cpu,
    memory,
    runtimePlatform,
    pidMode,
    ipcMode,
  };
}

function launcherError(error: unknown): MirrorError {
  const detail = `${messageOf(error)}.`;
  if (!(error instanceof ECSServiceException))
    return launcherErrors.create('UNREACHABLE', detail, { cause: error });
  if (error.name === 'ThrottlingException' || error.$retryable?.throttling)
    return launcherErrors.create('THROTTLED', detail, { cause: error });
  if (/still Draining/i.test(error.message))
    return launcherErrors.create('DRAINING', detail, { cause: error });
  if (error.$fault === 'server') return launcherErrors.create('UNREACHABLE', detail, { cause: error });
  return launcherErrors.create('REFUSED', detail, { cause: error });
}
