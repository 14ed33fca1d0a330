import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as deployment from 'aws-cdk-lib/aws-s3-deployment';
import { Construct } from 'constructs';
import { cacheControlOf, type PageFile, type PageFiles } from '../../domain/pages/pages.ts';
import type { Environment } from '../config.ts';
import { acknowledge, acknowledgeWildcards } from './acknowledge.ts';

export interface PageUploadProps {
  readonly environment: Environment;
  /** Of the storage stack, by its name: the upload's role says one bucket, and findings can be told by text. */
  readonly bucketName: string;
  readonly files: PageFiles;
}

/**
 * Puts the pages into their bucket. An upload has one content type and one cache header for all of its files, so
 * there is one for each kind: what is named by its content first and for ever, the pages that name it last.
 * Nothing is taken away: a page that somebody has open may still ask for the chunks of its own build.
 *
 * No invalidation: pages say `no-cache`, so the edge asks S3 again after the policy's least second.
 */
export class PageUpload extends Construct {
  constructor(scope: Construct, id: string, { environment, bucketName, files }: PageUploadProps) {
    super(scope, id);
    const logGroup = new logs.LogGroup(this, 'Logs', {
      retention: environment.retention.logDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const destinationBucket = s3.Bucket.fromBucketName(this, 'Bucket', bucketName);
    const upload = (name: string, like: PageFile, sources: deployment.ISource[]) =>
      new deployment.BucketDeployment(this, name, {
        sources,
        destinationBucket,
        prune: false,
        contentType: like.contentType,
        cacheControl: [deployment.CacheControl.fromString(cacheControlOf(like))],
        memoryLimit: 512,
        outputObjectKeys: false,
        logGroup,
      });
    const kinds = new Map<string, [string, PageFile][]>();
    for (const [path, file] of files) {
      const kind = `${file.immutable} ${file.contentType}`;
      kinds.set(kind, [...(kinds.get(kind) ?? []), [path, file]]);
    }
    const uploads = {
      hashed: [] as deployment.BucketDeployment[],
      pages: [] as deployment.BucketDeployment[],
    };
    for (const ofOneKind of kinds.values()) {
      const [path, like] = ofOneKind[0] ?? [];
      if (!path || !like) continue;
      if (like.immutable) {
        const folder = folderOf(ofOneKind);
        uploads.hashed.push(upload(`Upload${extname(path)}`, like, [deployment.Source.asset(folder)]));
        // It was copied into the cloud assembly.
        rmSync(folder, { recursive: true });
      } else {
        // Through the template, because a page names the media host, which is known only at deployment.
        const sources = ofOneKind.map(([page, { bytes }]) =>
          deployment.Source.data(`${page.slice(1)}index.html`, Buffer.from(bytes).toString('utf8')),
        );
        uploads.pages.push(upload('Upload.html', like, sources));
      }
    }
    for (const page of uploads.pages) page.node.addDependency(...uploads.hashed);
    this.#acknowledgeUploader(environment);
  }

  #acknowledgeUploader({ name, region }: Environment): void {
    // CDK's own function, one for all uploads of a stack.
    const uploader = Stack.of(this).node.children.find((child) =>
      child.node.id.startsWith('Custom::CDKBucketDeployment'),
    );
    if (!uploader) throw new Error('CDK names its uploading function differently now: look at its id.');
    const why =
      'CDK’s own uploading function: it reads the assets of this account and writes the page bucket.';
    acknowledge(
      uploader,
      'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]',
      why,
    );
    acknowledge(uploader, 'AwsSolutions-L1', 'CDK chooses the runtime of its own functions.');
    acknowledgeWildcards(
      uploader,
      [
        ...['GetBucket*', 'GetObject*', 'List*', 'Abort*', 'DeleteObject*'].map(
          (call) => `Action::s3:${call}`,
        ),
        `Resource::arn:aws:s3:::mirror-${name}-player-<AWS::AccountId>-<AWS::Region>/*`,
        `Resource::arn:aws:s3:::${ASSET_BUCKET}-<AWS::AccountId>-${region}/*`,
      ],
      why,
    );
  }
}

/** Of `cdk bootstrap`, with its usual qualifier. */
const ASSET_BUCKET = 'cdk-hnb659fds-assets';

/** A new folder with the files at their paths. */
function folderOf(files: readonly [string, PageFile][]): string {
  const folder = mkdtempSync(join(tmpdir(), 'mirror-pages-'));
  for (const [path, { bytes }] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
  return folder;
}
