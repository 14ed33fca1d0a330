/**
 * The environments of mirror on AWS: every number that differs between them, in one checked place. A stack
 * never asks "is this prod?"; it reads a value from here.
 */
import { z } from 'zod';
import { GPU_INSTANCE_TYPES, type GpuInstanceType } from '../domain/cost/environment.ts';
import { SEED_LIMITS } from '../domain/profile.ts';

const cidrSchema = z
  .string()
  .regex(/^(\d{1,3}\.){3}\d{1,3}\/\d{1,2}$/, 'must be an IPv4 CIDR such as 203.0.113.0/24');

const zoneIdSchema = z.string().regex(/^[a-z0-9]+-az\d$/, 'must be an availability zone id such as use1-az4');

export { GPU_INSTANCE_TYPES, type GpuInstanceType };

export const environmentSchema = z
  .strictObject({
    /** Part of every resource name and tag. */
    name: z
      .string()
      .regex(/^[a-z][a-z0-9-]{1,15}$/, 'must be 2-16 of a-z, 0-9 and -, beginning with a letter'),
    /** The region; the account is the one that the credentials belong to. */
    region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/),
    /**
     * Two availability zone ids. The first holds the directory bucket and the GPUs. S3 Express One Zone is not
     * in every zone; the list is in the S3 User Guide, "S3 Express One Zone Availability Zones and Regions".
     * Ids and not names, because a name means another zone in another account.
     */
    zoneIds: z.tuple([zoneIdSchema, zoneIdSchema]),
    vpcCidr: cidrSchema,
    /**
     * How hosts reach AWS's APIs. `public-hosts`: hosts have public addresses and no open port, Lambdas use two
     * interface endpoints; cheapest, and a runner cannot call out (no SRT caller). `nat`: everything that
     * computes is in private subnets behind one NAT gateway per zone.
     */
    egress: z.enum(['public-hosts', 'nat']),
    /** Ingest slots: one NLB listener each. An NLB takes 50 listeners (Network Load Balancer quotas). */
    ingest: z.strictObject({
      slotCount: z.int().min(1).max(50),
      firstPort: z.int().min(1_024).max(65_000),
      /** Who may send feeds. The only ports that are open to the internet are those of the slots. */
      allowedCidrs: z.array(cidrSchema).min(1).max(20),
    }),
    gpu: z.strictObject({
      instanceType: z.enum(Object.keys(GPU_INSTANCE_TYPES) as [GpuInstanceType, ...GpuInstanceType[]]),
      /** Feeds that share one instance's GPU; bounds CPU and memory per task. */
      feedsPerInstance: z.int().min(1).max(16),
      minInstances: z.int().min(0).max(50),
      maxInstances: z.int().min(1).max(50),
      /** Percent of the group that ECS tries to use; below 100 keeps room so that a start does not wait. */
      targetCapacityPercent: z.int().min(1).max(100),
    }),
    state: z.strictObject({
      nodeType: z.string().regex(/^cache\.[a-z0-9]+\.[a-z0-9]+$/),
      replicaCount: z.int().min(0).max(5),
    }),
    origin: z.strictObject({
      cpuUnits: z.union([z.literal(512), z.literal(1_024), z.literal(2_048), z.literal(4_096)]),
      memoryMiB: z.int().min(1_024).max(30_720),
      minTasks: z.int().min(1).max(50),
      maxTasks: z.int().min(1).max(100),
    }),
    /** Exports of recordings: Spot instances that are there only while there is work. */
    batch: z.strictObject({
      /** Several, so that a type that runs out in the zone does not hold exports up. No job asks for the GPU. */
      instanceTypes: z
        .array(z.string().regex(/^[a-z0-9]+\.[a-z0-9]+$/))
        .min(1)
        .max(10),
      maxVcpus: z.int().min(4).max(256),
    }),
    viewers: z.strictObject({ limit: z.int().min(1).max(50_000), streamsPerViewer: z.int().min(1).max(6) }),
    delivery: z.strictObject({
      priceClass: z.enum(['PriceClass_100', 'PriceClass_200', 'PriceClass_All']),
      /** Own domain: both or none. The certificate must be in us-east-1 (CloudFront Developer Guide). */
      domainName: z.string().max(253).optional(),
      certificateArn: z.string().startsWith('arn:aws:acm:us-east-1:').optional(),
      /** Requests per 5 minutes and address before WAF blocks, on the API and the page. */
      wafRequestsPer5Minutes: z.int().min(100).max(2_000_000),
    }),
    /** Newest first. A rotation puts a new number in front, and takes the last one away days later. */
    signingKeyGenerations: z.array(z.int().min(1)).min(1).max(4),
    retention: z.strictObject({
      logDays: z.union([z.literal(7), z.literal(14), z.literal(30), z.literal(90)]),
      recordingDays: z.int().min(1).max(3_650),
      /** False: `cdk destroy` removes data too. True: it stays, and stacks are protected from deletion. */
      keepData: z.boolean(),
    }),
    budgetUsdPerMonth: z.number().min(10),
    /** Receives alarms and budget warnings. */
    alarmEmail: z.email().optional(),
  })
  .superRefine((environment, context) => {
    const problem = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
    const { gpu, ingest, origin, delivery, state, retention } = environment;
    if (environment.zoneIds[0] === environment.zoneIds[1])
      problem(['zoneIds'], 'must be two different zones');
    if (new Set(environment.signingKeyGenerations).size !== environment.signingKeyGenerations.length)
      problem(['signingKeyGenerations'], 'each generation may be named once');
    if (gpu.minInstances > gpu.maxInstances)
      problem(['gpu', 'minInstances'], `must not exceed maxInstances (${gpu.maxInstances})`);
    if (gpu.maxInstances * gpu.feedsPerInstance < ingest.slotCount)
      problem(
        ['gpu', 'maxInstances'],
        `${gpu.maxInstances} instances of ${gpu.feedsPerInstance} feeds cannot run ${ingest.slotCount} slots`,
      );
    if (gpu.feedsPerInstance > GPU_INSTANCE_TYPES[gpu.instanceType].maxTrunkedTasks)
      problem(
        ['gpu', 'feedsPerInstance'],
        `${gpu.instanceType} takes at most ${GPU_INSTANCE_TYPES[gpu.instanceType].maxTrunkedTasks} tasks`,
      );
    if (origin.minTasks > origin.maxTasks)
      problem(['origin', 'minTasks'], `must not exceed maxTasks (${origin.maxTasks})`);
    if ((delivery.domainName === undefined) !== (delivery.certificateArn === undefined))
      problem(['delivery', 'domainName'], 'domainName and certificateArn go together: give both or none');
    if (retention.keepData && state.replicaCount < 1)
      problem(
        ['state', 'replicaCount'],
        'an environment that keeps its data needs a replica in a second zone',
      );
  });
