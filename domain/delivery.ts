/**
 * How often a player asks, by engine and delivery mode. The cost planner reckons with these numbers, and the
 * players are held to them by tests: requests are most of what delivery costs.
 */
import { SEED_PROFILE } from './profile.ts';

export const ENGINES = ['clock-mse', 'hls-js'] as const;
export type Engine = (typeof ENGINES)[number];

/** How often the panes ask for media: the trade between latency and request fees (DESIGN 3). */
export const DELIVERY_MODES = ['lowest-latency', 'balanced', 'economy'] as const;
export type DeliveryMode = (typeof DELIVERY_MODES)[number];

const segmentsPerSecond = 1_000 / SEED_PROFILE.segmentMs;
const partsPerSecond = 1_000 / SEED_PROFILE.partMs;

/**
 * Requests per second of one rendition that plays. The clock engine asks for each segment once, in every mode,
 * and reads it as it grows. hls.js asks for a playlist and a part each part, or a playlist and a segment each
 * segment.
 */
export const REQUESTS_PER_SECOND: Readonly<Record<Engine, Readonly<Record<DeliveryMode, number>>>> = {
  'clock-mse': {
    'lowest-latency': segmentsPerSecond,
    balanced: segmentsPerSecond,
    economy: segmentsPerSecond,
  },
  'hls-js': {
    'lowest-latency': 2 * partsPerSecond,
    balanced: 2 * segmentsPerSecond,
    economy: 2 * segmentsPerSecond,
  },
};
