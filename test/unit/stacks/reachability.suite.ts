import { beforeAll, describe, expect, test } from 'vitest';
import { type Resource, resourcesOf, synthesized } from './synthesized.ts';

const SYNTH_TIMEOUT_MS = 120_000;

interface Rule {
  readonly group: string;
  readonly from: string;
  readonly protocol: string;
  readonly fromPort: number | undefined;
  readonly toPort: number | undefined;
}

/** All ingress rules, in place or apart, with the source as readable text. */
function ingressRules(resources: readonly Resource[]): Rule[] {
  const rules: Rule[] = [];
  const add = (group: string, rule: Record<string, unknown>) => {
    const source =
      rule['CidrIp'] ?? rule['CidrIpv6'] ?? rule['SourcePrefixListId'] ?? rule['SourceSecurityGroupId'];
    rules.push({
      group,
      from: typeof source === 'string' ? source : groupNameIn(source),
      protocol: String(rule['IpProtocol']),
      fromPort: rule['FromPort'] as number | undefined,
      toPort: rule['ToPort'] as number | undefined,
    });
  };
  for (const { id, type, properties } of resources) {
    if (type === 'AWS::EC2::SecurityGroup')
      for (const rule of (properties['SecurityGroupIngress'] ?? []) as Record<string, unknown>[])
        add(groupName(id), rule);
    if (type === 'AWS::EC2::SecurityGroupIngress') add(groupNameIn(properties['GroupId']), properties);
  }
  return rules;
}

const groupName = (id: string) => /^([A-Za-z]+Group)/.exec(id)?.[1] ?? id;
const groupNameIn = (value: unknown) =>
  /"([A-Za-z]+Group)[0-9A-F]{8}/.exec(JSON.stringify(value))?.[1] ?? JSON.stringify(value);

describe.each(['dev', 'prod'])('who can reach what in %s', (name) => {
  let rules: Rule[] = [];
  let resources: Resource[] = [];

  beforeAll(() => {
    resources = resourcesOf(synthesized(name).assembly);
    rules = ingressRules(resources);
  }, SYNTH_TIMEOUT_MS);

  test('from the internet only the UDP ports of the ingest slots are open', () => {
    const open = rules.filter(({ from }) => from === '0.0.0.0/0' || from === '::/0');
    expect(open).toEqual([
      {
        group: 'IngestLoadBalancerGroup',
        from: '0.0.0.0/0',
        protocol: 'udp',
        fromPort: 9_001,
        toPort: name === 'dev' ? 9_003 : 9_025,
      },
    ]);
  });

  test('Redis is reached by runner, origin and functions, and by nobody else', () => {
    const callers = rules
      .filter(({ group }) => group === 'RedisGroup')
      .map(({ from, fromPort }) => `${from}:${fromPort}`);
    expect(callers.sort()).toEqual(['FunctionGroup:6379', 'OriginGroup:6379', 'RunnerGroup:6379']);
  });

  test('the runner is reached only through its load balancer', () => {
    const callers = new Set(rules.filter(({ group }) => group === 'RunnerGroup').map(({ from }) => from));
    expect([...callers]).toEqual(['IngestLoadBalancerGroup']);
  });

  test('the origin is reached only by its load balancer, and that only by CloudFront', () => {
    const origin = rules.filter(({ group }) => group === 'OriginGroup');
    expect(origin.map(({ from }) => from)).toEqual(['OriginLoadBalancerGroup']);
    const balancer = rules.filter(({ group }) => group === 'OriginLoadBalancerGroup');
    expect(balancer).toHaveLength(1);
    expect(balancer[0]?.from).toContain('CloudFrontPrefixList');
  });

  test('nobody reaches a GPU host', () => {
    expect(rules.filter(({ group }) => group === 'GpuHostGroup')).toEqual([]);
  });

  test('hosts take instance metadata version 2 only, one hop away, and encrypt their disks', () => {
    const template = resources.find(({ type }) => type === 'AWS::EC2::LaunchTemplate');
    const data = template?.properties['LaunchTemplateData'] as {
      MetadataOptions: unknown;
      BlockDeviceMappings: { Ebs: { Encrypted: boolean } }[];
    };
    expect(data.MetadataOptions).toMatchObject({ HttpTokens: 'required', HttpPutResponseHopLimit: 1 });
    expect(data.BlockDeviceMappings.every(({ Ebs }) => Ebs.Encrypted)).toBe(true);
  });
});
