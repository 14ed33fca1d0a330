import { type App, Tags, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { Environment } from './config.ts';
import { EdgeProtectionStack } from './stacks/edge-protection-stack.ts';
import { NetworkStack } from './stacks/network-stack.ts';
import { OriginStack } from './stacks/origin-stack.ts';
import { RunnerStack } from './stacks/runner-stack.ts';
import { SigningKeyStack } from './stacks/signing-key-stack.ts';
import { StateStack } from './stacks/state-stack.ts';
import { StorageStack } from './stacks/storage-stack.ts';

/**
 * All stacks of one environment, wired to each other by typed values. Synthesis needs no account and no
 * network: nothing is looked up.
 */
export function buildPlatform(app: App, environment: Environment) {
  const prefix = `mirror-${environment.name}`;
  const common = {
    environment,
    env: { region: environment.region },
    terminationProtection: environment.retention.keepData,
  };
  const network = new NetworkStack(app, `${prefix}-network`, {
    ...common,
    description: 'mirror: VPC and security groups',
  });
  const storage = new StorageStack(app, `${prefix}-storage`, { ...common, description: 'mirror: buckets' });
  const state = new StateStack(app, `${prefix}-state`, { ...common, network, description: 'mirror: Valkey' });
  const runner = new RunnerStack(app, `${prefix}-runner`, {
    ...common,
    network,
    storage,
    state,
    description: 'mirror: GPU hosts and ingest',
  });
  const origin = new OriginStack(app, `${prefix}-origin`, {
    ...common,
    network,
    storage,
    state,
    cluster: runner.cluster,
    description: 'mirror: origin',
  });
  const signingKey = new SigningKeyStack(app, `${prefix}-signing-key`, {
    ...common,
    description: 'mirror: keys of signed URLs',
  });
  const edgeProtection = new EdgeProtectionStack(app, `${prefix}-edge-protection`, {
    ...common,
    env: { region: 'us-east-1' },
    description: 'mirror: web ACL',
  });

  Tags.of(app).add('project', 'mirror');
  Tags.of(app).add('environment', environment.name);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  return { network, storage, state, runner, origin, signingKey, edgeProtection };
}
