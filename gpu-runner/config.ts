/**
 * What a runner is told, parsed once. There are two ways to tell it:
 *
 * - `MIRROR_RUNNER_CONFIG`: the whole configuration as JSON (a parent process that forks the runner);
 * - one variable each (a container): `MIRROR_RUNNER_SPEC` (a RunnerSpec as JSON), `MIRROR_PASSPHRASE`,
 *   `MIRROR_REDIS_URL` or `MIRROR_REDIS_HOST` with `MIRROR_REDIS_TOKEN`, `MIRROR_MEDIA_BUCKET` or
 *   `MIRROR_DATA_DIRECTORY`, `MIRROR_RECORDINGS_BUCKET`, `AWS_REGION`, `MIRROR_S3_ENDPOINT` (for a server that is
 *   not AWS's), `MIRROR_HEALTH_PORT`, `MIRROR_HARDWARE`, `MIRROR_LOG_LEVEL`, `MIRROR_ENVIRONMENT`.
 */
import { z } from 'zod';
import { LOG_LEVELS } from '../adapters/log-level.ts';
import { RUNNER_CONFIG_ENV_NAME } from '../adapters/runner-ipc.ts';
import { passphraseSchema, runnerSpecSchema } from '../domain/stream.ts';
import { runnerErrors } from './errors.ts';

const bucketSchema = z.strictObject({
  kind: z.literal('s3'),
  bucket: z.string().min(3).max(63),
  region: z.string().min(1),
  /** For an S3-compatible server other than AWS's; keys come from the environment, as on AWS. */
  endpoint: z.url().optional(),
});
const diskSchema = z.strictObject({ kind: z.literal('disk'), directory: z.string().min(1) });

export const runnerConfigSchema = z
  .strictObject({
    spec: runnerSpecSchema,
    liveEdge: z.discriminatedUnion('kind', [
      /** The parent process serves it (adapters/live-edge-ipc.ts). */
      z.strictObject({ kind: z.literal('ipc') }),
      z.strictObject({
        kind: z.literal('redis'),
        url: z
          .string()
          .regex(/^(rediss?:\/\/.+|\/.+)$/, 'must be redis://, rediss:// or the path of a socket'),
        prefix: z.string().min(1).max(40).optional(),
      }),
    ]),
    store: z.discriminatedUnion('kind', [diskSchema, bucketSchema]),
    /** Where recordings go; needed when the spec asks for one. */
    recordings: z.discriminatedUnion('kind', [diskSchema, bucketSchema]).optional(),
    /** A TCP port that accepts connections while the runner lives, for a load balancer's health check. */
    healthPort: z.int().min(1).max(65_535).optional(),
    logLevel: z.enum(LOG_LEVELS).default('info'),
    /** Names the environment in the metrics that are logged; without it none are. */
    environmentName: z.string().min(1).max(40).optional(),
  })
  .refine((config) => !config.spec.record || config.recordings !== undefined, {
    path: ['recordings'],
    message: 'is missing, but the spec says that the stream is recorded',
  });
/** What a parent writes. */
export type RunnerConfigInput = z.input<typeof runnerConfigSchema>;
export type RunnerConfig = z.output<typeof runnerConfigSchema>;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * @throws MirrorError `RUNNER_BAD_CONFIG` that names every problem, and no secret.
 */
export function readRunnerConfig(environment: Environment): RunnerConfig {
  const problems: string[] = [];
  const whole = environment[RUNNER_CONFIG_ENV_NAME];
  const input =
    whole === undefined
      ? configOfVariables(environment, problems)
      : jsonOf(RUNNER_CONFIG_ENV_NAME, whole, problems);
  if (problems.length === 0) {
    const parsed = runnerConfigSchema.safeParse(input);
    if (parsed.success) return parsed.data;
    problems.push(...parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`));
  }
  throw runnerErrors.create('BAD_CONFIG', problems.map((problem) => `\n- ${problem}`).join(''));
}

function configOfVariables(environment: Environment, problems: string[]): object {
  const text = (name: string) => {
    const value = environment[name];
    if (value !== undefined && value.trim() === '') problems.push(`${name} is set but empty`);
    return value;
  };
  const specText = text('MIRROR_RUNNER_SPEC');
  if (specText === undefined) problems.push('MIRROR_RUNNER_SPEC is missing: a RunnerSpec as JSON');
  const spec = specText ? jsonOf('MIRROR_RUNNER_SPEC', specText, problems) : {};
  const hardware = text('MIRROR_HARDWARE');
  const recordingsBucket = text('MIRROR_RECORDINGS_BUCKET');
  const healthPort = text('MIRROR_HEALTH_PORT');
  const logLevel = text('MIRROR_LOG_LEVEL');
  const environmentName = text('MIRROR_ENVIRONMENT');
  return {
    spec: withPassphrase(
      { ...spec, ...(hardware === undefined ? {} : { hardware }) },
      text('MIRROR_PASSPHRASE'),
      problems,
    ),
    liveEdge: { kind: 'redis', url: redisUrl(text, problems) },
    store: storeOf(text, problems),
    ...(recordingsBucket === undefined ? {} : { recordings: bucketOf(recordingsBucket, text) }),
    ...(healthPort === undefined ? {} : { healthPort: Number(healthPort) }),
    ...(logLevel === undefined ? {} : { logLevel }),
    ...(environmentName === undefined ? {} : { environmentName }),
  };
}

type ReadText = (name: string) => string | undefined;

function redisUrl(text: ReadText, problems: string[]): string {
  const url = text('MIRROR_REDIS_URL');
  if (url !== undefined) return url;
  const host = text('MIRROR_REDIS_HOST');
  if (host === undefined) problems.push('MIRROR_REDIS_URL or MIRROR_REDIS_HOST is missing');
  const token = text('MIRROR_REDIS_TOKEN');
  // ElastiCache takes a password only over TLS.
  if (token === undefined) return `redis://${host}`;
  return `rediss://:${encodeURIComponent(token)}@${host}`;
}

function storeOf(text: ReadText, problems: string[]): object {
  const bucket = text('MIRROR_MEDIA_BUCKET');
  const directory = text('MIRROR_DATA_DIRECTORY');
  if (bucket !== undefined) {
    if (text('AWS_REGION') === undefined) problems.push('AWS_REGION is missing: the region of the buckets');
    return bucketOf(bucket, text);
  }
  if (directory === undefined) problems.push('MIRROR_MEDIA_BUCKET or MIRROR_DATA_DIRECTORY is missing');
  return { kind: 'disk', directory };
}

function bucketOf(bucket: string, text: ReadText): object {
  const endpoint = text('MIRROR_S3_ENDPOINT');
  return { kind: 's3', bucket, region: text('AWS_REGION'), ...(endpoint === undefined ? {} : { endpoint }) };
}

/** A passphrase comes apart from the spec, since specs are shown in task definitions and consoles. */
function withPassphrase(spec: object, passphrase: string | undefined, problems: string[]): object {
  if (passphrase === undefined || !('ingest' in spec)) return spec;
  const { ingest } = spec;
  if (typeof ingest !== 'object' || ingest === null) return spec;
  if (!passphraseSchema.safeParse(passphrase).success)
    problems.push('MIRROR_PASSPHRASE must have 10 to 79 printable ASCII characters without spaces');
  return { ...spec, ingest: { ...ingest, passphrase } };
}

function jsonOf(name: string, text: string, problems: string[]): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
    problems.push(`${name} is not a JSON object`);
  } catch {
    // Without the parser's message, which quotes the text, and with it perhaps a passphrase.
    problems.push(`${name} is not JSON (${text.length} characters)`);
  }
  return {};
}
