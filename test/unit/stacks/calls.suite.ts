/**
 * What each program's code calls and reads, against what its role allows and its environment holds, in both
 * directions. The code is what esbuild puts into the program's bundle.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { beforeAll, describe, expect, test } from 'vitest';
import { ENVIRONMENTS, type EnvironmentName } from '../../../lambdas/environment.ts';
import { type Resource, resourcesOf, synthesized } from './synthesized.ts';

const SYNTH_TIMEOUT_MS = 180_000;
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

interface Program {
  readonly entry: string;
  readonly stack: string;
  /** How the logical id of its role begins. */
  readonly role: string;
  /** How the logical id of its function, task or job definition begins. */
  readonly holder: string;
  /** The part of the functions' configuration that it reads. */
  readonly reads?: EnvironmentName;
  /** Objects of directory buckets are reached by a session alone, those of other buckets call by call. */
  readonly buckets?: readonly ('directory' | 'general')[];
}

const PROGRAMS: Readonly<Record<string, Program>> = {
  streams: control('Streams', 'streams', 'streams'),
  viewers: control('Viewers', 'viewers', 'viewers'),
  authorizer: control('Authorizer', 'authorizer', 'authorizer'),
  reconciler: control('Reconciler', 'reconciler', 'reconciler'),
  'ecs-events': control('EcsEvents', 'ecs-events', 'streams'),
  document: control('Document', 'document', 'document'),
  'signing-key': {
    entry: 'lambdas/signing-key/handler.ts',
    stack: 'prod-signing-key',
    role: 'KeyMakerRole',
    holder: 'KeyMakerFunction',
    reads: 'document',
  },
  runner: {
    entry: 'gpu-runner/main.ts',
    stack: 'prod-runner',
    role: 'TaskTaskRole',
    holder: 'Task',
    buckets: ['directory', 'general'],
  },
  origin: {
    entry: 'origin/main.ts',
    stack: 'prod-origin',
    role: 'TaskTaskRole',
    holder: 'Task',
    buckets: ['directory'],
  },
  export: {
    entry: 'gpu-runner/export/main.ts',
    stack: 'prod-batch',
    role: 'JobRole',
    holder: 'Export',
    buckets: ['general'],
  },
};

function control(id: string, folder: string, reads: EnvironmentName): Program {
  return {
    entry: `lambdas/${folder}/handler.ts`,
    stack: 'prod-control',
    role: `${id}Role`,
    holder: `${id}Function`,
    reads,
  };
}

const SECRET_WRITES = [
  'secretsmanager:CreateSecret',
  'secretsmanager:DeleteSecret',
  'secretsmanager:PutSecretValue',
];

/** Calls that a bundle holds although its program never makes them. */
const NEVER_CALLED: Readonly<Record<string, readonly string[]>> = {
  // The store's cleaner, for one machine: on AWS a lifecycle rule cleans up.
  runner: ['s3:DeleteObjects', 's3:ListObjectsV2'],
  origin: ['s3:DeleteObjects', 's3:ListObjectsV2'],
  // They read secrets and are given no more; the adapter also writes those of streams.
  viewers: SECRET_WRITES,
  authorizer: SECRET_WRITES,
};

/** Allowed without a call of ours, each with its reason. */
const WITHOUT_CALL: Readonly<Record<string, string>> = {
  'logs:CreateLogStream': 'Lambda writes the logs',
  'logs:PutLogEvents': 'Lambda writes the logs',
  'xray:PutTelemetryRecords': 'Lambda sends the traces',
  'xray:PutTraceSegments': 'Lambda sends the traces',
  'ec2:CreateNetworkInterface': 'Lambda joins the VPC',
  'ec2:DescribeNetworkInterfaces': 'Lambda joins the VPC',
  'ec2:DescribeSubnets': 'Lambda joins the VPC',
  'ec2:DeleteNetworkInterface': 'Lambda joins the VPC',
  'ec2:AssignPrivateIpAddresses': 'Lambda joins the VPC',
  'ec2:UnassignPrivateIpAddresses': 'Lambda joins the VPC',
  'iam:PassRole': 'part of RegisterTaskDefinition',
  'ecs:TagResource': 'part of CreateService and RegisterTaskDefinition with tags',
  'secretsmanager:TagResource': 'part of CreateSecret with tags',
  'secretsmanager:DescribeSecret': 'CDK’s grantRead adds it to GetSecretValue',
  'secretsmanager:UpdateSecret': 'CDK’s grantWrite adds it to PutSecretValue',
  'secretsmanager:UpdateSecretVersionStage': 'CDK’s grantWrite adds it to PutSecretValue',
  's3:ListBucket': 'makes a missing object a 404 instead of a 403',
};

