import { beforeAll, describe, expect, test } from 'vitest';
import { type Resource, resourcesOf, synthesized } from './synthesized.ts';

const SYNTH_TIMEOUT_MS = 120_000;

interface Statement {
  readonly where: string;
  readonly effect: string;
  readonly actions: readonly string[];
  readonly resources: readonly unknown[];
  readonly principals: unknown;
}

/** Calls that IAM gives no resource for (Service Authorization Reference), and nothing else. */
const ACTIONS_WITHOUT_RESOURCE = [
  'cloudwatch:PutMetricData',
  'ec2:AssignPrivateIpAddresses',
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:DescribeManagedPrefixLists',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:UnassignPrivateIpAddresses',
  'ecr:GetAuthorizationToken',
  'ecs:DeregisterTaskDefinition',
  'ecs:DescribeTaskDefinition',
  'ecs:DiscoverPollEndpoint',
  'ecs:ListServices',
  'ecs:Poll',
  'ecs:PutAccountSetting',
  'ecs:StartTelemetrySession',
  'ecs:Submit*',
  'logs:CreateLogStream',
  'logs:PutLogEvents',
  'xray:PutTelemetryRecords',
  'xray:PutTraceSegments',
];

const listOf = <T>(value: T | readonly T[] | undefined): readonly T[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value as T];

function statementsOf(resources: readonly Resource[]): Statement[] {
  const statements: Statement[] = [];
  for (const { id, stack, properties } of resources) {
    const documents = [
      properties['PolicyDocument'],
      properties['AssumeRolePolicyDocument'],
      ...listOf(properties['Policies'] as { PolicyDocument?: unknown }[] | undefined).map(
        (policy) => policy.PolicyDocument,
      ),
    ];
    for (const document of documents) {
      const { Statement: found } = (document ?? {}) as { Statement?: Record<string, unknown>[] };
      for (const statement of found ?? []) {
        statements.push({
          where: `${stack}/${id}`,
          effect: statement['Effect'] as string,
          actions: listOf(statement['Action'] as string | string[]),
          resources: listOf(statement['Resource']),
          principals: statement['Principal'],
        });
      }
    }
  }
  return statements;
}

describe('least privilege in prod', () => {
  let statements: Statement[] = [];
  let resources: Resource[] = [];

  beforeAll(() => {
    resources = resourcesOf(synthesized('prod').assembly);
    statements = statementsOf(resources);
  }, SYNTH_TIMEOUT_MS);

  test('the walk sees every policy of the platform', () => {
    expect(statements.length).toBeGreaterThan(60);
  });

  test('no statement allows every action, or every action of a service', () => {
    const broad = statements.filter(
      ({ effect, actions }) =>
        effect === 'Allow' && actions.some((action) => action === '*' || /^[a-z0-9]+:\*$/.test(action)),
    );
    expect(broad).toEqual([]);
  });

  test('a star stands for the resource only where IAM knows no narrower one', () => {
    const tooWide = statements
      .filter(({ effect, resources: on }) => effect === 'Allow' && on.includes('*'))
      .flatMap(({ where, actions }) => actions.map((action) => `${where} ${action}`))
      .filter((line) => !ACTIONS_WITHOUT_RESOURCE.includes(line.split(' ')[1] ?? ''));
    expect(tooWide).toEqual([]);
  });

  test('nobody outside the account is let in but AWS services', () => {
    const strangers = statements.filter(
      ({ effect, principals }) => effect === 'Allow' && JSON.stringify(principals ?? '').includes('"*"'),
    );
    expect(strangers).toEqual([]);
  });

  test('a role is passed to ECS tasks only', () => {
    const passing = statements.filter(({ actions }) => actions.includes('iam:PassRole'));
    expect(passing.length).toBeGreaterThan(0);
    for (const { resources: on } of passing) expect(on).not.toContain('*');
  });

  test('the runner writes media and recordings and reads no secret but what ECS injects', () => {
    const runner = statements.filter(({ where }) => /prod-runner\/TaskTaskRole/.test(where));
    const actions = runner
      .flatMap((statement) => statement.actions)
      .filter((action) => action !== 'sts:AssumeRole');
    expect([...new Set(actions)].sort()).toEqual([
      's3:GetObject',
      's3:ListBucket',
      's3:PutObject',
      's3express:CreateSession',
    ]);
  });

  test('the origin only reads media', () => {
    const origin = statements.filter(({ where }) => /prod-origin\/TaskTaskRole/.test(where));
    const actions = origin
      .flatMap((statement) => statement.actions)
      .filter((action) => action !== 'sts:AssumeRole');
    expect(actions).toEqual(['s3express:CreateSession']);
  });

  test('buckets are private, encrypted and refuse plain HTTP', () => {
    const buckets = resources.filter(({ type }) => type === 'AWS::S3::Bucket');
    expect(buckets.length).toBe(3);
    for (const { properties } of buckets) {
      expect(properties['PublicAccessBlockConfiguration']).toEqual({
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      });
      expect(properties['BucketEncryption']).toBeDefined();
    }
    const refusals = statements.filter(
      ({ effect, actions }) => effect === 'Deny' && actions.includes('s3:*'),
    );
    expect(refusals.length).toBeGreaterThanOrEqual(3);
  });

  test('no template holds a secret value', () => {
    const text = JSON.stringify(resources);
    expect(text).not.toMatch(/-----BEGIN [A-Z ]*PRIVATE KEY/);
    const token = resources.find(({ type }) => type === 'AWS::ElastiCache::ReplicationGroup')?.properties[
      'AuthToken'
    ];
    expect(JSON.stringify(token)).toContain('{{resolve:secretsmanager:');
  });
});
