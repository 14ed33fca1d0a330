import { type App, Tags, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { Environment } from './config.ts';
import { guardPlugins } from './constructs/guard-rules.ts';
import { bundlePages } from './constructs/page-files.ts';
import { AppDeliveryStack, type AppDeliveryStackProps } from './stacks/app-delivery-stack.ts';
import { BatchStack } from './stacks/batch-stack.ts';
import { ControlStack } from './stacks/control-stack.ts';
import { EdgeProtectionStack } from './stacks/edge-protection-stack.ts';
import { MediaDeliveryStack } from './stacks/media-delivery-stack.ts';
import { NetworkStack } from './stacks/network-stack.ts';
import { ObservabilityStack } from './stacks/observability-stack.ts';
import { OriginStack } from './stacks/origin-stack.ts';
import { RunnerStack } from './stacks/runner-stack.ts';
import { SigningKeyStack } from './stacks/signing-key-stack.ts';
import { StateStack } from './stacks/state-stack.ts';
import { StorageStack } from './stacks/storage-stack.ts';

/**
 * All stacks of one environment, wired to each other by typed values. Synthesis needs no account and no
 * network: nothing is looked up.
 */
export function buildPlatform(
  app: App,
  environment: Environment,
  {
    pageFiles = bundlePages,
    guards = guardPlugins(environment),
  }: {
    readonly pageFiles?: AppDeliveryStackProps['pageFiles'];
    /** For tests, which run them once and by themselves: they take seconds. */
    readonly guards?: ReturnType<typeof guardPlugins>;
  } = {},
) {
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
  const batch = new BatchStack(app, `${prefix}-batch`, {
    ...common,
    network,
    storage,
    description: 'mirror: exports of recordings',
  });
  const signingKey = new SigningKeyStack(app, `${prefix}-signing-key`, {
    ...common,
    description: 'mirror: keys of signed URLs',
  });
  const media = new MediaDeliveryStack(app, `${prefix}-media-delivery`, {
    ...common,
    storage,
    origin,
    signingKey,
    description: 'mirror: CloudFront for media',
  });
  const control = new ControlStack(app, `${prefix}-control`, {
    ...common,
    network,
    state,
    runner,
    signingKey,
    mediaHost: media.host,
    description: 'mirror: control API',
  });
  const edgeProtection = new EdgeProtectionStack(app, `${prefix}-edge-protection`, {
    ...common,
    env: { region: 'us-east-1' },
    crossRegionReferences: environment.region !== 'us-east-1',
    description: 'mirror: web ACL',
  });
  const delivery = new AppDeliveryStack(app, `${prefix}-app-delivery`, {
    ...common,
    storage,
    api: control.api,
    mediaHost: media.host,
    webAclArn: edgeProtection.webAclArn,
    pageFiles,
    crossRegionReferences: environment.region !== 'us-east-1',
    description: 'mirror: CloudFront for page and API',
  });
  const observability = new ObservabilityStack(app, `${prefix}-observability`, {
    ...common,
    runner,
    origin,
    control,
    media,
    batch,
    description: 'mirror: dashboard, alarms, budget',
  });

  Tags.of(app).add('project', 'mirror');
  Tags.of(app).add('environment', environment.name);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), ...guards);
  return {
    network,
    storage,
    state,
    runner,
    origin,
    batch,
    signingKey,
    media,
    control,
    edgeProtection,
    delivery,
    observability,
  };
}
