/** The sums of the cost planner. Pure; each formula is a function with a test of its own. */
import { type DeliveryMode, type Engine, REQUESTS_PER_SECOND } from '../delivery.ts';
import { type Profile, SEED_PROFILE } from '../profile.ts';
import { type CostEnvironment, GPU_INSTANCE_TYPES } from './environment.ts';
import {
  ALTERNATIVE_PRICES,
  CACHE_NODE_PRICES,
  CLOUDFRONT_GB_TIERS,
  GPU_HOST_PRICES,
  PRICES,
  QUOTAS,
} from './prices.ts';

export interface Plan {
  readonly environment: CostEnvironment;
  /** Feeds that run at the same time. */
  readonly feedCount: number;
  readonly viewerCount: number;
  readonly panesPerViewer: number;
  readonly delivery: DeliveryMode;
  readonly engine: Engine;
  /** What cameras send, for the load balancer. */
  readonly ingestBps: number;
  /** Hours per month that the event runs: CloudFront's tiers are monthly. */
  readonly hoursPerMonth: number;
}

export interface CostLine {
  readonly service: string;
  readonly usdPerHour: number;
  readonly how: string;
}

/** A pane plays video alone, and one audible pane of each viewer adds the audio rendition. */
export function requestsPerSecond(
  plan: Pick<Plan, 'viewerCount' | 'panesPerViewer' | 'delivery' | 'engine'>,
): number {
  const perRendition = REQUESTS_PER_SECOND[plan.engine][plan.delivery];
  return plan.viewerCount * (plan.panesPerViewer + 1) * perRendition;
}

/** Media bits per second to all viewers, with 3% for boxes and headers. */
export function deliveryBps(
  plan: Pick<Plan, 'viewerCount' | 'panesPerViewer'>,
  profile: Profile = SEED_PROFILE,
): number {
  const perViewer = plan.panesPerViewer * profile.video.bitrateBps + profile.audio.bitrateBps;
  return plan.viewerCount * perViewer * 1.03;
}

/** Gigabytes (10^9) in an hour at a bit rate. */
export function gbPerHour(bps: number): number {
  return (bps * 3_600) / 8 / 1e9;
}

/** Dollars per hour for data, at the average of the month's tiers. */
export function cloudFrontDataUsdPerHour(gbEachHour: number, hoursPerMonth: number): number {
  const monthGb = gbEachHour * hoursPerMonth;
  if (monthGb === 0) return 0;
  let usd = 0;
  let fromGb = 0;
  for (const { upToGb, usdPerGb } of CLOUDFRONT_GB_TIERS) {
    usd += Math.max(0, Math.min(monthGb, upToGb) - fromGb) * usdPerGb;
    fromGb = upToGb;
  }
  return usd / hoursPerMonth;
}

export function cloudFrontRequestsUsdPerHour(perSecond: number): number {
  return ((perSecond * 3_600) / 10_000) * PRICES.cloudFrontHttpsRequests.usd;
}

/** Hosts that the feeds need, and those that wait so that a start does not. */
export function gpuHostCount({ environment, feedCount }: Pick<Plan, 'environment' | 'feedCount'>): number {
  const { feedsPerInstance, minInstances, maxInstances, targetCapacityPercent } = environment.gpu;
  const busy = Math.ceil(feedCount / feedsPerInstance);
  const wanted = Math.ceil((busy * 100) / targetCapacityPercent);
  return Math.min(maxInstances, Math.max(minInstances, wanted));
}

/** Parts of both tracks, stored once each. */
export function partsPerSecond(feedCount: number, profile: Profile = SEED_PROFILE): number {
  return (feedCount * 2 * 1_000) / profile.partMs;
}

/** NLCU of UDP: 1 GB per hour is the dimension that counts; flows are few (ELB pricing). */
export function networkLoadBalancerUnits(feedCount: number, ingestBps: number): number {
  return gbPerHour(feedCount * ingestBps);
}

