/** The platform of an environment, synthesized without bundling and without an account. */
import { App, type cx_api, type Stack } from 'aws-cdk-lib';
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

export interface Resource {
  /** Without the `mirror-{environment}-` in front of it. */
  readonly stack: string;
  readonly id: string;
  readonly type: string;
  readonly properties: Record<string, unknown>;
}

/** Every resource of every stack. */
export function resourcesOf(assembly: cx_api.CloudAssembly): Resource[] {
  return assembly.stacks.flatMap((stack) => {
    const { Resources } = stack.template as {
      Resources: Record<string, { Type: string; Properties?: Record<string, unknown> }>;
    };
    return Object.entries(Resources).map(([id, { Type: type, Properties: properties = {} }]) => ({
      stack: stack.stackName.replace(/^mirror-/, ''),
      id,
      type,
      properties,
    }));
  });
}
