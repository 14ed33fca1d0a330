/* oxlint-disable typescript/no-unsafe-type-assertion -- requests are checked against the model before they are read */
/**
 * ECS as far as the launcher meets it, behind the SDK's own client: requests come as they would go over the
 * wire, are checked against the SDK's model, and are answered as ECS answers where that matters: names in use
 * while draining, throttling, services that are unknown for a moment, tasks that never start.
 * Sources: Amazon ECS API Reference (CreateService, DeleteService, ListServices, DescribeServices, Tag).
 */
import { ECSClient } from '@aws-sdk/client-ecs';
import { modelProblems } from './ecs-model.ts';

type Json = Record<string, unknown>;

interface StandInService {
  readonly input: Json;
  readonly name: string;
  status: 'ACTIVE' | 'DRAINING' | 'INACTIVE';
  desiredCount: number;
  runningCount: number;
  pendingCount: number;
  /** How many reads do not see it yet. */
  unseenCount: number;
}

const ARN = 'arn:aws:ecs:eu-west-1:123456789012';
const TAG_TEXT = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

class EcsError extends Error {
  readonly type: string;
  readonly status: number;

  constructor(type: string, message: string, status = 400) {
    super(message);
    this.type = type;
    this.status = status;
  }
}

export class EcsStandIn {
  readonly client: ECSClient;
  readonly services: StandInService[] = [];
  /** By ARN; deregistered ones stay, with their status. */
  readonly taskDefinitions = new Map<string, Json>();
  /** Every request, as text: what anybody with read access to the account can see. */
  readonly requests: { readonly operation: string; readonly input: Json }[] = [];
  /** The next requests that are answered with ThrottlingException. */
  throttleCount = 0;
  /** How many reads do not see a service that was just made. */
  consistencyDelayReads = 0;
  /** Tasks neither start nor fail: no capacity. */
  tasksStart = true;
  /** Answers the next operations of this name with this error. */
  failures = new Map<string, { type: string; message: string; status?: number }>();

