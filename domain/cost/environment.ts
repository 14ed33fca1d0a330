/** What the cost planner must know of an environment, and the sizes of the GPU hosts that it can have. */
import * as z from 'zod';

/** What one GPU instance type offers, as AWS states it, and what a feed takes of it (docs/scaling.md). */
export const GPU_INSTANCE_TYPES = {
  'g5.xlarge': { vcpuCount: 4, memoryMiB: 16_384, gpuCount: 1, maxTrunkedTasks: 10 },
  'g5.2xlarge': { vcpuCount: 8, memoryMiB: 32_768, gpuCount: 1, maxTrunkedTasks: 18 },
  'g5.4xlarge': { vcpuCount: 16, memoryMiB: 65_536, gpuCount: 1, maxTrunkedTasks: 54 },
  'g6.xlarge': { vcpuCount: 4, memoryMiB: 16_384, gpuCount: 1, maxTrunkedTasks: 10 },
  'g6.2xlarge': { vcpuCount: 8, memoryMiB: 32_768, gpuCount: 1, maxTrunkedTasks: 18 },
  'g6.4xlarge': { vcpuCount: 16, memoryMiB: 65_536, gpuCount: 1, maxTrunkedTasks: 54 },
} as const;
export type GpuInstanceType = keyof typeof GPU_INSTANCE_TYPES;

// Object.keys forgets the type of the keys.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const GPU_INSTANCE_TYPE_NAMES = Object.keys(GPU_INSTANCE_TYPES) as [GpuInstanceType, ...GpuInstanceType[]];

/** The part of an environment (lib/config.ts) that costs money by the hour. */
export const costEnvironmentSchema = z.object({
  name: z.string(),
  egress: z.enum(['public-hosts', 'nat']),
  ingest: z.object({ slotCount: z.int() }),
  gpu: z.object({
    instanceType: z.enum(GPU_INSTANCE_TYPE_NAMES),
    feedsPerInstance: z.int(),
    minInstances: z.int(),
    maxInstances: z.int(),
    targetCapacityPercent: z.int(),
  }),
  state: z.object({ nodeType: z.string(), replicaCount: z.int() }),
  origin: z.object({ cpuUnits: z.int(), memoryMiB: z.int(), minTasks: z.int() }),
});
export type CostEnvironment = z.output<typeof costEnvironmentSchema>;

/**
 * The environment `prod` of lib/config.ts, for who has no environment of AWS: one machine says what the same
 * audience would cost there. A test holds the two equal.
 */
export const REFERENCE_ENVIRONMENT: CostEnvironment = {
  name: 'prod',
  egress: 'nat',
  ingest: { slotCount: 25 },
  gpu: {
    instanceType: 'g5.2xlarge',
    feedsPerInstance: 5,
    minInstances: 2,
    maxInstances: 6,
    targetCapacityPercent: 80,
  },
  state: { nodeType: 'cache.m7g.large', replicaCount: 1 },
  origin: { cpuUnits: 2_048, memoryMiB: 4_096, minTasks: 4 },
};