export type Environment = z.output<typeof environmentSchema>;

export const ANYWHERE = '0.0.0.0/0';

const dev: Environment = {
  name: 'dev',
  region: 'us-east-1',
  zoneIds: ['use1-az4', 'use1-az6'],
  vpcCidr: '10.40.0.0/20',
  egress: 'public-hosts',
  ingest: { slotCount: 3, firstPort: 9_001, allowedCidrs: [ANYWHERE] },
  gpu: {
    instanceType: 'g5.xlarge',
    feedsPerInstance: 3,
    minInstances: 1,
    maxInstances: 1,
    targetCapacityPercent: 100,
  },
  state: { nodeType: 'cache.t4g.micro', replicaCount: 0 },
  origin: { cpuUnits: 512, memoryMiB: 1_024, minTasks: 1, maxTasks: 2 },
  batch: { instanceTypes: ['g5.xlarge', 'g6.xlarge', 'g4dn.xlarge'], maxVcpus: 4 },
  viewers: { limit: 100, streamsPerViewer: SEED_LIMITS.streamsPerViewer },
  delivery: { priceClass: 'PriceClass_100', wafRequestsPer5Minutes: 10_000 },
  signingKeyGenerations: [1],
  retention: { logDays: 7, recordingDays: 7, keepData: false },
  budgetUsdPerMonth: 900,
};

const staging: Environment = {
  ...dev,
  name: 'staging',
  vpcCidr: '10.41.0.0/20',
  egress: 'nat',
  ingest: { slotCount: 6, firstPort: 9_001, allowedCidrs: [ANYWHERE] },
  gpu: {
    instanceType: 'g5.xlarge',
    feedsPerInstance: 3,
    minInstances: 1,
    maxInstances: 3,
    targetCapacityPercent: 75,
  },
  state: { nodeType: 'cache.t4g.small', replicaCount: 1 },
  origin: { cpuUnits: 1_024, memoryMiB: 2_048, minTasks: 2, maxTasks: 4 },
  viewers: { limit: 500, streamsPerViewer: SEED_LIMITS.streamsPerViewer },
  retention: { logDays: 14, recordingDays: 14, keepData: false },
  budgetUsdPerMonth: 3_000,
};

const prod: Environment = {
  ...staging,
  name: 'prod',
  vpcCidr: '10.42.0.0/20',
  ingest: { slotCount: SEED_LIMITS.streamCount, firstPort: 9_001, allowedCidrs: [ANYWHERE] },
  // 25 feeds of 1080p60 at 5 to a GPU are 5 instances, and one spare: docs/scaling.md has the sums.
  gpu: {
    instanceType: 'g5.2xlarge',
    feedsPerInstance: 5,
    minInstances: 2,
    maxInstances: 6,
    targetCapacityPercent: 80,
  },
  state: { nodeType: 'cache.m7g.large', replicaCount: 1 },
  origin: { cpuUnits: 2_048, memoryMiB: 4_096, minTasks: 4, maxTasks: 20 },
  // A day of 25 recorded feeds is some 9 core hours of exports (docs/aws.md); 16 jobs at a time do it in one.
  batch: { ...dev.batch, maxVcpus: 32 },
  viewers: { limit: SEED_LIMITS.viewerCount, streamsPerViewer: SEED_LIMITS.streamsPerViewer },
  delivery: { priceClass: 'PriceClass_All', wafRequestsPer5Minutes: 20_000 },
  retention: { logDays: 90, recordingDays: 365, keepData: true },
  budgetUsdPerMonth: 25_000,
};

export const ENVIRONMENTS: Readonly<Record<string, Environment>> = { dev, staging, prod };

/**
 * The checked environment of a name.
 *
 * @throws Error that lists every problem at once, in words.
 */
export function loadEnvironment(
  name: string | undefined,
  overrides: Readonly<Record<string, unknown>> = {},
): Environment {
  const known = Object.keys(ENVIRONMENTS).join(', ');
  if (!name) throw new Error(`Say which environment: -c env=NAME, one of ${known}.`);
  const base = ENVIRONMENTS[name];
  if (!base)
    throw new Error(`There is no environment "${name}". Use one of ${known}, or add it to lib/config.ts.`);
  const parsed = environmentSchema.safeParse({ ...base, ...overrides });
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    (issue) => `  ${issue.path.join('.') || '(whole)'}: ${issue.message}`,
  );
  throw new Error(`The environment "${name}" in lib/config.ts has problems:\n${problems.join('\n')}`);
}
