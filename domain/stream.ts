/** What a stream is: its identity, how its feed arrives, and the states of its life. */
import * as z from 'zod';
import { SEED_LIMITS } from './profile.ts';
import { STREAM_ID_PATTERN } from './stream-id.ts';

/** Lower-case letters, digits and hyphens; usable in a host name, a path and an S3 key alike. */
export const streamIdSchema = z
  .string()
  .regex(STREAM_ID_PATTERN, 'must be 1-40 of a-z, 0-9 and inner hyphens');

const portSchema = z.int().min(1).max(65_535);
const hostSchema = z.string().min(1).max(253);

/** SRT allows passphrases of 10 to 79 characters (SRT API, SRTO_PASSPHRASE). */
export const passphraseSchema = z
  .string()
  .min(10, 'must have 10 to 79 characters')
  .max(79, 'must have 10 to 79 characters')
  .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces');

const srtCommon = {
  latencyMs: z.int().min(20).max(8_000).default(SEED_LIMITS.srtLatencyMs),
  passphrase: passphraseSchema.optional(),
  /** At most 512 bytes (SRT Access Control). As a listener: only this streamid is let in, when given. */
  streamId: z.string().min(1).max(512).optional(),
};

export const ingestSchema = z.discriminatedUnion('protocol', [
  z.strictObject({
    protocol: z.literal('srt-listener'),
    host: hostSchema.default('::'),
    port: portSchema,
    ...srtCommon,
  }),
  z.strictObject({ protocol: z.literal('srt-caller'), host: hostSchema, port: portSchema, ...srtCommon }),
  /** MPEG-TS in RTP, payload type 33 (RFC 2250). */
  z.strictObject({
    protocol: z.literal('rtp-mpegts'),
    host: hostSchema.default('::'),
    port: portSchema,
    /** Only packets from these addresses are taken. RTP has no authentication of its own. */
    allowedSources: z.array(hostSchema).max(32).optional(),
  }),
  /** Elementary streams in RTP, described by an SDP (RFC 7798, RFC 6184, RFC 3640, RFC 7587). */
  z.strictObject({
    protocol: z.literal('rtp-sdp'),
    sdp: z.string().min(1).max(16_384),
    allowedSources: z.array(hostSchema).max(32).optional(),
  }),
]);
export type Ingest = z.output<typeof ingestSchema>;

export const HARDWARE = ['auto', 'cpu', 'nvidia'] as const;
export type Hardware = (typeof HARDWARE)[number];

/** States of a stream's life, and which may follow which. */
export const STREAM_STATES = [
  'created',
  'starting',
  'waiting',
  'live',
  'interrupted',
  'stopping',
  'stopped',
  'failed',
] as const;
export type StreamState = (typeof STREAM_STATES)[number];

/** What a runner is told to do. Made by a launcher, checked by the runner before it does anything. */
export const runnerSpecSchema = z.strictObject({
  streamId: streamIdSchema,
  name: z.string().min(1).max(100),
  ingest: ingestSchema,
  frameRate: z.union([z.literal(30), z.literal(50), z.literal(60)]).default(30),
  hardware: z.enum(HARDWARE).default('auto'),
  record: z.boolean().default(false),
  /** What viewers see while the feed is gone: the last picture dimmed with words, or a plain slate. */
  signalLoss: z.enum(['last-picture', 'slate']).default('last-picture'),
  /**
   * When the operator started the stream, in Unix milliseconds. A runner that finds parts of this start goes on
   * from them at once (its predecessor died); without it a runner always waits for its feed.
   */
  startedAtMs: z.number().optional(),
});
export type RunnerSpec = z.output<typeof runnerSpecSchema>;

/** What a runner found out about its feed. */
export interface SourceStatus {
  readonly video?: {
    readonly codec: string;
    readonly profile?: string;
    readonly widthPx: number;
    readonly heightPx: number;
    readonly frameRate?: number;
    readonly pixelFormat?: string;
    readonly interlaced?: boolean;
    readonly decoder: 'cpu' | 'nvidia';
  };
  readonly audio?: { readonly codec: string; readonly sampleRateHz: number; readonly channelCount: number };
  readonly remoteAddress?: string;
  /** Of a feed whose camera tells when it captured each picture. */
  readonly capture?: {
    /** From capture to the decoded picture. */
    readonly delayMs: number;
    /** Held to the instants of the other such feeds; false when its pictures come too late for that. */
    readonly inStep: boolean;
  };
}

/** Counters only grow during a runner's life. Gauges (bitrate) are the last second's. */
export interface RunnerCounters {
  readonly ingestBitrateBps: number;
  readonly ingestByteCount: number;
  readonly continuityErrorCount: number;
  readonly rejectedConnectionCount: number;
  readonly connectionCount: number;
  readonly decodeErrorCount: number;
  readonly repeatedFrameCount: number;
  readonly droppedFrameCount: number;
  readonly timestampJumpCount: number;
  readonly publishedPartCount: number;
  readonly gapCount: number;
  readonly storeErrorCount: number;
  /** Last encoded frame of a part to its announcement, the worst of the last second. */
  readonly partLatencyMs: number;
  /** One PUT into the media store with its retries, the worst of the last second. */
  readonly putLatencyMs?: number;
  /** Of a stream that is recorded: objects of 6 s that are written, and those that are lost. */
  readonly recordedObjectCount?: number;
  readonly lostObjectCount?: number;
}

/** What a runner reports, about once a second and at each change of state. */
/** A feed that was turned away: why, and what the person at its encoder should do. */
export interface RefusedFeed {
  readonly atMs: number;
  readonly reason: string;
  readonly remedy: string;
}

export interface RunnerStatus {
  readonly streamId: string;
  readonly state: Extract<StreamState, 'waiting' | 'live' | 'interrupted' | 'failed'>;
  /** In words, for a person: why the state is what it is. */
  readonly reason?: string;
  readonly atMs: number;
  readonly hardware: 'cpu' | 'nvidia';
  readonly source?: SourceStatus;
  /** The newest, since the runner started. */
  readonly refusedFeed?: RefusedFeed;
  readonly counters: RunnerCounters;
}
