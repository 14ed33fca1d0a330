import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import type * as apigateway from 'aws-cdk-lib/aws-apigatewayv2';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import * as origins from 'aws-cdk-lib/aws-cloudfront-origins';
import type { Construct } from 'constructs';
import type { Environment } from '../config.ts';
import { acknowledge } from '../constructs/acknowledge.ts';
import { ORIGIN_KEEP_ALIVE_SECONDS, type OriginStack } from './origin-stack.ts';
import type { SigningKeyStack } from './signing-key-stack.ts';
import type { StorageStack } from './storage-stack.ts';

export interface DeliveryStackProps extends StackProps {
  readonly environment: Environment;
  readonly storage: StorageStack;
  readonly origin: OriginStack;
  readonly signingKey: SigningKeyStack;
  readonly api: apigateway.HttpApi;
  /** Of the us-east-1 stack that holds it. */
  readonly webAclArn: string;
}

/** Every error is answered anew: a 404 of a stream that starts in a second must not stay for ten. */
const NO_ERROR_CACHING: cloudfront.ErrorResponse[] = [
  400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504,
].map((httpStatus) => ({ httpStatus, ttl: Duration.seconds(0) }));

/**
 * Two distributions. Media has no web ACL, because WAF charges per request and media is nearly all of them;
 * the page and the API have one. A web ACL belongs to a whole distribution, hence two.
 */
export class DeliveryStack extends Stack {
  readonly mediaDistribution: cloudfront.Distribution;
  readonly appDistribution: cloudfront.Distribution;

  constructor(scope: Construct, id: string, props: DeliveryStackProps) {
    super(scope, id, props);
    this.mediaDistribution = this.#mediaDistribution(props);
    this.appDistribution = this.#appDistribution(props);
    new CfnOutput(this, 'PlayerUrl', { value: `https://${this.appDistribution.distributionDomainName}/` });
    new CfnOutput(this, 'MediaUrl', { value: `https://${this.mediaDistribution.distributionDomainName}/` });
  }

