import { describe, expect, test } from 'vitest';
import { loadEnvironment } from '../../../lib/config.ts';
import { guardExceptions, guardPlugins } from '../../../lib/constructs/guard-rules.ts';
import { resourcesOf, synthesized } from './synthesized.ts';

const SYNTH_TIMEOUT_MS = 180_000;

describe('proactive controls of Control Tower, by cfn-guard', () => {
  test.each(['dev', 'staging', 'prod'])(
    '%s breaks only the rules that are excepted with a reason, and breaks each of those',
    (name) => {
      const { assembly, platform } = synthesized(name);
      const environment = loadEnvironment(name);
      const [everyRule] = guardPlugins(environment, []);
      // There is no cfn-guard for this system: nothing was checked at synthesis either.
      if (!everyRule) return;
      const { violations } = everyRule.validate({
        templatePaths: assembly.stacks.map((stack) => stack.templateFullPath),
        appConstruct: platform.network.node.root,
      });
      const broken = new Set(violations.map(({ description }) => fileNameOf(description)));
      const excepted = guardExceptions(environment).map(({ rule }) => rule);
      expect([...broken].sort()).toEqual(excepted.toSorted());
    },
    SYNTH_TIMEOUT_MS,
  );

  test('what ct-lambda-pr-2 cannot read is so: a service may call a function only for one source', () => {
    const permissions = resourcesOf(synthesized('prod').assembly).filter(
      ({ type }) => type === 'AWS::Lambda::Permission',
    );
    expect(permissions.length).toBeGreaterThan(10);
    for (const { id, properties } of permissions) expect(properties['SourceArn'], id).toBeDefined();
  });

  test('what ct-elasticloadbalancing-pr-6 cannot read is so: both load balancers log', () => {
    const balancers = resourcesOf(synthesized('prod').assembly).filter(
      ({ type }) => type === 'AWS::ElasticLoadBalancingV2::LoadBalancer',
    );
    expect(balancers).toHaveLength(2);
    for (const { properties } of balancers)
      expect(properties['LoadBalancerAttributes']).toContainEqual({
        Key: 'access_logs.s3.enabled',
        Value: 'true',
      });
  });
});

/** `[CT.S3.PR.9]: Require that ...` -> `ct-s3-pr-9`. */
function fileNameOf(description: string): string {
  return (/CT\.[A-Z0-9]+\.PR\.\d+/.exec(description)?.[0] ?? description).toLowerCase().replaceAll('.', '-');
}
