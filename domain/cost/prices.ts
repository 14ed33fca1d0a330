/**
 * What AWS charges, in US dollars, US East (N. Virginia), on demand, without free tiers and discounts. Written
 * down by hand from AWS's price pages and examples on the date below; a source that was read for this table
 * is named, the others are AWS's public list prices of that date. Check them before you decide on money.
 */
export const PRICES_AS_OF = '2026-11-22';
export const PRICES_REGION = 'us-east-1';

export interface Price {
  readonly usd: number;
  readonly per: string;
  readonly source: string;
}

const price = (usd: number, per: string, source: string): Price => ({ usd, per, source });

const EC2 = 'Amazon EC2 On-Demand Pricing';
const CLOUDFRONT = 'Amazon CloudFront Pricing';
const ELB = 'Elastic Load Balancing Pricing';
const S3 = 'Amazon S3 Pricing';
const ELASTICACHE = 'Amazon ElastiCache Pricing, Valkey nodes';

export const GPU_HOST_PRICES = {
  'g5.xlarge': price(1.006, 'hour', EC2),
  'g5.2xlarge': price(1.212, 'hour', EC2),
  'g5.4xlarge': price(1.624, 'hour', EC2),
  'g6.xlarge': price(0.8048, 'hour', EC2),
  'g6.2xlarge': price(0.9776, 'hour', EC2),
  'g6.4xlarge': price(1.3232, 'hour', EC2),
} as const;

export const CACHE_NODE_PRICES: Readonly<Record<string, Price>> = {
  'cache.t4g.micro': price(0.0128, 'hour', ELASTICACHE),
  'cache.t4g.small': price(0.0256, 'hour', ELASTICACHE),
  'cache.m7g.large': price(0.1264, 'hour', ELASTICACHE),
};

export const PRICES = {
  fargateArmVcpu: price(0.032_38, 'vCPU-hour', 'AWS Fargate Pricing, Linux/ARM'),
  fargateArmGb: price(0.003_56, 'GB-hour', 'AWS Fargate Pricing, Linux/ARM'),
  networkLoadBalancer: price(0.0225, 'hour', ELB),
  networkLoadBalancerUnit: price(0.006, 'NLCU-hour', ELB),
  applicationLoadBalancer: price(0.0225, 'hour', ELB),
  applicationLoadBalancerUnit: price(0.008, 'LCU-hour', ELB),
  natGateway: price(0.045, 'hour', 'Amazon VPC Pricing'),
  natGatewayGb: price(0.045, 'GB', 'Amazon VPC Pricing'),
  interfaceEndpoint: price(0.01, 'hour', 'AWS PrivateLink Pricing'),
  publicIpv4: price(0.005, 'hour', 'Amazon VPC Pricing'),
  s3ExpressPut: price(0.001_13, '1,000 requests', S3),
  s3ExpressGet: price(0.000_03, '1,000 requests', S3),
  s3ExpressUploadGb: price(0.0032, 'GB', S3),
  s3ExpressRetrievalGb: price(0.0006, 'GB', S3),
  cloudFrontHttpsRequests: price(0.01, '10,000 requests', CLOUDFRONT),
  originShieldRequests: price(0.0075, '10,000 requests', CLOUDFRONT),
  httpApiRequests: price(1, '1,000,000 requests', 'Amazon API Gateway Pricing, HTTP APIs'),
  lambdaRequests: price(0.2, '1,000,000 requests', 'AWS Lambda Pricing'),
  lambdaArmGbSecond: price(0.000_013_333_4, 'GB-second', 'AWS Lambda Pricing, Arm'),
  wafRequests: price(0.6, '1,000,000 requests', 'AWS WAF Pricing'),
  logsIngestGb: price(0.5, 'GB', 'Amazon CloudWatch Pricing'),
} as const;

/** CloudFront data to the internet, United States and Europe: monthly tiers, the last without an end. */
export const CLOUDFRONT_GB_TIERS: readonly { readonly upToGb: number; readonly usdPerGb: number }[] = [
  { upToGb: 10_240, usdPerGb: 0.085 },
  { upToGb: 51_200, usdPerGb: 0.08 },
  { upToGb: 153_600, usdPerGb: 0.06 },
  { upToGb: 512_000, usdPerGb: 0.04 },
  { upToGb: 1_048_576, usdPerGb: 0.03 },
  { upToGb: 5_242_880, usdPerGb: 0.025 },
  { upToGb: Number.POSITIVE_INFINITY, usdPerGb: 0.02 },
];

/**
 * For the same work by AWS's media services. MediaLive's were read in the named example. Those of MediaPackage and
 * IVS are from memory of their price pages, whose tables could not be read when this was written; a copy of AWS's
 * price list of September 2024 has 0.031 to 0.043 per GB of ingest and 0.05 to 0.06 per GB of origination in other
 * regions, which fits. How the services charge (by GB in and out; by channel hour and viewer hour) was read there.
 */
export const ALTERNATIVE_PRICES = {
  /**
   * The example's input is AVC at 10-20 Mbps. HEVC at up to 50 Mbps costs more, so the comparison is kind to
   * MediaLive.
   */
  mediaLiveHdInput: price(
    0.294,
    'hour',
    'AWS Solutions, Live Streaming on AWS with Amazon S3, cost example 2, table 7',
  ),
  mediaLiveSdOutput: price(
    0.354,
    'hour',
    'AWS Solutions, Live Streaming on AWS with Amazon S3, cost example 2, table 7',
  ),
  mediaPackageIngestGb: price(0.03, 'GB', 'AWS Elemental MediaPackage Pricing (amount not confirmed)'),
  mediaPackageOriginGb: price(0.05, 'GB', 'AWS Elemental MediaPackage Pricing (amount not confirmed)'),
  ivsStandardInput: price(2, 'hour', 'Amazon IVS Pricing, low-latency streaming (amount not confirmed)'),
  ivsSdOutput: price(
    0.0375,
    'viewer-hour',
    'Amazon IVS Pricing, North America, first 10,000 hours (amount not confirmed)',
  ),
} as const;

/** Quotas that the plan is held against (AWS General Reference, defaults; most can be raised). */
export const QUOTAS = {
  cloudFrontRequestsPerSecond: { limit: 250_000, source: 'CloudFront quotas, per distribution' },
  cloudFrontGbps: { limit: 150, source: 'CloudFront quotas, data transfer rate per distribution' },
  nlbListeners: { limit: 50, source: 'Network Load Balancer quotas' },
  lambdaConcurrency: { limit: 1_000, source: 'Lambda quotas, per region' },
  onDemandGVcpus: {
    limit: 64,
    source: 'EC2 quotas, running on-demand G and VT instances (varies by account)',
  },
} as const;
