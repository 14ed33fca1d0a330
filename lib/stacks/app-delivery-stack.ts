import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import type * as apigateway from 'aws-cdk-lib/aws-apigatewayv2';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import * as origins from 'aws-cdk-lib/aws-cloudfront-origins';
import type { Construct } from 'constructs';
import type { PageFiles } from '../../domain/pages/pages.ts';
import { contentSecurityPolicy } from '../../domain/pages/policy.ts';
import type { Environment } from '../config.ts';
import { acknowledge } from '../constructs/acknowledge.ts';
import {
  bucketOrigin,
  NO_ERROR_CACHING,
  STRICT_TRANSPORT,
  viewerSettings,
} from '../constructs/distribution-settings.ts';
import { PAGE_PATHS_CODE } from '../constructs/page-paths.ts';
import { PageUpload } from '../constructs/page-upload.ts';
import type { StorageStack } from './storage-stack.ts';

export interface AppDeliveryStackProps extends StackProps {
  readonly environment: Environment;
  readonly storage: StorageStack;
  readonly api: apigateway.HttpApi;
  /** Host of the media distribution, which the page may connect to. */
  readonly mediaHost: string;
  /** Of the us-east-1 stack that holds it. */
  readonly webAclArn: string;
  /** What the pages are made of, given where media comes from. */
  readonly pageFiles: (mediaOrigin: string) => PageFiles;
}

/**
 * The distribution of the page and the API, with a web ACL. Media has a distribution of its own: a web ACL
 * belongs to a whole distribution, WAF charges per request, and media is nearly all requests.
 */
export class AppDeliveryStack extends Stack {
  readonly distribution: cloudfront.Distribution;

  constructor(scope: Construct, id: string, props: AppDeliveryStackProps) {
    super(scope, id, props);
    const { environment, storage, api, mediaHost, webAclArn, pageFiles } = props;
    const mediaOrigin = `https://${mediaHost}`;
    const pageHeaders = new cloudfront.ResponseHeadersPolicy(this, 'PageHeaders', {
      comment: 'The page: strict content security policy',
      customHeadersBehavior: {
        customHeaders: [
          { header: 'cross-origin-opener-policy', value: 'same-origin', override: true },
          { header: 'permissions-policy', value: 'camera=(), microphone=(), geolocation=()', override: true },
        ],
      },
      securityHeadersBehavior: {
        ...STRICT_TRANSPORT,
        contentSecurityPolicy: {
          override: true,
          contentSecurityPolicy: contentSecurityPolicy([mediaOrigin]),
        },
        contentTypeOptions: { override: true },
        frameOptions: { frameOption: cloudfront.HeadersFrameOption.DENY, override: true },
        referrerPolicy: { referrerPolicy: cloudfront.HeadersReferrerPolicy.NO_REFERRER, override: true },
      },
    });
    const pagePaths = new cloudfront.Function(this, 'PagePaths', {
      comment: 'A folder is answered with its page',
      code: cloudfront.FunctionCode.fromInline(PAGE_PATHS_CODE),
      runtime: cloudfront.FunctionRuntime.JS_2_0,
    });
    const apiOrigin = new origins.HttpOrigin(`${api.apiId}.execute-api.${environment.region}.amazonaws.com`, {
      protocolPolicy: cloudfront.OriginProtocolPolicy.HTTPS_ONLY,
      originSslProtocols: [cloudfront.OriginSslPolicy.TLS_V1_2],
      readTimeout: Duration.seconds(30),
    });
    this.distribution = new cloudfront.Distribution(this, 'App', {
      comment: `mirror ${environment.name}: page and API`,
      ...viewerSettings(this, 'AppCertificate', environment, ''),
      defaultRootObject: 'index.html',
      webAclId: webAclArn,
      defaultBehavior: {
        origin: bucketOrigin(this, 'Player', storage.playerBucket),
        cachePolicy: cloudfront.CachePolicy.CACHING_OPTIMIZED,
        responseHeadersPolicy: pageHeaders,
        viewerProtocolPolicy: cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
        functionAssociations: [
          { function: pagePaths, eventType: cloudfront.FunctionEventType.VIEWER_REQUEST },
        ],
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
      this.distribution,
      'AwsSolutions-CFR1',
      'Viewers may be anywhere; a geographic restriction is the operator’s choice.',
    );
    if (!environment.delivery.domainName)
      acknowledge(
        this.distribution,
        'AwsSolutions-CFR4',
        'Without an own domain CloudFront’s certificate sets the TLS version.',
      );
    new PageUpload(this, 'Pages', {
      environment,
      bucketName: storage.playerBucketName,
      files: pageFiles(mediaOrigin),
    });
    new CfnOutput(this, 'PlayerUrl', {
      value: `https://${environment.delivery.domainName ?? this.distribution.distributionDomainName}/`,
    });
  }
}
