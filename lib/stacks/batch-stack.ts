import { Aws, CfnOutput, Duration, RemovalPolicy, Size, Stack, type StackProps } from 'aws-cdk-lib';
import * as batch from 'aws-cdk-lib/aws-batch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { EXPORT_EXIT_CODE } from '../../domain/export-exit-code.ts';
import { RECORDING_FINISHED } from '../../domain/recording.ts';
import type { Environment } from '../config.ts';
import { acknowledge, acknowledgeWildcards } from '../constructs/acknowledge.ts';
import { serviceImage } from '../constructs/service-image.ts';
import type { NetworkStack } from './network-stack.ts';
import type { StorageStack } from './storage-stack.ts';

export interface BatchStackProps extends StackProps {
  readonly environment: Environment;
  readonly network: NetworkStack;
  readonly storage: StorageStack;
}

/** In memory: six hours of recording, the most there is of one, are 1.3 GB. */
const SCRATCH = { path: '/scratch', sizeMiB: 2_560 } as const;
const JOB = { vcpuCount: 2, memoryMiB: 4_096, attemptCount: 5, timeout: Duration.hours(2) } as const;

/**
 * Exports of recordings (gpu-runner/export): when a recording ends, its last object is an event, and the event is
 * a job. Spot instances, because a job that is cut off by a reclaim runs again and makes the same files.
 *
 * By event and not by the API: every recording gets its export, nobody has to ask for it, and the API needs no
 * right to start jobs. A recording that never ended (docs/runbook.md, "An export failed") is exported by hand.
 */
export class BatchStack extends Stack {
  readonly queue: batch.JobQueue;
  readonly deadLetters: sqs.Queue;
  readonly logGroup: logs.LogGroup;

