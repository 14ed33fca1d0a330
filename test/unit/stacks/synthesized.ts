/** The platform of an environment, synthesized once per test file, without bundling and without an account. */
import { App, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import context from '../../../cdk.json' with { type: 'json' };
import { loadEnvironment } from '../../../lib/config.ts';
import { buildPlatform } from '../../../lib/platform.ts';

export function synthesized(name: string) {
  const app = new App({
    context: { ...context.context, 'aws:cdk:bundling-stacks': [] },
    analyticsReporting: false,
  });
  const platform = buildPlatform(app, loadEnvironment(name));
  const assembly = app.synth();
  return { platform, assembly, template: (stack: Stack) => Template.fromStack(stack) };
}
