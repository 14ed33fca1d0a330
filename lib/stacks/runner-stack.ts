import { Aws, CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import { AwsCustomResource, AwsCustomResourcePolicy, PhysicalResourceId } from 'aws-cdk-lib/custom-resources';
import type { Construct } from 'constructs';
import { type Environment, GPU_INSTANCE_TYPES } from '../config.ts';
import {
  acknowledge,
  acknowledgeCustomResourceFunction,
  acknowledgeWildcards,
} from '../constructs/acknowledge.ts';
import { dataRemovalPolicy } from '../constructs/environment-policy.ts';
import { GPU_HOST_NAMESPACE, gpuHostUserData } from '../constructs/gpu-host.ts';
import { serviceImage } from '../constructs/service-image.ts';
import { type NetworkStack, RUNNER_HEALTH_PORT } from './network-stack.ts';
import type { StateStack } from './state-stack.ts';
import type { StorageStack } from './storage-stack.ts';

export interface RunnerStackProps extends StackProps {
  readonly environment: Environment;
  readonly network: NetworkStack;
  readonly storage: StorageStack;
  readonly state: StateStack;
}

/** Secrets of streams are named `mirror/{environment}/streams/{id}/...`; runners may read these and no others. */
export function streamSecretPrefix(environment: Environment): string {
  return `mirror/${environment.name}/streams/`;
}

/** Named, so that policies in other stacks can say exactly which services they mean. */
export function clusterName(environment: Environment): string {
  return `mirror-${environment.name}`;
}

/**
 * Where feeds are transcoded: GPU hosts as an ECS capacity provider, the ingest load balancer with a listener
 * and a target group per slot, and the task definition from which the launcher makes one per stream. The
 * services themselves come and go with the streams and are not in this template, so that a deployment leaves
 * running streams alone.
 */
export class RunnerStack extends Stack {
  readonly cluster: ecs.Cluster;
  readonly capacityProvider: ecs.AsgCapacityProvider;
  readonly autoScalingGroup: autoscaling.AutoScalingGroup;
  readonly taskDefinition: ecs.Ec2TaskDefinition;
  readonly loadBalancer: elbv2.NetworkLoadBalancer;
  /** By slot. */
  readonly targetGroups: elbv2.NetworkTargetGroup[];
  readonly ingestAddress: string;
  readonly logGroup: logs.LogGroup;

  constructor(scope: Construct, id: string, props: RunnerStackProps) {
    super(scope, id, props);
    const { environment, network } = props;

    this.cluster = new ecs.Cluster(this, 'Cluster', {
      clusterName: clusterName(environment),
      vpc: network.vpc,
      containerInsightsV2: ecs.ContainerInsights.ENABLED,
    });
    this.autoScalingGroup = this.#gpuHosts(environment, network);
    this.capacityProvider = new ecs.AsgCapacityProvider(this, 'GpuCapacity', {
      autoScalingGroup: this.autoScalingGroup,
      enableManagedScaling: true,
      // Below 100: one host more than what runs needs, so that a start does not wait for an instance.
      targetCapacityPercent: environment.gpu.targetCapacityPercent,
      // A host with a live stream on it is never taken away; one that leaves first lets its tasks end.
      enableManagedTerminationProtection: true,
      enableManagedDraining: true,
      instanceWarmupPeriod: 120,
    });
    this.cluster.addAsgCapacityProvider(this.capacityProvider);
    acknowledgeWildcards(
      this.autoScalingGroup.role,
      ['Action::ecs:Submit*', 'Resource::*'],
      'The ECS agent’s calls, written by CDK: those without a resource in IAM carry a condition on the cluster.',
    );

    this.logGroup = new logs.LogGroup(this, 'LogGroup', {
      retention: environment.retention.logDays,
      removalPolicy: dataRemovalPolicy(environment),
    });
    this.taskDefinition = this.#taskDefinition(props);

    const address = new ec2.CfnEIP(this, 'IngestAddress', { domain: 'vpc' });
    const [publicSubnet] = network.vpc.publicSubnets;
    if (!publicSubnet) throw new Error('The VPC has no public subnet for the ingest load balancer.');
    this.loadBalancer = new elbv2.NetworkLoadBalancer(this, 'IngestLoadBalancer', {
      vpc: network.vpc,
      internetFacing: true,
      // One zone: without its GPUs the zone has nothing to send feeds to.
      subnetMappings: [{ subnet: publicSubnet, allocationId: address.attrAllocationId }],
      // Can be given only when the balancer is made, never later.
      securityGroups: [network.ingestLoadBalancerGroup],
      deletionProtection: environment.retention.keepData,
    });
    this.loadBalancer.logAccessLogs(props.storage.accessLogBucket, 'ingest');
    this.targetGroups = this.#ingestSlots(environment, network);
    this.ingestAddress = address.attrPublicIp;
    new CfnOutput(this, 'IngestAddressOutput', { value: this.ingestAddress });
  }

  #gpuHosts(environment: Environment, network: NetworkStack): autoscaling.AutoScalingGroup {
    const { gpu } = environment;
    const role = new iam.Role(this, 'GpuHostRole', {
      assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com'),
      description: 'What the ECS agent on a GPU host may do',
    });
    role.addToPolicy(
      new iam.PolicyStatement({
        actions: ['cloudwatch:PutMetricData'],
        resources: ['*'],
        conditions: { StringEquals: { 'cloudwatch:namespace': GPU_HOST_NAMESPACE } },
      }),
    );
    const launchTemplate = new ec2.LaunchTemplate(this, 'GpuHostTemplate', {
      instanceType: new ec2.InstanceType(gpu.instanceType),
      machineImage: ecs.EcsOptimizedImage.amazonLinux2023(ecs.AmiHardwareType.GPU),
      userData: gpuHostUserData(environment.name),
      role,
      securityGroup: network.gpuHostGroup,
      associatePublicIpAddress: environment.egress === 'public-hosts',
      requireImdsv2: true,
      // One hop: a container cannot reach the host's credentials.
      httpPutResponseHopLimit: 1,
      detailedMonitoring: true,
      blockDevices: [
        {
          deviceName: '/dev/xvda',
          volume: ec2.BlockDeviceVolume.ebs(60, { encrypted: true, volumeType: ec2.EbsDeviceVolumeType.GP3 }),
        },
      ],
    });
    const trunking = this.#trunkInterfaces(role);
    const group = new autoscaling.AutoScalingGroup(this, 'GpuHosts', {
      vpc: network.vpc,
      vpcSubnets: network.gpuHostSubnets,
      launchTemplate,
      minCapacity: gpu.minInstances,
      maxCapacity: gpu.maxInstances,
      newInstancesProtectedFromScaleIn: true,
      groupMetrics: [autoscaling.GroupMetrics.all()],
    });
    group.node.addDependency(trunking);
    acknowledge(
      group,
      'AwsSolutions-AS3',
      'Hosts come and go with the streams; alarms watch what streams feel of it (observability stack).',
    );
    return group;
  }

  /**
   * More tasks on a host than it has network interfaces: a setting of ECS for the hosts' role, and to be made before
   * the first host registers (ECS Developer Guide, "Increasing Amazon ECS Linux container instance network
   * interfaces"). It ends with the role.
   */
  #trunkInterfaces(role: iam.Role): AwsCustomResource {
    const setting = new AwsCustomResource(this, 'TrunkInterfaces', {
      onUpdate: {
        service: 'ECS',
        action: 'putAccountSetting',
        parameters: { name: 'awsvpcTrunking', value: 'enabled', principalArn: role.roleArn },
        physicalResourceId: PhysicalResourceId.of('awsvpc-trunking'),
      },
      policy: AwsCustomResourcePolicy.fromStatements([
        new iam.PolicyStatement({ actions: ['ecs:PutAccountSetting'], resources: ['*'] }),
      ]),
      installLatestAwsSdk: false,
    });
    acknowledgeWildcards(setting, ['Resource::*'], 'ecs:PutAccountSetting takes no resource.');
    acknowledgeCustomResourceFunction(this);
    return setting;
  }

  #taskDefinition({ environment, storage, state }: RunnerStackProps): ecs.Ec2TaskDefinition {
    const taskDefinition = new ecs.Ec2TaskDefinition(this, 'Task', {
      family: `mirror-${environment.name}-runner`,
      networkMode: ecs.NetworkMode.AWS_VPC,
    });
    taskDefinition.taskRole.addToPrincipalPolicy(
      new iam.PolicyStatement({
        actions: ['s3express:CreateSession'],
        resources: [storage.mediaBucketArn],
      }),
    );
    taskDefinition.taskRole.addToPrincipalPolicy(
      new iam.PolicyStatement({
        actions: ['s3:PutObject', 's3:GetObject'],
        resources: [`arn:${Aws.PARTITION}:s3:::${storage.recordingsBucketName}/recordings/*`],
      }),
    );
    // Without it S3 answers 403 for a recording that is not there, and a runner could not tell it from a fault.
    taskDefinition.taskRole.addToPrincipalPolicy(
      new iam.PolicyStatement({
        actions: ['s3:ListBucket'],
        resources: [`arn:${Aws.PARTITION}:s3:::${storage.recordingsBucketName}`],
      }),
    );
    // Passphrases: injected by ECS when a task starts, from the secret that its launcher names.
    taskDefinition.obtainExecutionRole().addToPrincipalPolicy(
      new iam.PolicyStatement({
        actions: ['secretsmanager:GetSecretValue'],
        resources: [
          `arn:${Aws.PARTITION}:secretsmanager:${Aws.REGION}:${Aws.ACCOUNT_ID}:secret:${streamSecretPrefix(environment)}*`,
        ],
      }),
    );
    const { vcpuCount, memoryMiB } = GPU_INSTANCE_TYPES[environment.gpu.instanceType];
    const { feedsPerInstance } = environment.gpu;
    taskDefinition.addContainer('runner', {
      image: serviceImage('gpu-runner/Dockerfile', 'amd64'),
      essential: true,
      user: 'node',
      readonlyRootFilesystem: true,
      // Packed by CPU and memory: the GPU is shared, so it cannot be the resource that ECS counts.
      cpu: Math.floor((vcpuCount * 1_024) / feedsPerInstance),
      memoryLimitMiB: Math.floor((memoryMiB - HOST_RESERVED_MIB) / feedsPerInstance),
      stopTimeout: Duration.seconds(30),
      environment: {
        MIRROR_ENVIRONMENT: environment.name,
        // ECS on EC2 gives a container no region of its own.
        AWS_REGION: Aws.REGION,
        MIRROR_REDIS_HOST: state.host,
        MIRROR_MEDIA_BUCKET: storage.mediaBucketName,
        MIRROR_RECORDINGS_BUCKET: storage.recordingsBucket.bucketName,
        MIRROR_HEALTH_PORT: String(RUNNER_HEALTH_PORT),
        MIRROR_HARDWARE: 'nvidia',
        // The nvidia runtime gives the container the driver's libraries for these uses and no others.
        NVIDIA_VISIBLE_DEVICES: 'all',
        NVIDIA_DRIVER_CAPABILITIES: 'video,compute,utility',
        UV_THREADPOOL_SIZE: '16',
        MALLOC_ARENA_MAX: '2',
      },
      secrets: { MIRROR_REDIS_TOKEN: ecs.Secret.fromSecretsManager(state.authSecret) },
      portMappings: [{ containerPort: RUNNER_HEALTH_PORT }],
      logging: ecs.LogDrivers.awsLogs({ logGroup: this.logGroup, streamPrefix: 'runner' }),
    });
    acknowledge(
      taskDefinition,
      'AwsSolutions-ECS2',
      'Addresses and names are configuration; the Redis token and the passphrase come from Secrets Manager.',
    );
    acknowledgeWildcards(
      taskDefinition,
      [
        'Resource::*',
        `Resource::arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:${streamSecretPrefix(environment)}*`,
        `Resource::arn:<AWS::Partition>:s3:::mirror-${environment.name}-recordings-<AWS::AccountId>-<AWS::Region>/recordings/*`,
      ],
      'Recordings below one prefix, passphrases below one prefix, and ecr:GetAuthorizationToken, which takes no resource.',
    );
    return taskDefinition;
  }

  #ingestSlots(environment: Environment, network: NetworkStack): elbv2.NetworkTargetGroup[] {
    return Array.from({ length: environment.ingest.slotCount }, (_, slotIndex) => {
      const port = environment.ingest.firstPort + slotIndex;
      const targetGroup = new elbv2.NetworkTargetGroup(this, `Slot${slotIndex}`, {
        vpc: network.vpc,
        targetType: elbv2.TargetType.IP,
        protocol: elbv2.Protocol.UDP,
        port,
        // Failing the health check takes a target out faster than its deregistration does.
        deregistrationDelay: Duration.seconds(0),
        connectionTermination: true,
        healthCheck: {
          protocol: elbv2.Protocol.TCP,
          port: String(RUNNER_HEALTH_PORT),
          interval: Duration.seconds(5),
          healthyThresholdCount: 2,
          unhealthyThresholdCount: 2,
        },
      });
      // ECS refuses a service whose target group hangs on no load balancer: so every slot has its listener.
      this.loadBalancer.addListener(`Slot${slotIndex}Listener`, {
        port,
        protocol: elbv2.Protocol.UDP,
        defaultTargetGroups: [targetGroup],
      });
      return targetGroup;
    });
  }
}

/** For the operating system, the ECS agent and Docker. */
const HOST_RESERVED_MIB = 1_536;
