import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import context from '../../../cdk.json' with { type: 'json' };
import { loadEnvironment } from '../../../lib/config.ts';
import { SigningKeyStack } from '../../../lib/stacks/signing-key-stack.ts';
import { resourcesOf, synthesized } from './synthesized.ts';

const SYNTH_TIMEOUT_MS = 180_000;

/** Steps of docs/runbook.md, "Rotate the signing key": lib/config.ts, signingKeyGenerations. */
const STEPS = { before: [1], both: [2, 1], after: [2] } as const;

/** The one stack that a rotation changes; what others take from it are its properties. */
function signing(generations: readonly number[]) {
  const app = new App({
    context: { ...context.context, 'aws:cdk:bundling-stacks': [] },
    analyticsReporting: false,
  });
  const environment = loadEnvironment('prod', { signingKeyGenerations: generations });
  const stack = new SigningKeyStack(app, 'keys', { environment, env: { region: environment.region } });
  const template = Template.fromStack(stack);
  const [group] = Object.values(template.findResources('AWS::CloudFront::KeyGroup'));
  const trusted: { Ref: string }[] = group?.['Properties'].KeyGroupConfig.Items;
  return {
    trusted: trusted.map(({ Ref }) => nameOf(Ref)),
    secrets: Object.keys(template.findResources('AWS::SecretsManager::Secret')).map((id) => nameOf(id)),
    pairs: template.findResources('Custom::SigningKeyPair'),
    signsWith: JSON.stringify(stack.resolve(stack.keyPairId)),
    signsBy: JSON.stringify(stack.resolve(stack.privateKeySecret.secretArn)),
  };
}

function nameOf(logicalId: string): string {
  return logicalId.replace(/[0-9A-F]{8}$/, '');
}

describe('rotation of the key that signs URLs', () => {
  test('first a second key is trusted beside the first, and signs', () => {
    const [before, both] = [signing(STEPS.before), signing(STEPS.both)];
    expect(before.trusted).toEqual(['PublicKey1']);
    expect(before.signsWith).toContain('PublicKey1');
    expect(both.trusted).toEqual(['PublicKey2', 'PublicKey1']);
    expect(both.signsWith).toContain('PublicKey2');
    expect(both.signsBy).toContain('PrivateKey2');
    expect(Object.keys(both.pairs)).toHaveLength(2);
  });

  test('then the first one is gone, with its private half, and the second is not touched', () => {
    const [both, after] = [signing(STEPS.both), signing(STEPS.after)];
    expect(after.trusted).toEqual(['PublicKey2']);
    expect(after.secrets).not.toContain('PrivateKey1');
    expect(after.signsWith).toBe(both.signsWith);
    // Another logical id or another property would make a new pair, and end every URL that is out there.
    const newPairs = Object.entries(both.pairs).filter(([id]) => id.startsWith('KeyPair2'));
    expect(newPairs).toHaveLength(1);
    expect(Object.entries(after.pairs)).toEqual(newPairs);
  });

  test(
    'the function that signs takes key and secret from there, and /live is signed by the group',
    () => {
      const resources = resourcesOf(synthesized('prod').assembly);
      const viewers = JSON.stringify(resources.find(({ id }) => id.startsWith('ViewersFunction')));
      expect(viewers).toContain('PublicKey1');
      expect(viewers).toContain('PrivateKey1');
      const media = resources.find(
        ({ id, type }) => type.endsWith('::Distribution') && id.startsWith('Media'),
      );
      const { DistributionConfig } = media?.properties ?? {};
      const { CacheBehaviors } = DistributionConfig as {
        CacheBehaviors: { PathPattern: string; TrustedKeyGroups?: unknown[] }[];
      };
      const signed = CacheBehaviors.filter(({ TrustedKeyGroups }) => TrustedKeyGroups?.length === 1);
      expect(signed.map(({ PathPattern }) => PathPattern)).toEqual(['/live/*', '/recordings/*']);
    },
    SYNTH_TIMEOUT_MS,
  );
});
