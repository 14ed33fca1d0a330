import { Aws, CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { Environment } from '../config.ts';
import { acknowledge } from '../constructs/acknowledge.ts';
import { dataRemovalPolicy } from '../constructs/environment-policy.ts';
import { serviceImage } from '../constructs/service-image.ts';
import { type NetworkStack, ORIGIN_PORT } from './network-stack.ts';
import type { StateStack } from './state-stack.ts';
import type { StorageStack } from './storage-stack.ts';

export interface OriginStackProps extends StackProps {
  readonly environment: Environment;
  readonly network: NetworkStack;
  readonly storage: StorageStack;
  readonly state: StateStack;
  readonly cluster: ecs.ICluster;
}

/**
 * How long an idle connection from CloudFront may stay open. CloudFront keeps one for 5 s unless told
 * otherwise (keepaliveTimeout), the load balancer must outlast it and the server must outlast the load
 * balancer, or a request now and then meets a connection that is just being closed.
 */
export const ORIGIN_KEEP_ALIVE_SECONDS = { cloudFront: 60, loadBalancer: 90, server: 120 } as const;

/** The origin: stateless Fargate tasks on ARM behind an internal load balancer that only CloudFront reaches. */
export class OriginStack extends Stack {
  readonly loadBalancer: elbv2.ApplicationLoadBalancer;
  readonly targetGroup: elbv2.ApplicationTargetGroup;
  readonly service: ecs.FargateService;
  readonly logGroup: logs.LogGroup;

  constructor(scope: Construct, id: string, props: OriginStackProps) {
    super(scope, id, props);
    const { environment, network, storage, state, cluster } = props;
    const usesNat = environment.egress === 'nat';

    this.logGroup = new logs.LogGroup(this, 'LogGroup', {
      retention: environment.retention.logDays,
      removalPolicy: dataRemovalPolicy(environment),
    });
    const taskDefinition = new ecs.FargateTaskDefinition(this, 'Task', {
      cpu: environment.origin.cpuUnits,
      memoryLimitMiB: environment.origin.memoryMiB,
      runtimePlatform: {
        cpuArchitecture: ecs.CpuArchitecture.ARM64,
        operatingSystemFamily: ecs.OperatingSystemFamily.LINUX,
      },
    });
    taskDefinition.taskRole.addToPrincipalPolicy(
      new iam.PolicyStatement({
        // Reading from a directory bucket goes through a session; ReadOnly is what the origin may ask for
        // (S3 User Guide, "Authorizing Zonal endpoint API operations with CreateSession").
        actions: ['s3express:CreateSession'],
        resources: [storage.mediaBucketArn],
        conditions: { StringEquals: { 's3express:SessionMode': 'ReadOnly' } },
      }),
    );
    taskDefinition.addContainer('origin', {
      image: serviceImage('origin/Dockerfile', 'arm64'),
      essential: true,
      memoryLimitMiB: environment.origin.memoryMiB,
      user: 'node',
      readonlyRootFilesystem: true,
      stopTimeout: Duration.seconds(30),
      portMappings: [{ containerPort: ORIGIN_PORT }],
      environment: {
        MIRROR_ENVIRONMENT: environment.name,
        AWS_REGION: Aws.REGION,
        MIRROR_PORT: String(ORIGIN_PORT),
        MIRROR_REDIS_HOST: state.host,
        MIRROR_MEDIA_BUCKET: storage.mediaBucketName,
        MIRROR_KEEP_ALIVE_SECONDS: String(ORIGIN_KEEP_ALIVE_SECONDS.server),
        NODE_OPTIONS: `--max-old-space-size=${Math.floor(environment.origin.memoryMiB * 0.75)}`,
      },
      secrets: { MIRROR_REDIS_TOKEN: ecs.Secret.fromSecretsManager(state.authSecret) },
      healthCheck: {
        command: ['CMD', 'node', '-e', healthProbe(ORIGIN_PORT)],
        interval: Duration.seconds(10),
        timeout: Duration.seconds(3),
        retries: 3,
        startPeriod: Duration.seconds(20),
      },
      logging: ecs.LogDrivers.awsLogs({ logGroup: this.logGroup, streamPrefix: 'origin' }),
    });
    acknowledge(
      taskDefinition,
      'AwsSolutions-ECS2',
      'Addresses and names are configuration; the one secret, the Redis token, comes from Secrets Manager.',
    );
    acknowledge(
      taskDefinition,
      'AwsSolutions-IAM5[Resource::*]',
      'ecr:GetAuthorizationToken takes no resource.',
    );

    this.service = new ecs.FargateService(this, 'Service', {
      cluster,
      taskDefinition,
      desiredCount: environment.origin.minTasks,
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      circuitBreaker: { rollback: true },
      securityGroups: [network.originGroup],
      vpcSubnets: network.originSubnets,
      assignPublicIp: !usesNat,
      healthCheckGracePeriod: Duration.seconds(30),
    });
    this.loadBalancer = new elbv2.ApplicationLoadBalancer(this, 'LoadBalancer', {
      vpc: network.vpc,
      internetFacing: false,
      vpcSubnets: network.computeSubnets,
      securityGroup: network.originLoadBalancerGroup,
      idleTimeout: Duration.seconds(ORIGIN_KEEP_ALIVE_SECONDS.loadBalancer),
      dropInvalidHeaderFields: true,
      deletionProtection: environment.retention.keepData,
    });
    this.loadBalancer.logAccessLogs(storage.accessLogBucket, 'origin');
    const listener = this.loadBalancer.addListener('Http', {
      port: 80,
      protocol: elbv2.ApplicationProtocol.HTTP,
      open: false,
    });
    this.targetGroup = listener.addTargets('Origin', {
      port: ORIGIN_PORT,
      protocol: elbv2.ApplicationProtocol.HTTP,
      targets: [this.service],
      healthCheck: {
        path: '/healthz',
        interval: Duration.seconds(10),
        healthyThresholdCount: 2,
        timeout: Duration.seconds(3),
      },
      // A held request lasts 3 s at most, a growing segment half a second.
      deregistrationDelay: Duration.seconds(10),
      loadBalancingAlgorithmType: elbv2.TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS,
    });
    this.service
      .autoScaleTaskCount({
        minCapacity: environment.origin.minTasks,
        maxCapacity: environment.origin.maxTasks,
      })
      .scaleOnCpuUtilization('Cpu', {
        // Late answers begin above three quarters of a core; new tasks take a minute.
        targetUtilizationPercent: 50,
        scaleInCooldown: Duration.minutes(5),
        scaleOutCooldown: Duration.seconds(30),
      });
    new CfnOutput(this, 'OriginLoadBalancer', { value: this.loadBalancer.loadBalancerDnsName });
  }
}

function healthProbe(port: number): string {
  return `fetch('http://127.0.0.1:${port}/healthz').then((r)=>process.exit(r.ok?0:1),()=>process.exit(1))`;
}
