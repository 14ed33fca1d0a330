import { Aws, CfnOutput, Duration, Fn, SecretValue, Stack, type StackProps } from 'aws-cdk-lib';
import * as apigateway from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaAuthorizer, HttpLambdaResponseType } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { ROUTES, type RouteContract } from '../../domain/control/api.ts';
import { costEnvironmentSchema } from '../../domain/cost/environment.ts';
import type { Environment } from '../config.ts';
import { acknowledge, acknowledgeWildcards } from '../constructs/acknowledge.ts';
import { dataRemovalPolicy } from '../constructs/environment-policy.ts';
import { MirrorFunction } from '../constructs/mirror-function.ts';
import { type NetworkStack, REDIS_PORT } from './network-stack.ts';
import { clusterName, type RunnerStack, streamSecretPrefix } from './runner-stack.ts';
import type { SigningKeyStack } from './signing-key-stack.ts';
import type { StateStack } from './state-stack.ts';

export interface ControlStackProps extends StackProps {
  readonly environment: Environment;
  readonly network: NetworkStack;
  readonly state: StateStack;
  readonly runner: RunnerStack;
  readonly signingKey: SigningKeyStack;
  /** Host of the media distribution. */
  readonly mediaHost: string;
}

/** Requests per second and burst of one route, over all callers; a route that is not named has the default. */
const THROTTLE = {
  default: { rateLimit: 50, burstLimit: 100 },
  /** Viewers arrive together when something begins: 5,000 within a minute, and renew every 30 s. */
  openSession: { rateLimit: 500, burstLimit: 1_000 },
  renewSession: { rateLimit: 500, burstLimit: 1_000 },
  swapStreams: { rateLimit: 200, burstLimit: 400 },
  closeSession: { rateLimit: 500, burstLimit: 1_000 },
  issueTicket: { rateLimit: 500, burstLimit: 1_000 },
} as const;

/** The control API, what listens to ECS, and what heals the registry. */
export class ControlStack extends Stack {
  readonly api: apigateway.HttpApi;
  readonly functions: Readonly<
    Record<'streams' | 'viewers' | 'document' | 'authorizer' | 'ecsEvents' | 'reconciler', MirrorFunction>
  >;
  readonly eventDeadLetters: sqs.Queue;

  constructor(scope: Construct, id: string, props: ControlStackProps) {
    super(scope, id, props);
    const secretPrefix = `mirror/${props.environment.name}/`;
    const tokens = this.#tokens(props.environment, secretPrefix);
    this.functions = this.#functions(props, secretPrefix);
    const { streams, viewers, authorizer, ecsEvents, reconciler } = this.functions;

    tokens.grantRead(authorizer.role);
    props.signingKey.ticketKeysSecret.grantRead(viewers.role);
    props.signingKey.privateKeySecret.grantRead(viewers.role);
    for (const redisUser of [streams, viewers, ecsEvents, reconciler])
      props.state.authSecret.grantRead(redisUser.role);
    for (const launcher of [streams, ecsEvents, reconciler]) this.#allowLaunching(launcher, props);

    this.api = this.#httpApi(props.environment);
    this.eventDeadLetters = new sqs.Queue(this, 'EventDeadLetters', {
      enforceSSL: true,
      encryption: sqs.QueueEncryption.SQS_MANAGED,
      retentionPeriod: Duration.days(14),
    });
    acknowledge(this.eventDeadLetters, 'AwsSolutions-SQS3', 'It is the dead-letter queue.');
    this.#listenToEcs(props.environment, props.runner, ecsEvents);
    new events.Rule(this, 'ReconcileEveryMinute', {
      description: 'Compares the registry with what ECS runs',
      schedule: events.Schedule.rate(Duration.minutes(1)),
      targets: [new targets.LambdaFunction(reconciler.function, { retryAttempts: 0 })],
    });
    new CfnOutput(this, 'ApiUrl', { value: this.api.apiEndpoint });
    new CfnOutput(this, 'TokensSecretName', { value: tokens.secretName });
  }

