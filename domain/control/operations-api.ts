/** The routes that an operator's console lives on, as data like those of api.ts. */
import * as z from 'zod';
import { STREAM_STATES, streamIdSchema } from '../stream.ts';
import { SAMPLE_LIMITS, SAMPLED_COUNTERS } from './stream-sample.ts';

const instantSchema = z.iso.datetime().describe('RFC 3339, UTC');
const streamParams = z.strictObject({ streamId: streamIdSchema });

/** What the runner reports, as far as it is promised; it may say more. */
export const runnerReportSchema = z.looseObject({ state: z.string(), reportedAt: instantSchema });

/** What to enter into the encoder. */
export const ingestTargetSchema = z.object({
  host: z.string(),
  port: z.int(),
  url: z.string(),
  passphrase: z.string().optional(),
  media: z
    .array(z.object({ medium: z.enum(['audio', 'video']), port: z.int(), url: z.string() }))
    .readonly()
    .optional()
    .describe('Of an SDP with two media: where each of them is to be sent.'),
});

export const SAMPLE_SERIES = ['ingestBitrateBps', 'partLatencyMs', ...SAMPLED_COUNTERS] as const;
export type SampleSeries = (typeof SAMPLE_SERIES)[number];

const streamMetricsSchema = z.object({
  streamId: streamIdSchema,
  intervalMs: z.int().describe('Length of the interval that each sample stands for.'),
  atMs: z
    .array(z.int())
    .describe('End of each interval, Unix ms, oldest first. Silent intervals are left out.'),
  states: z.array(z.enum(STREAM_STATES)),
  series: z
    .record(z.enum(SAMPLE_SERIES), z.array(z.number()))
    .describe('One value for each of `atMs`; counts are the increase within the interval.'),
});
export type StreamMetricsView = z.output<typeof streamMetricsSchema>;

const signedFolderSchema = z.object({
  baseUrl: z.string().describe('Scheme, host and path, with a slash at its end.'),
  path: z.string().describe('The same without scheme and host.'),
  query: z
    .record(z.string(), z.string())
    .describe('The signature for all below it; empty where none is needed.'),
});

const previewSchema = z.object({
  streamId: streamIdSchema,
  media: signedFolderSchema.describe('Init segments, segments and playlists of the live stream.'),
  recordings: signedFolderSchema.describe('`list.json` there names the recordings, newest last.'),
  expiresAt: instantSchema.describe('The signatures end then.'),
});
export type PreviewView = z.output<typeof previewSchema>;

const usdPerHourSchema = z.number().min(0);
const capacitySchema = z.object({
  slots: z.object({
    count: z.int(),
    usedCount: z.int(),
    holders: z.array(z.object({ slotIndex: z.int(), streamId: z.string() })),
  }),
  runners: z.object({ onGpuCount: z.int(), onCpuCount: z.int() }).describe('By what they reported last.'),
  hosts: z.discriminatedUnion('kind', [
    z
      .object({ kind: z.literal('machine'), cpuCount: z.int(), loadShare: z.number().min(0).max(1) })
      .describe('All on one machine; the share of its CPUs that is busy.'),
    z
      .object({
        kind: z.literal('gpu-hosts'),
        instanceType: z.string(),
        hostCount: z.int().describe('As many as the planner reckons with for what runs.'),
        hostCountMax: z.int(),
        feedsPerHost: z.int(),
      })
      .describe('A group of GPU hosts.'),
  ]),
  viewers: z.object({
    viewerCount: z.int(),
    viewerCountMax: z.int(),
    sessionCount: z.int(),
    paneCount: z.int(),
    perStream: z.record(z.string(), z.int()),
  }),
  cost: z.object({
    environment: z.string().describe('Whose sizes the sums are made with.'),
    isPaid: z.boolean().describe('False on one machine: what the same would cost on AWS.'),
    usdPerHour: usdPerHourSchema,
    lines: z.array(z.object({ service: z.string(), usdPerHour: usdPerHourSchema, how: z.string() })),
    assumptions: z.array(z.string()),
  }),
});
export type CapacityView = z.output<typeof capacitySchema>;

export const OPERATIONS_ROUTES = {
  showMetrics: {
    method: 'GET',
    path: '/v1/streams/{streamId}/metrics',
    summary: `Show the last hour of a stream in samples of ${SAMPLE_LIMITS.intervalMs / 1_000} s.`,
    auth: 'operate',
    params: streamParams,
    successStatus: 200,
    answer: streamMetricsSchema,
    errors: ['STREAM_NOT_FOUND'],
  },
  showTarget: {
    method: 'GET',
    path: '/v1/streams/{streamId}/target',
    summary: 'Show where the encoder sends to while the stream runs, with the passphrase.',
    auth: 'operate',
    params: streamParams,
    successStatus: 200,
    answer: z.object({
      target: ingestTargetSchema.optional().describe('Absent while it does not run, and for srt-caller.'),
    }),
    errors: ['STREAM_NOT_FOUND'],
  },
  previewStream: {
    method: 'GET',
    path: '/v1/streams/{streamId}/preview',
    summary:
      "Sign a stream's media and recordings for its operator. No session is opened, no viewer counted.",
    auth: 'operate',
    params: streamParams,
    successStatus: 200,
    answer: previewSchema,
    errors: ['STREAM_NOT_FOUND'],
  },
  showCapacity: {
    method: 'GET',
    path: '/v1/capacity',
    summary: 'Show what is used of slots, hosts and viewers, and what that costs by the hour.',
    auth: 'operate',
    successStatus: 200,
    answer: capacitySchema,
    errors: [],
  },
} as const;
