/**
 * What an origin process is told by its environment, parsed once:
 *
 * - `MIRROR_PORT` (8080), `MIRROR_HOST` (all addresses);
 * - `MIRROR_REDIS_URL`, or `MIRROR_REDIS_HOST` with `MIRROR_REDIS_TOKEN`: live edge and registry;
 * - `MIRROR_MEDIA_BUCKET` with `AWS_REGION` (and `MIRROR_S3_ENDPOINT` for a server that is not AWS's), or `MIRROR_DATA_DIRECTORY`: the media store;
 * - `MIRROR_KEEP_ALIVE_SECONDS` (120): longer than the load balancer's idle timeout;
 * - `MIRROR_HELD_REQUESTS` (20,000): how many requests may wait; `MIRROR_LOG_LEVEL` (info);
 * - `MIRROR_ENVIRONMENT` (local): names the environment in the metrics that are logged.
 */
import { z } from 'zod';
import { LOG_LEVELS } from '../adapters/log-level.ts';
import { originErrors } from './errors.ts';
import { ORIGIN_LIMITS } from './limits.ts';

/** A variable that is set to nothing is a mistake, and not the same as one that is not set. */
const present = z.string().trim().min(1, 'is set but empty');
const wholeNumber = (least: number, most: number) =>
  present.regex(/^\d+$/, 'must be a whole number').transform(Number).pipe(z.int().min(least).max(most));

const environmentSchema = z
  .object({
    MIRROR_PORT: wholeNumber(0, 65_535).default(8_080),
    MIRROR_HOST: present.default('::'),
    MIRROR_REDIS_URL: present
      .regex(/^(rediss?:\/\/.+|\/.+)$/, 'must be redis://, rediss:// or the path of a socket')
      .optional(),
    MIRROR_REDIS_HOST: present.optional(),
    MIRROR_REDIS_TOKEN: present.optional(),
    MIRROR_MEDIA_BUCKET: present.pipe(z.string().min(3).max(63)).optional(),
    AWS_REGION: present.optional(),
    MIRROR_S3_ENDPOINT: present.pipe(z.url()).optional(),
    MIRROR_DATA_DIRECTORY: present.optional(),
    MIRROR_KEEP_ALIVE_SECONDS: wholeNumber(5, 3_600).default(120),
    MIRROR_HELD_REQUESTS: wholeNumber(1, 1_000_000).default(ORIGIN_LIMITS.heldRequestCount),
    MIRROR_LOG_LEVEL: z.enum(LOG_LEVELS).default('info'),
    MIRROR_ENVIRONMENT: present.default('local'),
  })
  .superRefine((variables, context) => {
    const complain = (name: string, message: string) =>
      context.addIssue({ code: 'custom', path: [name], message });
    if (!variables.MIRROR_REDIS_URL && !variables.MIRROR_REDIS_HOST)
      complain('MIRROR_REDIS_URL', 'is missing, and so is MIRROR_REDIS_HOST');
    if (!variables.MIRROR_MEDIA_BUCKET && !variables.MIRROR_DATA_DIRECTORY)
      complain('MIRROR_MEDIA_BUCKET', 'is missing, and so is MIRROR_DATA_DIRECTORY');
    if (variables.MIRROR_MEDIA_BUCKET && !variables.AWS_REGION)
      complain('AWS_REGION', 'is missing: the region of the bucket');
  });

export interface OriginConfig {
  readonly port: number;
  readonly host: string;
  readonly redisUrl: string;
  readonly store:
    | { readonly kind: 's3'; readonly bucket: string; readonly region: string; readonly endpoint?: string }
    | { readonly kind: 'disk'; readonly directory: string };
  readonly keepAliveMs: number;
  readonly heldRequestCount: number;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly environmentName: string;
}

/** @throws MirrorError `ORIGIN_BAD_CONFIG` that names every problem, and no value. */
export function readOriginConfig(environment: Readonly<Record<string, string | undefined>>): OriginConfig {
  const parsed = environmentSchema.safeParse(environment);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `\n- ${issue.path.join('.')} ${issue.message}`);
    throw originErrors.create('BAD_CONFIG', problems.join(''));
  }
  const variables = parsed.data;
  const { MIRROR_MEDIA_BUCKET: bucket, AWS_REGION: region, MIRROR_S3_ENDPOINT: endpoint } = variables;
  return {
    port: variables.MIRROR_PORT,
    host: variables.MIRROR_HOST,
    redisUrl:
      variables.MIRROR_REDIS_URL ?? redisUrlOf(variables.MIRROR_REDIS_HOST, variables.MIRROR_REDIS_TOKEN),
    store:
      bucket && region
        ? { kind: 's3', bucket, region, ...(endpoint === undefined ? {} : { endpoint }) }
        : { kind: 'disk', directory: variables.MIRROR_DATA_DIRECTORY ?? '' },
    keepAliveMs: variables.MIRROR_KEEP_ALIVE_SECONDS * 1000,
    heldRequestCount: variables.MIRROR_HELD_REQUESTS,
    logLevel: variables.MIRROR_LOG_LEVEL,
    environmentName: variables.MIRROR_ENVIRONMENT,
  };
}

/** ElastiCache takes a password only over TLS. */
function redisUrlOf(host: string | undefined, token: string | undefined): string {
  return token === undefined ? `redis://${host}` : `rediss://:${encodeURIComponent(token)}@${host}`;
}