/** Given by ECS, Batch or the launcher when the program starts, and not by the template. */
const GIVEN_AT_START: Readonly<Record<string, readonly string[]>> = {
  runner: ['MIRROR_RUNNER_SPEC', 'MIRROR_PASSPHRASE'],
  export: ['MIRROR_FINISHED_KEY'],
};

/** Of a program that is not told something else: other technologies, other machines. */
const LEFT_UNSET: readonly string[] = [
  'MIRROR_RUNNER_CONFIG',
  'MIRROR_REDIS_URL',
  'MIRROR_DATA_DIRECTORY',
  'MIRROR_S3_ENDPOINT',
  'MIRROR_LOG_LEVEL',
  'MIRROR_HOST',
  'MIRROR_HELD_REQUESTS',
];

const sourceCache = new Map<string, string[]>();

/** Our own files in the bundle. */
function sourcesOf(entry: string): string[] {
  const known = sourceCache.get(entry);
  if (known) return known;
  const { metafile } = buildSync({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    outdir: 'dist/calls',
    external: ['node-av'],
    logLevel: 'error',
  });
  const kept = Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs)
      .filter(([path, { bytesInOutput }]) => bytesInOutput > 0 && !path.includes('node_modules'))
      .map(([path]) => path),
  );
  sourceCache.set(entry, kept);
  return kept;
}

const textOf = (path: string) => readFileSync(`${ROOT}${path}`, 'utf8');

/** Every command of the SDK that the code makes, as `service:Operation`. */
function callsOf(entry: string): string[] {
  const calls = sourcesOf(entry).flatMap((path) => {
    const text = textOf(path);
    const services = new Map<string, string>();
    for (const [, names = '', client = ''] of text.matchAll(
      /import \{([^}]*)\} from '@aws-sdk\/client-([a-z0-9-]+)'/g,
    ))
      for (const name of names.split(',')) services.set(name.trim(), client.replaceAll('-', ''));
    return [...text.matchAll(/new (\w+)Command\(/g)].map(
      ([, operation = '']) => `${services.get(`${operation}Command`) ?? 'unknown'}:${operation}`,
    );
  });
  return [...new Set(calls)].sort();
}

/** What IAM calls it (Service Authorization Reference). */
function actionsFor(call: string, buckets: Program['buckets'] = []): string[] {
  if (!call.startsWith('s3:')) return [call];
  const onGeneral: Record<string, string> = {
    's3:GetObject': 's3:GetObject',
    's3:PutObject': 's3:PutObject',
    's3:ListObjectsV2': 's3:ListBucket',
    's3:DeleteObjects': 's3:DeleteObject',
  };
  return buckets.map((kind) =>
    kind === 'directory' ? 's3express:CreateSession' : (onGeneral[call] ?? call),
  );
}

describe.each(Object.entries(PROGRAMS))('%s in prod', (name, program) => {
  let resources: Resource[] = [];
  let allowed: string[] = [];
  let needed: string[] = [];

  beforeAll(() => {
    resources = resourcesOf(synthesized('prod').assembly).filter(({ stack }) => stack === program.stack);
    allowed = actionsAllowedTo(resources, program.role);
    needed = callsOf(program.entry)
      .filter((call) => !NEVER_CALLED[name]?.includes(call))
      .flatMap((call) => actionsFor(call, program.buckets));
  }, SYNTH_TIMEOUT_MS);

  test('may make every call that its code makes', () => {
    expect(needed.filter((action) => !allowed.includes(action))).toEqual([]);
  });

  test('may make no call that its code does not make', () => {
    const unused = allowed.filter((action) => !needed.includes(action) && !(action in WITHOUT_CALL));
    expect(unused).toEqual([]);
  });

  test('is told every variable that it needs, and none that it does not read', () => {
    const told = variablesOf(resources, program.holder).filter((variable) => variable.startsWith('MIRROR_'));
    const { known, required } = program.reads
      ? variablesOfFunction(program.reads)
      : variablesOfProgram(program.entry);
    expect(
      required.filter((variable) => !told.includes(variable) && !isGivenAtStart(name, variable)),
    ).toEqual([]);
    expect(told.filter((variable) => !known.includes(variable))).toEqual([]);
  });
});

