import { Duration, Stack, Validations } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import * as origins from 'aws-cdk-lib/aws-cloudfront-origins';
import * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { Environment } from '../config.ts';

/** Every error is answered anew: a 404 of a stream that starts in a second must not stay for ten. */
export const NO_ERROR_CACHING: cloudfront.ErrorResponse[] = [
  400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504,
].map((httpStatus) => ({ httpStatus, ttl: Duration.seconds(0) }));

export const STRICT_TRANSPORT = {
  strictTransportSecurity: {
    accessControlMaxAge: Duration.days(365),
    includeSubdomains: true,
    preload: true,
    override: true,
  },
} as const;

/** What both distributions share towards viewers; with an own domain, its name and certificate. */
export function viewerSettings(scope: Construct, id: string, environment: Environment, subdomain: string) {
  const { domainName, certificateArn, priceClass } = environment.delivery;
  return {
    httpVersion: cloudfront.HttpVersion.HTTP2_AND_3,
    priceClass: priceClass as cloudfront.PriceClass,
    ...(domainName !== undefined &&
      certificateArn !== undefined && {
        domainNames: [`${subdomain}${domainName}`],
        minimumProtocolVersion: cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
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

/**
 * A bucket of the storage stack as an origin. Its policy lets CloudFront read (storage stack); taken by name
 * here, because a policy that named this distribution would tie the two stacks in a circle.
 */
export function bucketOrigin(scope: Construct, id: string, bucket: s3.IBucket): cloudfront.IOrigin {
  const byName = s3.Bucket.fromBucketAttributes(scope, id, {
    bucketArn: bucket.bucketArn,
    region: Stack.of(scope).region,
  });
  Validations.of(scope).acknowledge({
    id: '@aws-cdk/aws-cloudfront-origins:updateImportedBucketPolicyOac',
    reason: 'The storage stack writes the policy.',
  });
  return origins.S3BucketOrigin.withOriginAccessControl(byName);
}
