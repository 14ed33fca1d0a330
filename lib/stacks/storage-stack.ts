import { Aws, CfnOutput, Duration, Fn, Stack, type StackProps } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as s3express from 'aws-cdk-lib/aws-s3express';
import type { Construct } from 'constructs';
import type { Environment } from '../config.ts';
import { dataRemovalPolicy } from '../constructs/environment-policy.ts';

export interface StorageStackProps extends StackProps {
  readonly environment: Environment;
}

/**
 * Where bytes rest: parts for a day at most in S3 Express One Zone, in the zone of the GPUs; recordings in S3
 * Standard; the player's files; access logs of all of them.
 */
export class StorageStack extends Stack {
  readonly mediaBucket: s3express.CfnDirectoryBucket;
  /** `name--zoneid--x-s3`, as the SDK wants it. */
  readonly mediaBucketName: string;
  readonly mediaBucketArn: string;
  readonly recordingsBucket: s3.Bucket;
  readonly recordingsBucketName: string;
  readonly playerBucket: s3.Bucket;
  readonly playerBucketName: string;
  readonly accessLogBucket: s3.Bucket;

  constructor(scope: Construct, id: string, props: StorageStackProps) {
    super(scope, id, props);
    const { environment } = props;
    const removalPolicy = dataRemovalPolicy(environment);
    const zoneId = environment.zoneIds[0];

    // The account id makes the name unique; directory bucket names end in the zone id and --x-s3 (S3 User
    // Guide, "Directory bucket naming rules").
    this.mediaBucketName = `mirror-${environment.name}-media-${Aws.ACCOUNT_ID}--${zoneId}--x-s3`;
    this.mediaBucket = new s3express.CfnDirectoryBucket(this, 'MediaBucket', {
      bucketName: this.mediaBucketName,
      locationName: zoneId,
      dataRedundancy: 'SingleAvailabilityZone',
      bucketEncryption: {
        serverSideEncryptionConfiguration: [{ serverSideEncryptionByDefault: { sseAlgorithm: 'AES256' } }],
      },
      lifecycleConfiguration: {
        rules: [
          {
            id: 'parts-live-a-day',
            status: 'Enabled',
            expirationInDays: 1,
            abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
          },
        ],
      },
    });
    this.mediaBucket.applyRemovalPolicy(removalPolicy);
    this.mediaBucketArn = Fn.join('', [
      'arn:',
      Aws.PARTITION,
      ':s3express:',
      Aws.REGION,
      ':',
      Aws.ACCOUNT_ID,
      ':bucket/',
      this.mediaBucketName,
    ]);

    this.accessLogBucket = new s3.Bucket(this, 'AccessLogBucket', {
      ...privateBucket(environment),
      // CloudFront's standard logs are delivered with an ACL (CloudFront Developer Guide, "Standard logging").
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_PREFERRED,
      lifecycleRules: [{ expiration: Duration.days(environment.retention.logDays) }],
    });
    // Named, so that policies in other stacks can say one exact prefix of it.
    this.recordingsBucketName = `mirror-${environment.name}-recordings-${Aws.ACCOUNT_ID}-${Aws.REGION}`;
    this.recordingsBucket = new s3.Bucket(this, 'RecordingsBucket', {
      bucketName: this.recordingsBucketName,
      ...privateBucket(environment),
      serverAccessLogsBucket: this.accessLogBucket,
      serverAccessLogsPrefix: 'recordings/',
      lifecycleRules: [
        {
          id: 'recordings-cool-and-expire',
          expiration: Duration.days(environment.retention.recordingDays),
          abortIncompleteMultipartUploadAfter: Duration.days(1),
          ...(environment.retention.recordingDays > 30 && {
            transitions: [
              { storageClass: s3.StorageClass.INTELLIGENT_TIERING, transitionAfter: Duration.days(1) },
            ],
          }),
        },
      ],
    });
    // The end of a recording is an event for the batch stack. In the template, where CDK's own way is a function
    // that may change the notifications of every bucket.
    (this.recordingsBucket.node.defaultChild as s3.CfnBucket).notificationConfiguration = {
      eventBridgeConfiguration: { eventBridgeEnabled: true },
    };
    this.playerBucketName = `mirror-${environment.name}-player-${Aws.ACCOUNT_ID}-${Aws.REGION}`;
    this.playerBucket = new s3.Bucket(this, 'PlayerBucket', {
      bucketName: this.playerBucketName,
      ...privateBucket(environment),
      serverAccessLogsBucket: this.accessLogBucket,
      serverAccessLogsPrefix: 'player/',
      lifecycleRules: [{ id: 'no-half-uploads', abortIncompleteMultipartUploadAfter: Duration.days(1) }],
    });
    for (const bucket of [this.recordingsBucket, this.playerBucket]) {
      // By account and not by distribution: the distributions come later and depend on this stack.
      bucket.addToResourcePolicy(
        new iam.PolicyStatement({
          principals: [new iam.ServicePrincipal('cloudfront.amazonaws.com')],
          actions: ['s3:GetObject'],
          resources: [bucket.arnForObjects('*')],
          conditions: { StringEquals: { 'AWS:SourceAccount': Aws.ACCOUNT_ID } },
        }),
      );
    }
    new CfnOutput(this, 'MediaBucketName', { value: this.mediaBucketName });
    new CfnOutput(this, 'RecordingsBucketName', { value: this.recordingsBucket.bucketName });
  }
}

function privateBucket(environment: Environment): s3.BucketProps {
  return {
    blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
    encryption: s3.BucketEncryption.S3_MANAGED,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    removalPolicy: dataRemovalPolicy(environment),
    autoDeleteObjects: !environment.retention.keepData,
  };
}
