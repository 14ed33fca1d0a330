/**
 * `node --import tsx bin/topology.ts [--write]`: draws the topology of prod from the synthesized templates into
 * docs/aws.md. A test holds the picture to the templates.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { App, type cx_api } from 'aws-cdk-lib';
import context from '../cdk.json' with { type: 'json' };
import { loadEnvironment } from '../lib/config.ts';
import { buildPlatform } from '../lib/platform.ts';

const PAGE = new URL('../docs/aws.md', import.meta.url);
const BEGIN = '<!-- topology: written by bin/topology.ts -->';
const END = '<!-- end of topology -->';

const counted = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** What is drawn: one box for each of these, named by what it is for. */
const BOXES: Readonly<Record<string, (count: number) => string>> = {
  'AWS::CloudFront::Distribution': (count) => `CloudFront, ${counted(count, 'distribution')}`,
  'AWS::WAFv2::WebACL': () => 'WAF',
  'AWS::ApiGatewayV2::Api': () => 'HTTP API',
  'AWS::Lambda::Function': (count) => `Lambda, ${counted(count, 'function')}`,
  'AWS::ElastiCache::ReplicationGroup': () => 'ElastiCache for Valkey',
  'AWS::S3Express::DirectoryBucket': () => 'S3 Express One Zone',
  'AWS::S3::Bucket': (count) => `S3, ${counted(count, 'bucket')}`,
  'AWS::AutoScaling::AutoScalingGroup': () => 'GPU hosts (ECS)',
  'AWS::Batch::JobQueue': () => 'AWS Batch (Spot)',
  'AWS::ECS::Service': () => 'Origin (Fargate)',
  'AWS::ElasticLoadBalancingV2::LoadBalancer': (count) => `${count} load balancers`,
  'AWS::Events::Rule': (count) => `EventBridge, ${counted(count, 'rule')}`,
  'AWS::SecretsManager::Secret': (count) => `Secrets Manager, ${counted(count, 'secret')}`,
  'AWS::CloudWatch::Alarm': (count) => `CloudWatch, ${counted(count, 'alarm')}`,
};

/** The picture in Mermaid: stacks as frames, what is in them as boxes, references between stacks as arrows. */
export function topology(assembly: cx_api.CloudAssembly, environmentName: string): string {
  const lines = ['flowchart LR'];
  const arrows = new Set<string>();
  const nameOf = (stackName: string) => stackName.replace(`mirror-${environmentName}-`, '');
  for (const stack of assembly.stacks) {
    const { Resources } = stack.template as { Resources: Record<string, { Type: string }> };
    const counts = new Map<string, number>();
    for (const { Type } of Object.values(Resources)) counts.set(Type, (counts.get(Type) ?? 0) + 1);
    const name = nameOf(stack.stackName);
    const boxes = Object.entries(BOXES).flatMap(([type, label]) => {
      const count = counts.get(type);
      return count === undefined ? [] : [label(count)];
    });
    lines.push(`  ${name}["<b>${name}</b>${boxes.map((box) => `<br/>${box}`).join('')}"]`);
    for (const dependency of stack.dependencies) {
      const from = 'stackName' in dependency ? nameOf(String(dependency.stackName)) : undefined;
      if (from !== undefined) arrows.add(`  ${from} --> ${name}`);
    }
  }
  lines.push(
    '  encoder([Encoders]) -- "SRT, RTP" --> runner',
    '  viewer([Viewers]) -- "HTTP/2, HTTP/3" --> media-delivery',
  );
  lines.push('  viewer --> app-delivery', ...[...arrows].sort((a, b) => a.localeCompare(b)));
  return lines.join('\n');
}

/** The page with its picture replaced. */
export function pageWith(page: string, picture: string): string {
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END);
  if (from < 0 || to < 0) throw new Error(`docs/aws.md must hold the lines "${BEGIN}" and "${END}".`);
  return `${page.slice(0, from)}${BEGIN}\n\n\`\`\`mermaid\n${picture}\n\`\`\`\n\n${page.slice(to)}`;
}

if (process.argv[1]?.endsWith('topology.ts')) {
  const app = new App({
    context: { ...context.context, 'aws:cdk:bundling-stacks': [] },
    analyticsReporting: false,
  });
  buildPlatform(app, loadEnvironment('prod'));
  const picture = topology(app.synth(), 'prod');
  if (process.argv.includes('--write')) writeFileSync(PAGE, pageWith(readFileSync(PAGE, 'utf8'), picture));
  else process.stdout.write(`${picture}\n`);
}
