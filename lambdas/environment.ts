/**
 * The configuration of the functions, from their environment. Each function reads the part that it needs;
 * everything that is missing or malformed is reported at once, at the first cold start.
 */
import * as z from 'zod';
import { parseCidr } from '../domain/control/call-address.ts';
import { type IngestSlot, ingestSlotSchema } from '../domain/control/ingest-slot.ts';
import { costEnvironmentSchema, REFERENCE_ENVIRONMENT } from '../domain/cost/environment.ts';

const text = z.string().min(1, 'is empty');
const list = text.transform((value) => value.split(',').map((item) => item.trim()));
const wholeNumber = text.regex(/^\d+$/, 'must be a whole number').transform(Number);

/** Of every function of the control plane. */
const common = {
  /** Name of the environment: in service names, tags and tickets. */
  MIRROR_ENVIRONMENT: text.regex(/^[a-z0-9-]{1,30}$/, 'must be 1-30 of a-z, 0-9 and hyphens'),
  /** Before the names of all secrets, such as `mirror/prod/`. */
  MIRROR_SECRET_PREFIX: text.regex(/\/$/, 'must end in a slash'),
};

/** Of those that speak to Redis: a URL, or a host with the secret that holds its token. */
const redis = {
  MIRROR_REDIS_URL: text.optional(),
  MIRROR_REDIS_HOST: text.optional(),
  MIRROR_REDIS_PORT: wholeNumber.default(6_379),
  /** Full name or ARN of the secret with the AUTH token; not below the prefix. */
  MIRROR_REDIS_TOKEN_SECRET: text.optional(),
};

/** Of those that know the slots. Lambda's environment holds 4 KB, so the ARNs of 25 are given in two parts. */
const slots = {
  MIRROR_INGEST_HOST: text,
  MIRROR_INGEST_FIRST_PORT: wholeNumber,
  MIRROR_INGEST_SLOT_COUNT: wholeNumber,
  /** What all target groups' ARNs begin with: `arn:aws:elasticloadbalancing:REGION:ACCOUNT:`. */
  MIRROR_TARGET_GROUP_ARN_PREFIX: z.string().default(''),
  /** The rest of each, in the order of the slots: `targetgroup/NAME/ID`, joined by commas. */
  MIRROR_TARGET_GROUPS: list.optional(),
};

const launcher = {
  MIRROR_CLUSTER: text,
  MIRROR_RUNNER_TASK_DEFINITION: text,
  MIRROR_RUNNER_CONTAINER: text.default('runner'),
  MIRROR_RUNNER_CAPACITY_PROVIDER: text,
  MIRROR_RUNNER_SUBNETS: list,
  MIRROR_RUNNER_SECURITY_GROUPS: list,
  MIRROR_RUNNER_PUBLIC_IP: z.enum(['true', 'false']).default('false'),
};

const calls = {
  /** CIDRs that SRT callers may be sent to although they are private or otherwise special. */
  MIRROR_ALLOWED_CALL_RANGES: list
    .refine((ranges) => ranges.every((range) => parseCidr(range)), 'must be CIDRs joined by commas')
    .default([]),
};

const cost = {
  /** The sizes that the cost planner reckons with, as JSON (`costEnvironmentSchema`). */
  MIRROR_COST_ENVIRONMENT: text
    .transform(parsedJson)
    .pipe(costEnvironmentSchema)
    .default(REFERENCE_ENVIRONMENT),
};

const playback = {
  /** Scheme and host of the CDN, such as https://d111111abcdef8.cloudfront.net. */
  MIRROR_PLAYBACK_BASE_URL: text.regex(/^https?:\/\/[^/]+$/, 'must be scheme and host without a path'),
  MIRROR_KEY_PAIR_ID: text,
  /** Full name or ARN of the secret with the private key as PEM. */
  MIRROR_SIGNING_KEY_SECRET: text,
  /** Parent domain of the API's and the CDN's hosts, where they differ: signed cookies must reach both. */
  MIRROR_COOKIE_DOMAIN: text.regex(/^[a-z0-9.-]+$/, 'must be a domain').optional(),
};

export const ENVIRONMENTS = {
  streams: z.object({ ...common, ...redis, ...slots, ...launcher, ...calls, ...cost }),
  viewers: z.object({ ...common, ...redis, ...playback }),
  authorizer: z.object(common),
  reconciler: z.object({ ...common, ...redis, ...slots, ...launcher, ...calls }),
  document: z.object({}),
};

export type EnvironmentName = keyof typeof ENVIRONMENTS;
export type Environment<Name extends EnvironmentName> = z.output<(typeof ENVIRONMENTS)[Name]>;

/** @throws Error that names every variable that is missing, empty or malformed, and no value. */
export function readEnvironment<Name extends EnvironmentName>(
  name: Name,
  variables: Readonly<Record<string, string | undefined>>,
): Environment<Name> {
  const parsed = ENVIRONMENTS[name].safeParse(variables);
  // Which schema it was is what Name says; the compiler does not follow it through the table.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  if (parsed.success) return parsed.data as Environment<Name>;
  const problems = parsed.error.issues.map(({ path, message, code }) => {
    const variable = String(path[0]);
    return `${variable} ${code === 'invalid_type' && variables[variable] === undefined ? 'is missing' : message}`;
  });
  throw new Error(`The ${name} function is not configured: ${problems.join('; ')}.`);
}

/** The slots of an environment, one port after the other. */
export function slotsOf(environment: Environment<'reconciler'>): IngestSlot[] {
  const groups = environment.MIRROR_TARGET_GROUPS;
  const count = environment.MIRROR_INGEST_SLOT_COUNT;
  if (groups && groups.length !== count)
    throw new Error(`There are ${count} slots and ${groups.length} target groups.`);
  return Array.from({ length: count }, (_, index) => {
    const group = groups?.[index];
    return ingestSlotSchema.parse({
      publicHost: environment.MIRROR_INGEST_HOST,
      port: environment.MIRROR_INGEST_FIRST_PORT + index,
      ...(group === undefined ? {} : { targetGroupArn: environment.MIRROR_TARGET_GROUP_ARN_PREFIX + group }),
    });
  });
}

/** Text that is no JSON becomes what no schema takes. */
function parsedJson(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}