  constructor() {
    this.client = new ECSClient({
      region: 'eu-west-1',
      credentials: { accessKeyId: 'stand-in', secretAccessKey: 'stand-in' },
      maxAttempts: 4,
      // Retries of the SDK wait for real; these do not have to.
      retryStrategy: instantRetries(4),
      requestHandler: { handle: (request: unknown) => this.#handle(request) },
    });
    this.taskDefinitions.set(`${ARN}:task-definition/mirror-test-runner:1`, {
      taskDefinitionArn: `${ARN}:task-definition/mirror-test-runner:1`,
      family: 'mirror-test-runner',
      revision: 1,
      status: 'ACTIVE',
      networkMode: 'awsvpc',
      taskRoleArn: 'arn:aws:iam::123456789012:role/task',
      executionRoleArn: 'arn:aws:iam::123456789012:role/execution',
      requiresAttributes: [{ name: 'com.amazonaws.ecs.capability.docker-remote-api.1.18' }],
      compatibilities: ['EC2'],
      registeredAt: 1_780_000_000,
      containerDefinitions: [
        {
          name: 'runner',
          image: 'mirror:1',
          cpu: 1024,
          memory: 4096,
          essential: true,
          environment: [{ name: 'MIRROR_MEDIA_BUCKET', value: 'media' }],
          secrets: [{ name: 'MIRROR_REDIS_TOKEN', valueFrom: 'arn:aws:secretsmanager:x:y:secret:redis' }],
          portMappings: [{ containerPort: 8081, hostPort: 8081, protocol: 'tcp' }],
        },
      ],
    });
  }

  /** Time passes: pending tasks run, draining services are gone. */
  settle(): void {
    for (const service of this.services) {
      service.unseenCount = 0;
      if (service.status === 'ACTIVE' && this.tasksStart) {
        service.runningCount = service.desiredCount;
        service.pendingCount = 0;
      }
      if (service.status === 'DRAINING') {
        service.runningCount = 0;
        service.pendingCount = 0;
        service.status = 'INACTIVE';
      }
    }
  }

  async #handle(request: unknown): Promise<{ response: unknown }> {
    const { headers, body } = httpRequest(request);
    const operation = (headers['x-amz-target'] ?? '').split('.').at(-1) ?? '';
    try {
      const input = JSON.parse(body) as Json;
      this.requests.push({ operation, input });
      return httpResponse(200, this.#answer(operation, input));
    } catch (error) {
      if (!(error instanceof EcsError)) throw error;
      return httpResponse(error.status, { __type: error.type, message: error.message });
    }
  }

  #answer(operation: string, input: Json): Json {
    if (this.throttleCount > 0) {
      this.throttleCount -= 1;
      throw new EcsError('ThrottlingException', 'Rate exceeded');
    }
    const failure = this.failures.get(operation);
    if (failure) throw new EcsError(failure.type, failure.message, failure.status);
    const problems = modelProblems(operation, input);
    if (problems.length > 0) throw new EcsError('ClientException', problems.join('; '));
    const tags = (input['tags'] ?? []) as { key?: string; value?: string }[];
    checkTags(tags);
    switch (operation) {
      case 'CreateService':
        return this.#createService(input);
      case 'UpdateService':
        return this.#updateService(input);
      case 'DeleteService':
        return this.#deleteService(input);
      case 'DescribeServices':
        return this.#describeServices(input);
      case 'ListServices':
        return this.#listServices(input);
      case 'DescribeTaskDefinition':
        return { taskDefinition: this.#taskDefinition(String(input['taskDefinition'])) };
      case 'RegisterTaskDefinition':
        return this.#registerTaskDefinition(input);
      case 'DeregisterTaskDefinition': {
        const found = this.#taskDefinition(String(input['taskDefinition']));
        found['status'] = 'INACTIVE';
        return { taskDefinition: found };
      }
      default:
        throw new EcsError('ClientException', `the stand-in does not know ${operation}`);
    }
  }

  #createService(input: Json): Json {
    const name = String(input['serviceName']);
    if (!/^[A-Za-z0-9_-]{1,255}$/.test(name)) throw invalid('Invalid service name.');
    if (this.#taskDefinition(String(input['taskDefinition']))['status'] !== 'ACTIVE')
      throw new EcsError('ClientException', 'TaskDefinition is inactive');
    const containers = this.#taskDefinition(String(input['taskDefinition']))['containerDefinitions'] as {
      name: string;
      portMappings?: { containerPort: number }[];
    }[];
    for (const balancer of (input['loadBalancers'] ?? []) as Json[]) {
      const container = containers.find((one) => one.name === balancer['containerName']);
      if (!container?.portMappings?.some((mapping) => mapping.containerPort === balancer['containerPort']))
        throw invalid(
          `The container ${String(balancer['containerName'])} did not have a container port ${String(balancer['containerPort'])} defined.`,
        );
    }
    const earlier = this.services.findLast(
      (service) => service.name === name && service.status !== 'INACTIVE',
    );
    if (earlier?.status === 'DRAINING') throw invalid('Unable to Start a service that is still Draining.');
    if (earlier) {
      if (earlier.input['clientToken'] === input['clientToken'])
        return { service: this.#view(earlier, false) };
      throw invalid('Creation of service was not idempotent.');
    }
    const desiredCount = Number(input['desiredCount'] ?? 0);
    const service: StandInService = {
      input,
      name,
      status: 'ACTIVE',
      desiredCount,
      runningCount: 0,
      pendingCount: desiredCount,
      unseenCount: this.consistencyDelayReads,
    };
    this.services.push(service);
    return { service: this.#view(service, true) };
  }

  #updateService(input: Json): Json {
    const service = this.#service(input['service']);
    if (service.status !== 'ACTIVE')
      throw new EcsError('ServiceNotActiveException', 'Service was not ACTIVE.');
    if (input['desiredCount'] !== undefined) service.desiredCount = Number(input['desiredCount']);
    return { service: this.#view(service, false) };
  }

  #deleteService(input: Json): Json {
    const service = this.#service(input['service']);
    if (service.status !== 'ACTIVE')
      throw new EcsError('ServiceNotActiveException', 'Service was not ACTIVE.');
    if (service.desiredCount > 0 && input['force'] !== true)
      throw invalid('The service cannot be stopped while it is scaled above 0.');
    service.status = service.runningCount > 0 ? 'DRAINING' : 'INACTIVE';
    service.pendingCount = 0;
    return { service: this.#view(service, false) };
  }

  #describeServices(input: Json): Json {
    const names = (input['services'] ?? []) as string[];
    if (names.length > 10) throw invalid('Describe services: at most 10 services.');
    const services: Json[] = [];
    const failures: Json[] = [];
    const include = (input['include'] ?? []) as string[];
    for (const name of names) {
      const found = this.services.findLast((service) => service.name === name.split('/').at(-1));
      if (found && found.unseenCount > 0) found.unseenCount -= 1;
      else if (found) {
        services.push(this.#view(found, include.includes('TAGS')));
        continue;
      }
      failures.push({ arn: `${ARN}:service/test/${name}`, reason: 'MISSING' });
    }
    return { services, failures };
  }

  #listServices(input: Json): Json {
    const size = Number(input['maxResults'] ?? 10);
    if (size < 1 || size > 100) throw invalid('maxResults must be between 1 and 100.');
    // A deleted service is no longer listed, although it still drains.
    const visible = this.services.filter(
      (service) => service.status === 'ACTIVE' && service.unseenCount === 0,
    );
    const offset = Number(input['nextToken'] ?? 0);
    const next = offset + size;
    return {
      serviceArns: visible.slice(offset, next).map(({ name }) => `${ARN}:service/test/${name}`),
      ...(next < visible.length ? { nextToken: String(next) } : {}),
    };
  }

  #registerTaskDefinition(input: Json): Json {
    const family = String(input['family']);
    if (!/^[A-Za-z0-9_-]{1,255}$/.test(family)) throw new EcsError('ClientException', 'Invalid family.');
    const revision =
      [...this.taskDefinitions.values()].filter((definition) => definition['family'] === family).length + 1;
    const taskDefinitionArn = `${ARN}:task-definition/${family}:${revision}`;
    const { tags: _tags, ...lasting } = input;
    const taskDefinition: Json = { ...lasting, taskDefinitionArn, revision, status: 'ACTIVE' };
    this.taskDefinitions.set(taskDefinitionArn, taskDefinition);
    return { taskDefinition };
  }