export function costLines(plan: Plan): CostLine[] {
  const { environment, feedCount, viewerCount, hoursPerMonth } = plan;
  const perSecond = requestsPerSecond(plan);
  const gb = gbPerHour(deliveryBps(plan));
  const hosts = gpuHostCount(plan);
  const parts = partsPerSecond(feedCount);
  const mediaGb = gbPerHour(feedCount * (SEED_PROFILE.video.bitrateBps + SEED_PROFILE.audio.bitrateBps));
  const units = networkLoadBalancerUnits(feedCount, plan.ingestBps);
  const { origin, state } = environment;
  const renewals = viewerCount / 30;
  const lambdaGbSeconds = renewals * 3_600 * 0.015;
  const lines: CostLine[] = [
    {
      service: 'CloudFront requests',
      usdPerHour: cloudFrontRequestsUsdPerHour(perSecond),
      how: `${Math.round(perSecond).toLocaleString('en')} requests/s`,
    },
    {
      service: 'CloudFront data',
      usdPerHour: cloudFrontDataUsdPerHour(gb, hoursPerMonth),
      how: `${((gb * 8) / 3_600).toFixed(1)} Gbps, tiers of ${hoursPerMonth} h a month`,
    },
    {
      service: 'Origin Shield',
      // Shield asks the origin once per object and edge region: a part, a playlist and a segment per part.
      usdPerHour: ((parts * 3 * 3_600) / 10_000) * PRICES.originShieldRequests.usd,
      how: `${Math.round(parts * 3)} requests/s`,
    },
    {
      service: 'GPU hosts',
      usdPerHour: hosts * GPU_HOST_PRICES[environment.gpu.instanceType].usd,
      how: `${hosts} x ${environment.gpu.instanceType}`,
    },
    {
      service: 'Ingest load balancer',
      usdPerHour: PRICES.networkLoadBalancer.usd + units * PRICES.networkLoadBalancerUnit.usd,
      how: `${units.toFixed(0)} GB an hour from ${feedCount} feeds`,
    },
    {
      service: 'S3 Express',
      usdPerHour:
        ((parts * 3_600) / 1_000) * (PRICES.s3ExpressPut.usd + origin.minTasks * PRICES.s3ExpressGet.usd) +
        mediaGb * (PRICES.s3ExpressUploadGb.usd + origin.minTasks * PRICES.s3ExpressRetrievalGb.usd),
      how: `${parts} parts/s written once, read by ${origin.minTasks} origins`,
    },
    {
      service: 'Origin',
      usdPerHour:
        origin.minTasks *
          ((origin.cpuUnits / 1_024) * PRICES.fargateArmVcpu.usd +
            (origin.memoryMiB / 1_024) * PRICES.fargateArmGb.usd) +
        PRICES.applicationLoadBalancer.usd,
      how: `${origin.minTasks} tasks of ${origin.cpuUnits / 1_024} vCPU`,
    },
    {
      service: 'Valkey',
      usdPerHour: (1 + state.replicaCount) * (CACHE_NODE_PRICES[state.nodeType]?.usd ?? Number.NaN),
      how: `${1 + state.replicaCount} x ${state.nodeType}`,
    },
    {
      service: 'Control API',
      usdPerHour:
        ((renewals * 3_600) / 1e6) *
          (PRICES.httpApiRequests.usd + 2 * PRICES.lambdaRequests.usd + PRICES.wafRequests.usd) +
        lambdaGbSeconds * PRICES.lambdaArmGbSecond.usd,
      how: `${renewals.toFixed(0)} renewals/s`,
    },
    {
      service: 'Network',
      usdPerHour:
        environment.egress === 'nat'
          ? 2 * PRICES.natGateway.usd + 3 * PRICES.publicIpv4.usd
          : 2 * PRICES.interfaceEndpoint.usd + (hosts + origin.minTasks + 1) * PRICES.publicIpv4.usd,
      how: environment.egress === 'nat' ? '2 NAT gateways' : '2 interface endpoints, public addresses',
    },
  ];
  return lines;
}

export function totalUsdPerHour(lines: readonly CostLine[]): number {
  return lines.reduce((sum, line) => sum + line.usdPerHour, 0);
}

/** MediaLive + MediaPackage + CloudFront: one SD rendition per feed, segments of 1 s in every pane. */
export function mediaLiveUsdPerHour(plan: Plan): number {
  const { mediaLiveHdInput, mediaLiveSdOutput, mediaPackageIngestGb, mediaPackageOriginGb } =
    ALTERNATIVE_PRICES;
  const feedGb = gbPerHour(SEED_PROFILE.video.bitrateBps + SEED_PROFILE.audio.bitrateBps);
  const perFeed = mediaLiveHdInput.usd + mediaLiveSdOutput.usd + feedGb * mediaPackageIngestGb.usd;
  const origin = plan.feedCount * feedGb * mediaPackageOriginGb.usd;
  const requests = plan.viewerCount * plan.panesPerViewer * 2;
  return (
    plan.feedCount * perFeed +
    origin +
    cloudFrontRequestsUsdPerHour(requests) +
    cloudFrontDataUsdPerHour(gbPerHour(deliveryBps(plan)), plan.hoursPerMonth)
  );
}

/** IVS charges each pane as a viewer; its input takes 8.5 Mbps at most, so a 50 Mbps feed must be made smaller first. */
export function ivsUsdPerHour(plan: Plan): number {
  const { ivsStandardInput, ivsSdOutput } = ALTERNATIVE_PRICES;
  return plan.feedCount * ivsStandardInput.usd + plan.viewerCount * plan.panesPerViewer * ivsSdOutput.usd;
}

export interface QuotaUse {
  readonly quota: string;
  readonly need: number;
  readonly limit: number;
  readonly source: string;
}

/** Each quota that the plan touches; `need > limit` must be raised or the plan be split. */
export function quotaUses(plan: Plan): QuotaUse[] {
  const use = (quota: string, need: number, { limit, source }: { limit: number; source: string }) => ({
    quota,
    need,
    limit,
    source,
  });
  const { vcpuCount } = GPU_INSTANCE_TYPES[plan.environment.gpu.instanceType];
  return [
    use('CloudFront requests/s', requestsPerSecond(plan), QUOTAS.cloudFrontRequestsPerSecond),
    use('CloudFront Gbps', deliveryBps(plan) / 1e9, QUOTAS.cloudFrontGbps),
    use('NLB listeners', plan.environment.ingest.slotCount, QUOTAS.nlbListeners),
    use('Lambda concurrency', Math.ceil((plan.viewerCount / 30) * 0.05), QUOTAS.lambdaConcurrency),
    use('G instance vCPUs', gpuHostCount(plan) * vcpuCount, QUOTAS.onDemandGVcpus),
    use('Tasks per GPU host', Math.ceil(plan.feedCount / gpuHostCount(plan)), {
      limit: GPU_INSTANCE_TYPES[plan.environment.gpu.instanceType].maxTrunkedTasks,
      source: 'ECS, task networking with ENI trunking',
    }),
  ];
}
