import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import * as origins from 'aws-cdk-lib/aws-cloudfront-origins';
import type { Construct } from 'constructs';
import { CMCD_PATH } from '../../domain/cmcd.ts';
import type { Environment } from '../config.ts';
import { acknowledge } from '../constructs/acknowledge.ts';
import {
  bucketOrigin,
  mediaHost,
  NO_ERROR_CACHING,
  STRICT_TRANSPORT,
  viewerSettings,
} from '../constructs/distribution-settings.ts';
import { ORIGIN_KEEP_ALIVE_SECONDS, type OriginStack } from './origin-stack.ts';
import type { SigningKeyStack } from './signing-key-stack.ts';
import type { StorageStack } from './storage-stack.ts';

export interface MediaDeliveryStackProps extends StackProps {
  readonly environment: Environment;
  readonly storage: StorageStack;
  readonly origin: OriginStack;
  readonly signingKey: SigningKeyStack;
}

/**
 * The distribution of media: `/live/*` signed, `/open/*` public, `/recordings/*` signed from S3. What is cached
 * and how thousands of equal waits become one is decided here and in the origin's headers together.
 */
export class MediaDeliveryStack extends Stack {
  readonly distribution: cloudfront.Distribution;
  /** Under which viewers reach it. */
  readonly host: string;

  constructor(scope: Construct, id: string, props: MediaDeliveryStackProps) {
    super(scope, id, props);
    const { environment, storage, origin, signingKey } = props;
    const cachePolicy = new cloudfront.CachePolicy(this, 'MediaCache', {
      comment: 'LL-HLS: the path and the delivery directives; TTLs as the origin says',
      minTtl: Duration.seconds(0),
      defaultTtl: Duration.seconds(1),
      maxTtl: Duration.days(1),
      queryStringBehavior: cloudfront.CacheQueryStringBehavior.allowList(
        '_HLS_msn',
        '_HLS_part',
        '_HLS_skip',
      ),
      headerBehavior: cloudfront.CacheHeaderBehavior.none(),
      // Forwarded cookies would end request collapsing (CloudFront Developer Guide, "Request collapsing").
      cookieBehavior: cloudfront.CacheCookieBehavior.none(),
      enableAcceptEncodingGzip: true,
      enableAcceptEncodingBrotli: false,
    });
    const responseHeadersPolicy = new cloudfront.ResponseHeadersPolicy(this, 'MediaHeaders', {
      comment: 'CORS for players anywhere, Age and Date exposed for their clocks',
      corsBehavior: {
        accessControlAllowCredentials: false,
        accessControlAllowHeaders: ['*'],
        accessControlAllowMethods: ['GET', 'HEAD', 'OPTIONS', 'POST'],
        accessControlAllowOrigins: ['*'],
        accessControlExposeHeaders: ['Age', 'Date', 'Content-Length', 'X-Cache', 'Retry-After'],
        accessControlMaxAge: Duration.days(1),
        originOverride: true,
      },
      securityHeadersBehavior: STRICT_TRANSPORT,
    });
    const liveOrigin = origins.VpcOrigin.withApplicationLoadBalancer(origin.loadBalancer, {
      protocolPolicy: cloudfront.OriginProtocolPolicy.HTTP_ONLY,
      keepaliveTimeout: Duration.seconds(ORIGIN_KEEP_ALIVE_SECONDS.cloudFront),
      readTimeout: Duration.seconds(10),
      connectionTimeout: Duration.seconds(2),
      // One place asks the origin for each part, whatever the number of edge locations.
      originShieldEnabled: true,
      originShieldRegion: environment.region,
    });
    const media: Omit<cloudfront.BehaviorOptions, 'origin'> = {
      cachePolicy,
      responseHeadersPolicy,
      viewerProtocolPolicy: cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
      allowedMethods: cloudfront.AllowedMethods.ALLOW_GET_HEAD_OPTIONS,
      cachedMethods: cloudfront.CachedMethods.CACHE_GET_HEAD,
      compress: true,
    };
    const signed = { ...media, trustedKeyGroups: [signingKey.keyGroup] };
    this.distribution = new cloudfront.Distribution(this, 'Media', {
      comment: `mirror ${environment.name}: media`,
      ...viewerSettings(this, 'MediaCertificate', environment, 'media.'),
      // Nothing is served by default: a path that is neither /live, /open nor /recordings is refused as unsigned.
      defaultBehavior: { ...signed, origin: liveOrigin },
      additionalBehaviors: {
        '/live/*': { ...signed, origin: liveOrigin },
        // Reports of players, before what is open (docs/decisions/viewer-reports-by-cmcd.md).
        [CMCD_PATH]: {
          ...media,
          origin: liveOrigin,
          allowedMethods: cloudfront.AllowedMethods.ALLOW_ALL,
          cachePolicy: cloudfront.CachePolicy.CACHING_DISABLED,
        },
        '/open/*': { ...media, origin: liveOrigin },
        '/recordings/*': {
          ...signed,
          origin: bucketOrigin(this, 'Recordings', storage.recordingsBucket),
          cachePolicy: cloudfront.CachePolicy.CACHING_OPTIMIZED,
        },
      },
      errorResponses: NO_ERROR_CACHING,
      enableLogging: false,
    });
    acknowledge(
      this.distribution,
      'AwsSolutions-CFR1',
      'Viewers may be anywhere; a geographic restriction is the operator’s choice.',
    );
    acknowledge(
      this.distribution,
      'AwsSolutions-CFR2',
      'WAF charges per request, and media is hundreds of thousands a second; signatures guard it (docs/aws.md).',
    );
    acknowledge(
      this.distribution,
      'AwsSolutions-CFR3',
      'A log line per part would cost more than the part; origin metrics, CMCD and CloudFront metrics tell the same.',
    );
    if (!environment.delivery.domainName)
      acknowledge(
        this.distribution,
        'AwsSolutions-CFR4',
        'Without an own domain CloudFront’s certificate sets the TLS version.',
      );
    acknowledge(
      this.distribution,
      'AwsSolutions-CFR5',
      'CloudFront reaches the internal load balancer inside the VPC; there is no public name for a certificate.',
    );
    this.host = mediaHost(environment, this.distribution);
    new CfnOutput(this, 'MediaUrl', { value: `https://${this.host}/` });
  }
}