  #tokens(environment: Environment, secretPrefix: string): secretsmanager.Secret {
    const removalPolicy = dataRemovalPolicy(environment);
    const tokens = new secretsmanager.Secret(this, 'Tokens', {
      secretName: `${secretPrefix}control/tokens`,
      description: 'SHA-256 of the bearer tokens of the control API, with their scopes',
      // No secret: nobody may call before the first token is put here (README, "Deploy").
      secretStringValue: SecretValue.unsafePlainText('{"tokens":[]}'),
      removalPolicy,
    });
    acknowledge(
      tokens,
      'AwsSolutions-SMG4',
      'Tokens belong to the callers: rotated by adding a second one (lambdas/README.md).',
    );
    return tokens;
  }

  #functions(props: ControlStackProps, secretPrefix: string): ControlStack['functions'] {
    const { environment, network, state, runner, signingKey, mediaHost } = props;
    const common = { MIRROR_ENVIRONMENT: environment.name, MIRROR_SECRET_PREFIX: secretPrefix };
    const redis = {
      MIRROR_REDIS_HOST: state.host,
      MIRROR_REDIS_PORT: String(REDIS_PORT),
      MIRROR_REDIS_TOKEN_SECRET: state.authSecret.secretArn,
    };
    const launching = {
      ...common,
      ...redis,
      MIRROR_INGEST_HOST: runner.ingestAddress,
      MIRROR_INGEST_FIRST_PORT: String(environment.ingest.firstPort),
      MIRROR_INGEST_SLOT_COUNT: String(environment.ingest.slotCount),
      MIRROR_TARGET_GROUP_ARN_PREFIX: `arn:${Aws.PARTITION}:elasticloadbalancing:${Aws.REGION}:${Aws.ACCOUNT_ID}:`,
      MIRROR_TARGET_GROUPS: Fn.join(
        ',',
        runner.targetGroups.map((group) => group.targetGroupFullName),
      ),
      MIRROR_CLUSTER: clusterName(environment),
      MIRROR_RUNNER_TASK_DEFINITION: runner.taskDefinition.taskDefinitionArn,
      MIRROR_RUNNER_CAPACITY_PROVIDER: runner.capacityProvider.capacityProviderName,
      MIRROR_RUNNER_SUBNETS: network.runnerSubnet.subnetId,
      MIRROR_RUNNER_SECURITY_GROUPS: network.runnerGroup.securityGroupId,
    };
    const inVpc = {
      network: { vpc: network.vpc, subnets: network.computeSubnets, securityGroup: network.functionGroup },
    };
    return {
      streams: new MirrorFunction(this, 'Streams', {
        environment,
        folder: 'streams',
        description: 'Control API: create, start, stop, list, delete streams',
        variables: { ...launching, MIRROR_COST_ENVIRONMENT: costEnvironment(environment) },
        timeout: Duration.seconds(29),
        memoryMiB: 1_024,
        ...inVpc,
      }),
      viewers: new MirrorFunction(this, 'Viewers', {
        environment,
        folder: 'viewers',
        description: 'Control API: tickets, sessions, counts of viewers',
        variables: {
          ...common,
          ...redis,
          MIRROR_PLAYBACK_BASE_URL: `https://${mediaHost}`,
          MIRROR_KEY_PAIR_ID: signingKey.keyPairId,
          MIRROR_SIGNING_KEY_SECRET: signingKey.privateKeySecret.secretArn,
        },
        memoryMiB: 1_024,
        ...inVpc,
      }),
      document: new MirrorFunction(this, 'Document', {
        environment,
        folder: 'document',
        description: 'Control API: its OpenAPI document',
      }),
      authorizer: new MirrorFunction(this, 'Authorizer', {
        environment,
        folder: 'authorizer',
        description: 'Control API: who calls, and what they may do',
        variables: common,
      }),
      ecsEvents: new MirrorFunction(this, 'EcsEvents', {
        environment,
        folder: 'ecs-events',
        description: 'What ECS says of tasks becomes the state of their stream',
        variables: launching,
        ...inVpc,
      }),
      reconciler: new MirrorFunction(this, 'Reconciler', {
        environment,
        folder: 'reconciler',
        description: 'Heals what registry and ECS disagree about',
        variables: launching,
        timeout: Duration.seconds(55),
        ...inVpc,
      }),
    };
  }

  /** Exactly the calls of adapters/launcher-ecs.ts and adapters/secrets-manager.ts. */
  #allowLaunching(target: MirrorFunction, { environment, runner }: ControlStackProps): void {
    const account = `${Aws.PARTITION}:ecs:${Aws.REGION}:${Aws.ACCOUNT_ID}`;
    const services = `arn:${account}:service/${clusterName(environment)}/mirror-${environment.name}-*`;
    const definitions = `arn:${account}:task-definition/mirror-${environment.name}-*:*`;
    const streamSecrets = `arn:${Aws.PARTITION}:secretsmanager:${Aws.REGION}:${Aws.ACCOUNT_ID}:secret:${streamSecretPrefix(environment)}*`;
    const allow = (actions: string[], resources: string[], conditions?: Record<string, unknown>) =>
      target.role.addToPolicy(
        new iam.PolicyStatement({ actions, resources, ...(conditions && { conditions }) }),
      );
    allow(
      ['ecs:CreateService', 'ecs:UpdateService', 'ecs:DeleteService', 'ecs:DescribeServices'],
      [services],
    );
    allow(['ecs:TagResource'], [services, definitions], {
      StringEquals: { 'ecs:CreateAction': ['CreateService', 'RegisterTaskDefinition'] },
    });
    allow(['ecs:RegisterTaskDefinition'], [definitions]);
    // These three take no resource (Service Authorization Reference, Amazon ECS).
    allow(['ecs:DescribeTaskDefinition', 'ecs:DeregisterTaskDefinition'], ['*']);
    allow(['ecs:ListServices'], ['*'], { ArnEquals: { 'ecs:cluster': runner.cluster.clusterArn } });
    const executionRole = runner.taskDefinition.obtainExecutionRole();
    allow(['iam:PassRole'], [runner.taskDefinition.taskRole.roleArn, executionRole.roleArn], {
      StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' },
    });
    allow(
      [
        'secretsmanager:CreateSecret',
        'secretsmanager:PutSecretValue',
        'secretsmanager:GetSecretValue',
        'secretsmanager:DeleteSecret',
      ],
      [streamSecrets],
    );
    const readable = 'arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>';
    acknowledgeWildcards(
      target.role,
      [
        `Resource::${readable}:service/${clusterName(environment)}/mirror-${environment.name}-*`,
        `Resource::${readable}:task-definition/mirror-${environment.name}-*:*`,
        `Resource::arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:${streamSecretPrefix(environment)}*`,
      ],
      'Services, task definitions and passphrases are made per stream, with names below one prefix.',
    );
  }

  #httpApi(environment: Environment): apigateway.HttpApi {
    const { streams, viewers, document, authorizer } = this.functions;
    const accessLog = new logs.LogGroup(this, 'AccessLog', {
      retention: environment.retention.logDays,
      removalPolicy: dataRemovalPolicy(environment),
    });
    const api = new apigateway.HttpApi(this, 'Api', {
      apiName: `mirror-${environment.name}`,
      description: 'Control API of mirror',
      createDefaultStage: false,
    });
    // Without an identity source it is called for every request, tokens or none: the public routes need it so.
    const lambdaAuthorizer = new HttpLambdaAuthorizer('Tokens', authorizer.function, {
      responseTypes: [HttpLambdaResponseType.SIMPLE],
      identitySource: [],
      resultsCacheTtl: Duration.seconds(0),
    });
    const functionOf = (name: string) =>
      name === 'openApi' ? document : /ticket|session|viewers|swap|preview/i.test(name) ? viewers : streams;
    const integrations = new Map<MirrorFunction, HttpLambdaIntegration>();
    const integrationOf = (target: MirrorFunction) => {
      const known = integrations.get(target) ?? new HttpLambdaIntegration(target.node.id, target.function);
      integrations.set(target, known);
      return known;
    };
    for (const [name, route] of Object.entries<RouteContract>(ROUTES)) {
      api.addRoutes({
        path: route.path,
        methods: [apigateway.HttpMethod[route.method]],
        integration: integrationOf(functionOf(name)),
        authorizer: lambdaAuthorizer,
      });
    }
    const stage = new apigateway.HttpStage(this, 'Stage', {
      httpApi: api,
      stageName: '$default',
      autoDeploy: true,
      throttle: THROTTLE.default,
      accessLogSettings: { destination: new apigateway.LogGroupLogDestination(accessLog) },
      detailedMetricsEnabled: true,
    });
    const settings: Record<string, unknown> = {};
    for (const [name, throttle] of Object.entries(THROTTLE)) {
      if (name === 'default') continue;
      const route = ROUTES[name as keyof typeof ROUTES] as RouteContract;
      settings[`${route.method} ${route.path}`] = {
        ThrottlingRateLimit: throttle.rateLimit,
        ThrottlingBurstLimit: throttle.burstLimit,
        DetailedMetricsEnabled: true,
      };
    }
    (stage.node.defaultChild as apigateway.CfnStage).addPropertyOverride('RouteSettings', settings);
    return api;
  }

  #listenToEcs(environment: Environment, runner: RunnerStack, ecsEvents: MirrorFunction): void {
    const target = new targets.LambdaFunction(ecsEvents.function, {
      deadLetterQueue: this.eventDeadLetters,
      retryAttempts: 8,
      maxEventAge: Duration.hours(1),
    });
    new events.Rule(this, 'EcsChanges', {
      description: 'Tasks and services of the runners',
      eventPattern: {
        source: ['aws.ecs'],
        detailType: ['ECS Task State Change', 'ECS Service Action'],
        detail: { clusterArn: [runner.cluster.clusterArn] },
      },
      targets: [target],
    });
    // These do not name their cluster (ECS Developer Guide, "service deployment state change events"), only
    // their service, whose ARN does.
    const account = `${Aws.PARTITION}:ecs:${Aws.REGION}:${Aws.ACCOUNT_ID}`;
    new events.Rule(this, 'EcsDeployments', {
      description: 'Deployments of the runners that their circuit breaker has ended',
      eventPattern: {
        source: ['aws.ecs'],
        detailType: ['ECS Deployment State Change'],
        resources: events.Match.prefix(`arn:${account}:service/${clusterName(environment)}/`),
      },
      targets: [target],
    });
  }
}

/** What the API states the cost of an hour with: the planner's part of the environment, and nothing else of it. */
function costEnvironment(environment: Environment): string {
  return JSON.stringify(costEnvironmentSchema.parse(environment));
}
