/** The platform of an environment, synthesized without bundling and without an account. */
import { App, type cx_api, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import context from '../../../cdk.json' with { type: 'json' };
import type { PageFiles } from '../../../domain/pages/pages.ts';
import { loadEnvironment } from '../../../lib/config.ts';
import { buildPlatform } from '../../../lib/platform.ts';

/** One file of each kind: what is tested here is where they go, not what is in them. */
const pageFiles = (mediaOrigin: string): PageFiles =>
  new Map([
    [
      '/assets/main-AAAAAAAA.js',
      { contentType: 'text/javascript', bytes: Buffer.from('1'), immutable: true },
    ],
    ['/assets/style-AAAAAAAA.css', { contentType: 'text/css', bytes: Buffer.from('a{}'), immutable: true }],
    ['/', { contentType: 'text/html', bytes: Buffer.from(`<p>${mediaOrigin}</p>`), immutable: false }],
  ]);

export type Synthesized = ReturnType<typeof synthesize>;

const known = new Map<string, Synthesized>();

/** Made once in a process, since it takes seconds: nobody may change what is returned. */
export function synthesized(name: string, overrides: Readonly<Record<string, unknown>> = {}): Synthesized {
  const key = JSON.stringify([name, overrides]);
  const found = known.get(key) ?? synthesize(name, overrides);
  known.set(key, found);
  return found;
}

function synthesize(name: string, overrides: Readonly<Record<string, unknown>>) {
  const app = new App({
    context: { ...context.context, 'aws:cdk:bundling-stacks': [] },
    analyticsReporting: false,
  });
  const platform = buildPlatform(app, loadEnvironment(name, overrides), { pageFiles, guards: [] });
  const assembly = app.synth();
  return { platform, assembly, template: (stack: Stack) => Template.fromStack(stack) };
}

export interface Resource {
  /** Without the `mirror-{environment}-` in front of it. */
  readonly stack: string;
  readonly id: string;
  readonly type: string;
  readonly properties: Record<string, unknown>;
  readonly dependsOn: readonly string[];
}

/** Every resource of every stack. */
export function resourcesOf(assembly: cx_api.CloudAssembly): Resource[] {
  return assembly.stacks.flatMap((stack) => {
    const { Resources } = stack.template as {
      Resources: Record<string, { Type: string; Properties?: Record<string, unknown>; DependsOn?: string[] }>;
    };
    return Object.entries(Resources).map(
      ([id, { Type: type, Properties: properties = {}, DependsOn: dependsOn = [] }]) => ({
        stack: stack.stackName.replace(/^mirror-/, ''),
        id,
        type,
        properties,
        dependsOn,
      }),
    );
  });
}
