/** What a test feed can be told. Defaults make a small HEVC feed that costs little CPU. */
import { z } from 'zod';
import { feedErrors } from './errors.ts';

export const VIDEO_CODECS = ['hevc', 'hevc-main10', 'hevc-422', 'hevc-422-10', 'h264', 'mpeg2'] as const;
/** How the encoder tells when a picture was captured: not at all, to the microsecond, or as time of day and frame. */
export const CAPTURE_TIMES = ['none', 'precision', 'timecode'] as const;
export const AUDIO_CODECS = ['aac', 'ac3', 'mp2', 'opus', 'none'] as const;

const evenSchema = z.int().min(64).max(7680).multipleOf(2);

export const feedOptionsSchema = z
  .strictObject({
    /**
     * `srt://host:port?...` (query as in FFmpeg: mode=caller|listener, latency in microseconds, passphrase,
     * streamid), `rtp://host:port` (MPEG-TS in RTP), or `rtp+sdp://host:port` (elementary streams in RTP:
     * video on that port, audio two above it).
     */
    to: z.string().regex(/^(srt|rtp|rtp\+sdp):\/\//, 'must begin with srt://, rtp:// or rtp+sdp://'),
    name: z.string().min(1).max(24).default('TEST FEED'),
    feedNumber: z.int().min(0).max(255).default(0),

    videoCodec: z.enum(VIDEO_CODECS).default('hevc'),
    widthPx: evenSchema.default(640),
    heightPx: evenSchema.default(360),
    /** Frames per second as a fraction: 30000/1001 is 29.97. */
    frameRate: z
      .strictObject({ num: z.int().positive(), den: z.int().positive() })
      .default({ num: 30, den: 1 }),
    sampleAspectRatio: z.strictObject({ num: z.int().positive(), den: z.int().positive() }).optional(),
    /** Top field first; H.264 and MPEG-2 only. */
    interlaced: z.boolean().default(false),
    hdr: z.enum(['none', 'pq', 'hlg']).default('none'),
    /** Absent: constant quality, which takes half the CPU of rate control; a 640x360 feed has about 0.6 Mbps. */
    videoBitrateBps: z.int().min(50_000).max(100_000_000).optional(),
    gopMs: z.int().min(100).max(10_000).default(1_000),

    audioCodec: z.enum(AUDIO_CODECS).default('aac'),
    audioChannelCount: z.union([z.literal(1), z.literal(2), z.literal(6)]).default(2),
    audioBitrateBps: z.int().min(16_000).max(640_000).default(128_000),
    beep: z.boolean().default(true),
    /** CEA-608 captions that count the seconds; not with MPEG-2. */
    captions: z.boolean().default(false),
    /**
     * True: audio leaves in bursts of several frames, as FFmpeg's MPEG-TS muxer and many encoders send it.
     * False: each audio frame leaves at once.
     */
    audioBursts: z.boolean().default(false),

    /** How much faster the feed's clock runs than ours, in millionths. */
    driftPpm: z.number().min(-5_000).max(5_000).default(0),
    /** Told beside each picture, by our clock. `timecode` with HEVC only. */
    captureTime: z.enum(CAPTURE_TIMES).default('none'),
    /** PTS of the first frame, in 90 kHz ticks. */
    startPtsTicks: z.int().min(0).default(126_000),
    /** At `atMs` after the start all later timestamps move by `byMs`. */
    timestampJumps: z
      .array(z.strictObject({ atMs: z.int().min(0), byMs: z.int() }))
      .max(64)
      .default([]),
    /** At `atMs` after the start nothing is sent for `forMs`; the connection stays. */
    pauses: z
      .array(z.strictObject({ atMs: z.int().min(0), forMs: z.int().positive() }))
      .max(64)
      .default([]),
    /** Ends cleanly after this time. */
    durationMs: z.int().positive().optional(),
    /** Share of TS packets that are overwritten with random bytes, and that are cut short. */
    garbageRate: z.number().min(0).max(1).default(0),
    truncateRate: z.number().min(0).max(1).default(0),
    /** Seed of all random choices, so that a run can be repeated. */
    seed: z.int().min(1).default(1),
    /**
     * Encodes so much video before the first frame is due, and repeats it after that: the sender then takes
     * next to no CPU. The clock in the picture is right in the first round only.
     */
    rehearsedMs: z.int().min(500).max(600_000).optional(),
    /** `noise`: the whole picture changes, so that it takes many bits. */
    texture: z.enum(['plain', 'noise']).default('plain'),
    /** How long to try to reach the receiver. */
    connectTimeoutMs: z.int().positive().default(10_000),
  })
  .check((context) => {
    const { videoCodec, interlaced, hdr, captureTime } = context.value;
    if (captureTime !== 'none' && videoCodec === 'mpeg2')
      context.issues.push(issue('captureTime', 'not with mpeg2, which has no SEI', context.value));
    if (captureTime === 'timecode' && videoCodec === 'h264')
      context.issues.push(
        issue('captureTime', 'timecode needs a codec of HEVC; h264 takes precision', context.value),
      );
    if (interlaced && videoCodec !== 'h264' && videoCodec !== 'mpeg2')
      context.issues.push(issue('interlaced', 'only with h264 and mpeg2', context.value));
    if (hdr !== 'none' && videoCodec !== 'hevc-main10' && videoCodec !== 'hevc-422-10')
      context.issues.push(issue('hdr', 'needs a 10-bit codec: hevc-main10 or hevc-422-10', context.value));
  });

export type FeedOptions = z.output<typeof feedOptionsSchema>;
export type FeedInput = z.input<typeof feedOptionsSchema>;

/** @throws MirrorError `FEED_OPTIONS` that names every option that is wrong. */
export function parseFeedOptions(input: unknown): FeedOptions {
  const parsed = feedOptionsSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw feedErrors.create('OPTIONS', problems.join('; '));
}

/** 33 bits of PTS wrap after 26.5 hours; this start makes it happen `inMs` after the start. */
export function startPtsThatWraps(inMs: number): number {
  return 2 ** 33 - inMs * 90;
}

/** The SRT address of a receiver, in the form that FFmpeg, OBS and this sender take. */
export function srtUrl(target: {
  readonly host?: string;
  readonly port: number;
  readonly mode?: 'caller' | 'listener';
  readonly latencyMs?: number;
  readonly passphrase?: string;
  readonly streamId?: string;
}): string {
  const query = new URLSearchParams({
    mode: target.mode ?? 'caller',
    latency: String((target.latencyMs ?? 120) * 1000),
  });
  if (target.passphrase) query.set('passphrase', target.passphrase);
  if (target.streamId) query.set('streamid', target.streamId);
  const host = target.host ?? '127.0.0.1';
  return `srt://${host.includes(':') ? `[${host}]` : host}:${target.port}?${query}`;
}

function issue(option: string, message: string, input: unknown) {
  return { code: 'custom' as const, path: [option], message, input };
}