function isGivenAtStart(name: string, variable: string): boolean {
  return (GIVEN_AT_START[name] ?? []).includes(variable) || LEFT_UNSET.includes(variable);
}

function actionsAllowedTo(resources: readonly Resource[], rolePrefix: string): string[] {
  const role = resources.find(({ type, id }) => type === 'AWS::IAM::Role' && id.startsWith(rolePrefix));
  if (!role) throw new Error(`There is no role ${rolePrefix}.`);
  const policies = resources.filter(
    ({ type, properties }) =>
      type === 'AWS::IAM::Policy' && JSON.stringify(properties['Roles']).includes(`"${role.id}"`),
  );
  const actions = policies.flatMap(({ properties }) => {
    const { Statement } = properties['PolicyDocument'] as { Statement: { Action: string | string[] }[] };
    return Statement.flatMap(({ Action }) => Action);
  });
  return [...new Set(actions)].sort();
}

function variablesOf(resources: readonly Resource[], holderPrefix: string): string[] {
  const holder = resources.find(
    ({ type, id }) =>
      ['AWS::Lambda::Function', 'AWS::ECS::TaskDefinition', 'AWS::Batch::JobDefinition'].includes(type) &&
      id.startsWith(holderPrefix),
  );
  if (!holder) throw new Error(`There is no ${holderPrefix}.`);
  if (holder.type === 'AWS::Lambda::Function') {
    const { Variables } = holder.properties['Environment'] as { Variables: Record<string, unknown> };
    return Object.keys(Variables);
  }
  // Task definitions have a list of them, job definitions one; both name what is in them alike.
  const text = JSON.stringify(
    holder.properties['ContainerDefinitions'] ?? holder.properties['ContainerProperties'],
  );
  return [...text.matchAll(/"Name":"([A-Z0-9_]+)"/g)].map((match) => match[1] ?? '');
}

function variablesOfFunction(name: EnvironmentName) {
  const known = Object.keys(ENVIRONMENTS[name].shape);
  const parsed = ENVIRONMENTS[name].safeParse({});
  const required = parsed.success ? [] : parsed.error.issues.map(({ path }) => String(path[0]));
  return { known, required };
}

/** Every name in the code of a container; what it can do without is in LEFT_UNSET. */
function variablesOfProgram(entry: string) {
  const known = sourcesOf(entry).flatMap((path) =>
    [...textOf(path).matchAll(/(?<!\* .*)\b(MIRROR_[A-Z0-9_]+)\b/g)].map((match) => match[1] ?? ''),
  );
  return { known, required: [...new Set(known)] };
}

test('the passphrase and the spec are given by the launcher when a runner starts', () => {
  const launcher = textOf('adapters/launcher-ecs.ts');
  for (const variable of GIVEN_AT_START['runner'] ?? []) expect(launcher).toContain(variable);
});

test.each(Object.entries(NEVER_CALLED))('%s: each call that is excepted is in its bundle', (name, calls) => {
  const there = callsOf(PROGRAMS[name]?.entry ?? '');
  expect(calls.filter((call) => !there.includes(call))).toEqual([]);
});

test('the walk sees calls: the launcher’s and the exports’', () => {
  expect(callsOf('lambdas/streams/handler.ts')).toContain('ecs:CreateService');
  expect(callsOf('gpu-runner/export/main.ts')).toEqual(['s3:GetObject', 's3:PutObject']);
});
