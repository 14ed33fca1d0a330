/** The options of `npm start`, parsed once. */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { SEED_LIMITS } from '../domain/profile.ts';
import { HARDWARE } from '../domain/stream.ts';

/** One place is kept for the person's own feed. */
const FEED_COUNT_MAX = SEED_LIMITS.streamCount - 1;

const wholeNumber = (name: string, min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, `--${name} must be a whole number, ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `--${name} must be ${min} to ${max}`);

const optionsSchema = z
  .object({
    port: wholeNumber('port', 0, 65_535).default(8080),
    feeds: wholeNumber('feeds', 0, FEED_COUNT_MAX).optional(),
    'data-dir': z.string().min(1, '--data-dir must name a directory').default('.data'),
    hardware: z.enum(HARDWARE, { error: `--hardware must be one of ${HARDWARE.join(', ')}` }).default('auto'),
    tls: z.boolean().default(false),
    cert: z.string().min(1, '--cert must name a file').optional(),
    key: z.string().min(1, '--key must name a file').optional(),
    'new-token': z.boolean().default(false),
    redis: z
      .string()
      .regex(/^rediss?:\/\/.+/, '--redis must be a URL such as redis://localhost:6379')
      .optional(),
    s3: z
      .string()
      .regex(/^https?:\/\/.+/, '--s3 must be a URL such as http://localhost:9000')
      .optional(),
    's3-bucket': z
      .string()
      .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, '--s3-bucket must be the name of a bucket')
      .optional(),
  })
  .refine((options) => (options.redis === undefined) === (options.s3 === undefined), {
    error: '--redis and --s3 belong together: give both or neither',
  })
  .refine((options) => options.s3 !== undefined || options['s3-bucket'] === undefined, {
    error: '--s3-bucket needs --s3',
  })
  .refine((options) => (options.cert === undefined) === (options.key === undefined), {
    error: '--cert and --key belong together: give both or neither',
  })
  .refine((options) => options.tls || options.cert === undefined, {
    error: '--cert and --key need --tls',
  });

export interface StartOptions {
  /** TCP port of the page, the API and the media; 0 takes any free one. */
  readonly port: number;
  /** Number of demo feeds; undefined means as many as suit the machine. */
  readonly feedCount: number | undefined;
  readonly dataDir: string;
  readonly hardware: (typeof HARDWARE)[number];
  /** Present with `--tls`. Without files a certificate is made. */
  readonly tls: { readonly files?: { readonly certPath: string; readonly keyPath: string } } | undefined;
  /** Present with `--redis` and `--s3`: the parts run as processes of their own over these. */
  readonly separate?: { readonly redisUrl: string; readonly s3Url: string; readonly bucket: string };
  /** Make another operator token; the earlier ones end. */
  readonly newToken: boolean;
  /** How long a signature lasts, from MIRROR_PLAYBACK_TTL_S: shorter ones show renewal in a test. */
  readonly playbackTtlMs?: number;
}

export type ParsedOptions =
  | { readonly kind: 'start'; readonly options: StartOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'bad'; readonly message: string };

const DEFAULT_BUCKET = 'mirror-media';

export const HELP = `npm start -- [options]

  --port 8080          port of the page, the API and the media (TCP)
  --feeds N            number of demo feeds, 0 to ${FEED_COUNT_MAX}; without it, as many as suit this machine (${availableParallelism()} cores)
  --data-dir .data     where media and the made certificate are kept
  --hardware auto      decode and encode on: auto, cpu, nvidia
  --tls                HTTPS with HTTP/2, with a certificate made on the first start
  --cert FILE --key FILE   with --tls: your own certificate (PEM)
  --new-token          print a new operator token for the API; the earlier one ends
  --redis URL --s3 URL   run API, origin and runners as processes of their own over this Redis and this
                       S3-compatible server, as on AWS; keys as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
  --s3-bucket ${DEFAULT_BUCKET}   an existing bucket of that server
  --help               this text
`;

/** Of a test that shows renewal; the product's own is a quarter of an hour. */
const playbackTtlSchema = wholeNumber('playback-ttl', 5, 86_400).optional();

/**
 * @param argv the arguments after the script's name.
 * @param playbackTtlS MIRROR_PLAYBACK_TTL_S of the environment.
 */
export function parseOptions(argv: readonly string[], playbackTtlS?: string): ParsedOptions {
  let values: Record<string, unknown>;
  try {
    values = parseArgs({
      args: [...argv],
      options: {
        port: { type: 'string' },
        feeds: { type: 'string' },
        'data-dir': { type: 'string' },
        hardware: { type: 'string' },
        tls: { type: 'boolean' },
        cert: { type: 'string' },
        key: { type: 'string' },
        'new-token': { type: 'boolean' },
        redis: { type: 'string' },
        s3: { type: 'string' },
        's3-bucket': { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
      strict: true,
      allowPositionals: false,
    }).values;
  } catch (error) {
    return { kind: 'bad', message: argumentProblem(error) };
  }
  if (values['help'] === true) return { kind: 'help' };
  const parsed = optionsSchema.safeParse(values);
  if (!parsed.success) {
    return { kind: 'bad', message: parsed.error.issues.map((issue) => issue.message).join('; ') };
  }
  const { port, feeds, hardware, tls, cert, key, redis, s3 } = parsed.data;
  const ttl = playbackTtlSchema.safeParse(playbackTtlS);
  if (!ttl.success) return { kind: 'bad', message: 'MIRROR_PLAYBACK_TTL_S must be whole seconds from 5 on' };
  return {
    kind: 'start',
    options: {
      port,
      feedCount: feeds,
      dataDir: parsed.data['data-dir'],
      hardware,
      tls: tls ? (cert && key ? { files: { certPath: cert, keyPath: key } } : {}) : undefined,
      newToken: parsed.data['new-token'],
      ...(redis && s3
        ? { separate: { redisUrl: redis, s3Url: s3, bucket: parsed.data['s3-bucket'] ?? DEFAULT_BUCKET } }
        : {}),
      ...(ttl.data === undefined ? {} : { playbackTtlMs: ttl.data * 1_000 }),
    },
  };
}

/** parseArgs explains how to write positional arguments that start with a dash; nobody needs that here. */
function argumentProblem(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const firstSentence = text.split(/\. |\n/)[0] ?? text;
  return firstSentence.replace(/\.$/, '');
}
