/**
 * The delivery modes: what each asks of the network, and how often. The players read their plan from here and
 * are held to these rates by tests; the cost planner reckons with the same numbers: requests are most of what
 * delivery costs.
 */
import { SEED_PROFILE } from './profile.ts';

export const ENGINES = ['clock-mse', 'hls-js'] as const;
export type Engine = (typeof ENGINES)[number];

/** How often the panes ask for media: the trade between latency and request fees (DESIGN 3). */
export const DELIVERY_MODES = ['lowest-latency', 'balanced', 'economy'] as const;
export type DeliveryMode = (typeof DELIVERY_MODES)[number];

export interface DeliveryPlan {
  /** All panes play at least this far behind the wall clock, ms. What a pane needs beyond it is added. */
  readonly latencyMinMs: number;
  /** Whether media is taken while it is made, part by part, or once it is whole. */
  readonly taken: 'as-it-grows' | 'whole';
  /** Segments that come in one answer. */
  readonly segmentsPerRequest: number;
}

/** A pair of finished segments is one address: `{2k}-{2k+1}.m4s`. */
export const JOINED_SEGMENT_COUNT = 2;

export const DELIVERY_PLANS: Readonly<Record<DeliveryMode, DeliveryPlan>> = {
  'lowest-latency': { latencyMinMs: 100, taken: 'as-it-grows', segmentsPerRequest: 1 },
  balanced: { latencyMinMs: 1_000, taken: 'whole', segmentsPerRequest: 1 },
  economy: { latencyMinMs: 2_000, taken: 'whole', segmentsPerRequest: JOINED_SEGMENT_COUNT },
};

const segmentsPerSecond = 1_000 / SEED_PROFILE.segmentMs;
const partsPerSecond = 1_000 / SEED_PROFILE.partMs;

function clockRequestsPerSecond(mode: DeliveryMode): number {
  return segmentsPerSecond / DELIVERY_PLANS[mode].segmentsPerRequest;
}

/**
 * Requests per second of one rendition that plays. The clock engine asks for each answer of its plan once.
 * hls.js asks for a playlist and a part each part, or a playlist and a segment each segment.
 */
export const REQUESTS_PER_SECOND: Readonly<Record<Engine, Readonly<Record<DeliveryMode, number>>>> = {
  'clock-mse': {
    'lowest-latency': clockRequestsPerSecond('lowest-latency'),
    balanced: clockRequestsPerSecond('balanced'),
    economy: clockRequestsPerSecond('economy'),
  },
  'hls-js': {
    'lowest-latency': 2 * partsPerSecond,
    balanced: 2 * segmentsPerSecond,
    economy: 2 * segmentsPerSecond,
  },
};