  constructor(scope: Construct, id: string, props: BatchStackProps) {
    super(scope, id, props);
    const { environment, storage } = props;
    this.logGroup = new logs.LogGroup(this, 'LogGroup', {
      retention: environment.retention.logDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.queue = new batch.JobQueue(this, 'Queue', {
      jobQueueName: `mirror-${environment.name}-exports`,
      computeEnvironments: [{ computeEnvironment: this.#spotHosts(props), order: 1 }],
    });
    const job = this.#job(props);
    this.deadLetters = new sqs.Queue(this, 'DeadLetters', {
      enforceSSL: true,
      encryption: sqs.QueueEncryption.SQS_MANAGED,
      retentionPeriod: Duration.days(14),
    });
    acknowledge(this.deadLetters, 'AwsSolutions-SQS3', 'It is the dead-letter queue.');
    new events.Rule(this, 'RecordingFinished', {
      description: 'A recording has ended: export it',
      eventPattern: {
        source: ['aws.s3'],
        detailType: ['Object Created'],
        detail: {
          bucket: { name: [storage.recordingsBucketName] },
          object: { key: events.Match.wildcard(`recordings/*/${RECORDING_FINISHED}`) },
        },
      },
      targets: [
        new targets.BatchJob(this.queue.jobQueueArn, this.queue, job.jobDefinitionArn, job, {
          jobName: 'export',
          deadLetterQueue: this.deadLetters,
          retryAttempts: 8,
          maxEventAge: Duration.hours(6),
          // Names as SubmitJob has them, with capitals (EventBridge User Guide, "AWS Batch job queues as targets").
          event: events.RuleTargetInput.fromObject({
            ContainerOverrides: {
              Environment: [
                { Name: 'MIRROR_FINISHED_KEY', Value: events.EventField.fromPath('$.detail.object.key') },
              ],
            },
          }),
        }),
      ],
    });
    new CfnOutput(this, 'QueueName', { value: this.queue.jobQueueName });
  }

  #spotHosts({ environment, network }: BatchStackProps): batch.ManagedEc2EcsComputeEnvironment {
    const needsPublicAddress = environment.egress === 'public-hosts';
    const launchTemplate = new ec2.LaunchTemplate(this, 'HostTemplate', {
      securityGroup: network.batchHostGroup,
      associatePublicIpAddress: needsPublicAddress,
      requireImdsv2: true,
      httpPutResponseHopLimit: 1,
      detailedMonitoring: true,
      blockDevices: [
        {
          deviceName: '/dev/xvda',
          volume: ec2.BlockDeviceVolume.ebs(40, { encrypted: true, volumeType: ec2.EbsDeviceVolumeType.GP3 }),
        },
      ],
    });
    const hosts = new batch.ManagedEc2EcsComputeEnvironment(this, 'SpotHosts', {
      vpc: network.vpc,
      vpcSubnets: network.batchSubnets,
      securityGroups: [network.batchHostGroup],
      launchTemplate,
      instanceTypes: environment.batch.instanceTypes.map((type) => new ec2.InstanceType(type)),
      useOptimalInstanceClasses: false,
      spot: true,
      // Pools that are both cheap and deep are reclaimed least.
      allocationStrategy: batch.AllocationStrategy.SPOT_PRICE_CAPACITY_OPTIMIZED,
      minvCpus: 0,
      maxvCpus: environment.batch.maxVcpus,
      images: [{ imageType: batch.EcsMachineImageType.ECS_AL2023_NVIDIA }],
    });
    // A template that asks for public addresses names the group itself, and Batch takes one place only for it.
    if (needsPublicAddress)
      (hosts.node.defaultChild as batch.CfnComputeEnvironment).addPropertyDeletionOverride(
        'ComputeResources.SecurityGroupIds',
      );
    acknowledge(
      hosts,
      'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role]',
      'What the ECS agent of a Batch host needs, kept up to date by AWS; the cluster is made by Batch and has no name beforehand.',
    );
    return hosts;
  }

  #job({ environment, storage }: BatchStackProps): batch.EcsJobDefinition {
    const bucketArn = `arn:${Aws.PARTITION}:s3:::${storage.recordingsBucketName}`;
    const jobRole = new iam.Role(this, 'JobRole', {
      assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com'),
      description: 'What an export may do: read recordings, write below their export/',
    });
    const allow = (actions: string[], resource: string) =>
      jobRole.addToPolicy(new iam.PolicyStatement({ actions, resources: [resource] }));
    allow(['s3:GetObject'], `${bucketArn}/recordings/*`);
    allow(['s3:PutObject'], `${bucketArn}/recordings/*/export/*`);
    // Without it S3 answers 403 for an object that expired, and the job would take it for a fault.
    allow(['s3:ListBucket'], bucketArn);
    const readable = `arn:<AWS::Partition>:s3:::mirror-${environment.name}-recordings-<AWS::AccountId>-<AWS::Region>`;
    acknowledgeWildcards(
      jobRole,
      [`Resource::${readable}/recordings/*`, `Resource::${readable}/recordings/*/export/*`],
      'Recordings come and go below one prefix; what is written lies in a folder of its own in each.',
    );
    const linuxParameters = new batch.LinuxParameters(this, 'Linux', { initProcessEnabled: true });
    linuxParameters.addTmpfs({
      containerPath: SCRATCH.path,
      size: Size.mebibytes(SCRATCH.sizeMiB),
      mountOptions: [batch.TmpfsMountOption.NOEXEC, batch.TmpfsMountOption.NOSUID],
    });
    const container = new batch.EcsEc2ContainerDefinition(this, 'Container', {
      image: serviceImage('gpu-runner/Dockerfile', 'amd64'),
      command: ['node', '--enable-source-maps', 'export.mjs'],
      cpu: JOB.vcpuCount,
      memory: Size.mebibytes(JOB.memoryMiB),
      user: '1000',
      readonlyRootFilesystem: true,
      linuxParameters,
      jobRole,
      environment: {
        MIRROR_RECORDINGS_BUCKET: storage.recordingsBucketName,
        MIRROR_SCRATCH_DIRECTORY: SCRATCH.path,
        AWS_REGION: Aws.REGION,
      },
      logging: ecs.LogDrivers.awsLogs({ logGroup: this.logGroup, streamPrefix: 'export' }),
    });
    acknowledge(
      container.executionRole,
      'AwsSolutions-IAM5[Resource::*]',
      'ecr:GetAuthorizationToken takes no resource.',
    );
    const again = (reason: batch.Reason) => batch.RetryStrategy.of(batch.Action.RETRY, reason);
    return new batch.EcsJobDefinition(this, 'Export', {
      jobDefinitionName: `mirror-${environment.name}-export`,
      container,
      timeout: JOB.timeout,
      propagateTags: true,
      retryAttempts: JOB.attemptCount,
      // The first that fits decides (AWS Batch User Guide, "Automated job retries").
      retryStrategies: [
        again(batch.Reason.SPOT_INSTANCE_RECLAIMED),
        again(batch.Reason.CANNOT_PULL_CONTAINER),
        again(batch.Reason.custom({ onExitCode: String(EXPORT_EXIT_CODE.tryAgain) })),
        batch.RetryStrategy.of(batch.Action.EXIT, batch.Reason.custom({ onReason: '*' })),
      ],
    });
  }
}