  #mediaDistribution({
    environment,
    storage,
    origin,
    signingKey,
  }: DeliveryStackProps): cloudfront.Distribution {
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
        accessControlAllowMethods: ['GET', 'HEAD', 'OPTIONS'],
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
    const distribution = new cloudfront.Distribution(this, 'Media', {
      comment: `mirror ${environment.name}: media`,
      ...viewerSettings(this, 'MediaCertificate', environment, 'media.'),
      // Nothing is served by default: a path that is neither /live, /open nor /recordings is refused as unsigned.
      defaultBehavior: { ...signed, origin: liveOrigin },
      additionalBehaviors: {
        '/live/*': { ...signed, origin: liveOrigin },
        '/open/*': { ...media, origin: liveOrigin },
        '/recordings/*': {
          ...signed,
          origin: origins.S3BucketOrigin.withOriginAccessControl(storage.recordingsBucket),
          cachePolicy: cloudfront.CachePolicy.CACHING_OPTIMIZED,
        },
      },
      errorResponses: NO_ERROR_CACHING,
      enableLogging: false,
    });
    acknowledge(
      distribution,
      'AwsSolutions-CFR1',
      'Viewers may be anywhere; a geographic restriction is the operator’s choice.',
    );
    acknowledge(
      distribution,
      'AwsSolutions-CFR2',
      'WAF charges per request, and media is hundreds of thousands a second; signatures guard it (docs/aws.md).',
    );
    acknowledge(
      distribution,
      'AwsSolutions-CFR3',
      'A log line per part would cost more than the part; origin metrics, CMCD and CloudFront metrics tell the same.',
    );
    if (!environment.delivery.domainName)
      acknowledge(
        distribution,
        'AwsSolutions-CFR4',
        'Without an own domain CloudFront’s certificate sets the TLS version.',
      );
    acknowledge(
      distribution,
      'AwsSolutions-CFR5',
      'CloudFront reaches the internal load balancer inside the VPC; there is no public name for a certificate.',
    );
    return distribution;
  }

  #appDistribution({ environment, storage, api, webAclArn }: DeliveryStackProps): cloudfront.Distribution {
    const host = mediaHost(environment, this.mediaDistribution);
    const pageHeaders = new cloudfront.ResponseHeadersPolicy(this, 'PageHeaders', {
      comment: 'The page: strict content security policy',
      securityHeadersBehavior: {
        ...STRICT_TRANSPORT,
        contentSecurityPolicy: {
          override: true,
          contentSecurityPolicy: [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data: blob:",
            `connect-src 'self' https://${host}`,
            `media-src blob: https://${host}`,
            "worker-src 'self' blob:",
            "font-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
          ].join('; '),
        },
        contentTypeOptions: { override: true },
        frameOptions: { frameOption: cloudfront.HeadersFrameOption.DENY, override: true },
        referrerPolicy: { referrerPolicy: cloudfront.HeadersReferrerPolicy.NO_REFERRER, override: true },
      },
    });
    const apiOrigin = new origins.HttpOrigin(`${api.apiId}.execute-api.${environment.region}.amazonaws.com`, {
      protocolPolicy: cloudfront.OriginProtocolPolicy.HTTPS_ONLY,
      originSslProtocols: [cloudfront.OriginSslPolicy.TLS_V1_2],
      readTimeout: Duration.seconds(30),
    });
    const distribution = new cloudfront.Distribution(this, 'App', {
      comment: `mirror ${environment.name}: page and API`,
      ...viewerSettings(this, 'AppCertificate', environment, ''),
      defaultRootObject: 'index.html',
      webAclId: webAclArn,
      defaultBehavior: {
        origin: origins.S3BucketOrigin.withOriginAccessControl(storage.playerBucket),
        cachePolicy: cloudfront.CachePolicy.CACHING_OPTIMIZED,
        responseHeadersPolicy: pageHeaders,
        viewerProtocolPolicy: cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
      },
      additionalBehaviors: {
        '/v1/*': {
          origin: apiOrigin,
          allowedMethods: cloudfront.AllowedMethods.ALLOW_ALL,
          cachePolicy: cloudfront.CachePolicy.CACHING_DISABLED,
          originRequestPolicy: cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
          responseHeadersPolicy: cloudfront.ResponseHeadersPolicy.SECURITY_HEADERS,
          viewerProtocolPolicy: cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
        },
      },
      errorResponses: NO_ERROR_CACHING,
      logBucket: storage.accessLogBucket,
      logFilePrefix: 'app/',
    });
    acknowledge(
      distribution,
      'AwsSolutions-CFR1',
      'Viewers may be anywhere; a geographic restriction is the operator’s choice.',
    );
    if (!environment.delivery.domainName)
      acknowledge(
        distribution,
        'AwsSolutions-CFR4',
        'Without an own domain CloudFront’s certificate sets the TLS version.',
      );
    return distribution;
  }
}

const STRICT_TRANSPORT = {
  strictTransportSecurity: {
    accessControlMaxAge: Duration.days(365),
    includeSubdomains: true,
    preload: true,
    override: true,
  },
} as const;

/** What both distributions share towards viewers; with an own domain, its name and certificate. */
function viewerSettings(scope: Construct, id: string, environment: Environment, subdomain: string) {
  const { domainName, certificateArn, priceClass } = environment.delivery;
  return {
    httpVersion: cloudfront.HttpVersion.HTTP2_AND_3,
    priceClass: priceClass as cloudfront.PriceClass,
    minimumProtocolVersion: cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
    ...(domainName !== undefined &&
      certificateArn !== undefined && {
        domainNames: [`${subdomain}${domainName}`],
        certificate: acm.Certificate.fromCertificateArn(scope, id, certificateArn),
      }),
  };
}

/** The host under which viewers reach media: `media.` before the own domain, or CloudFront's name. */
export function mediaHost(environment: Environment, distribution: cloudfront.IDistribution): string {
  return environment.delivery.domainName
    ? `media.${environment.delivery.domainName}`
    : distribution.distributionDomainName;
}