  #taskDefinition(nameOrArn: string): Json {
    const found = [...this.taskDefinitions.values()].findLast(
      ({ taskDefinitionArn, family }) => taskDefinitionArn === nameOrArn || family === nameOrArn,
    );
    if (!found) throw new EcsError('ClientException', 'Unable to describe task definition.');
    return found;
  }

  #service(name: unknown): StandInService {
    const found = this.services.findLast((service) => service.name === name && service.unseenCount === 0);
    if (!found) throw new EcsError('ServiceNotFoundException', 'Service not found.');
    return found;
  }

  #view(service: StandInService, withTags: boolean): Json {
    const { name, status, desiredCount, runningCount, pendingCount, input } = service;
    return {
      serviceArn: `${ARN}:service/test/${name}`,
      serviceName: name,
      taskDefinition: input['taskDefinition'],
      status,
      desiredCount,
      runningCount,
      pendingCount,
      ...(withTags ? { tags: input['tags'] } : {}),
    };
  }
}

function checkTags(tags: readonly { key?: string; value?: string }[]): void {
  if (tags.length > 50) throw invalid('Tags: at most 50.');
  for (const { key = '', value = '' } of tags) {
    if (key.length < 1 || key.length > 128 || !TAG_TEXT.test(key) || /^aws:/i.test(key))
      throw invalid(`Tag key "${key}" is not valid.`);
    if (value.length > 256 || !TAG_TEXT.test(value)) throw invalid(`Value of tag "${key}" is not valid.`);
  }
}

function invalid(message: string): EcsError {
  return new EcsError('InvalidParameterException', message);
}

function httpRequest(request: unknown): { headers: Record<string, string>; body: string } {
  const { headers, body } = request as { headers: Record<string, string>; body: unknown };
  return { headers, body: typeof body === 'string' ? body : new TextDecoder().decode(body as Uint8Array) };
}

function httpResponse(statusCode: number, body: Json): { response: unknown } {
  return {
    response: {
      statusCode,
      headers: { 'content-type': 'application/x-amz-json-1.1' },
      body: new TextEncoder().encode(JSON.stringify(body)),
    },
  };
}

function instantRetries(attemptCountMax: number) {
  const token = (count: number) => ({
    getRetryCount: () => count,
    getRetryCost: () => 0,
    getRetryDelay: () => 0,
  });
  return {
    acquireInitialRetryToken: async () => token(0),
    refreshRetryTokenForRetry: async (last: { getRetryCount(): number }) => {
      if (last.getRetryCount() + 1 >= attemptCountMax) throw new Error('no attempts left');
      return token(last.getRetryCount() + 1);
    },
    recordSuccess: () => {},
  };
}
