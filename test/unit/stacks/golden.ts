/**
 * The templates of an environment as a text that a person can review: a line for each resource, and below it the
 * properties that decide who reaches what, what it costs and how it behaves. References are written short, hashes
 * of content are left out, so that only decisions make a difference.
 */
import type { cx_api } from 'aws-cdk-lib';
import { resourcesOf } from './synthesized.ts';

/** What CDK makes for itself, and what says the same as something else. */
const LEFT_OUT_TYPES = [
  /^AWS::CDK::Metadata$/,
  /^AWS::Lambda::LayerVersion$/,
  /^AWS::EC2::(SubnetRouteTableAssociation|Route|RouteTable|VPCGatewayAttachment)$/,
];
const LEFT_OUT_PROPERTIES = new Set(['Tags', 'Code', 'Content', 'SourceObjectKeys', 'S3Key', 'Description']);
/** A value longer than this is cut: a dashboard or a rule set has tests of its own. */
const MAX_VALUE_CHARACTERS = 400;
const MAX_LINE_CHARACTERS = 120;

export function goldenText(assembly: cx_api.CloudAssembly): string {
  const lines: string[] = [];
  let stackName = '';
  const resources = resourcesOf(assembly).toSorted(
    (a, b) => compare(a.stack, b.stack) || compare(a.type, b.type) || compare(nameOf(a.id), nameOf(b.id)),
  );
  for (const { stack, id, type, properties } of resources) {
    if (LEFT_OUT_TYPES.some((pattern) => pattern.test(type))) continue;
    if (stack !== stackName) lines.push('', `# ${stack}`);
    stackName = stack;
    lines.push('', `${type}  ${nameOf(id)}`);
    for (const key of Object.keys(properties).toSorted(compare)) {
      if (LEFT_OUT_PROPERTIES.has(key)) continue;
      lines.push(...propertyLines(key, properties[key]));
    }
  }
  return `${lines.join('\n').trim()}\n`;
}

/** What fits on a line is a line; what does not goes down, key by key. A policy reads as a sentence for each statement. */
function propertyLines(key: string, value: unknown, indent = '  '): string[] {
  if (key.endsWith('PolicyDocument')) {
    const { Statement } = value as { Statement: Record<string, unknown>[] };
    return [`${indent}${key}:`, ...Statement.map((statement) => `${indent}  ${statementText(statement)}`)];
  }
  const text = valueText(value);
  if (text.length <= MAX_LINE_CHARACTERS || typeof value !== 'object' || value === null || isReference(value))
    return [`${indent}${key}: ${cut(text)}`];
  const entries: [string, unknown][] = Array.isArray(value)
    ? value.map((item) => ['-', item])
    : Object.entries(value)
        .filter(([name]) => !LEFT_OUT_PROPERTIES.has(name))
        .toSorted(([one], [other]) => compare(one, other));
  return [`${indent}${key}:`, ...entries.flatMap(([name, item]) => propertyLines(name, item, `${indent}  `))];
}

function isReference(value: object): boolean {
  const [only, ...others] = Object.entries(value);
  return only !== undefined && others.length === 0 && referenceText(only[0], only[1]) !== undefined;
}

function statementText(statement: Record<string, unknown>): string {
  const { Effect, Action, Resource, Principal, Condition } = statement;
  return [
    String(Effect),
    valueText(Action),
    ...(Principal === undefined ? [] : ['by', valueText(Principal)]),
    ...(Resource === undefined ? [] : ['on', valueText(Resource)]),
    ...(Condition === undefined ? [] : ['if', valueText(Condition)]),
  ].join(' ');
}

/** Without the hash that CDK puts behind a name. */
function nameOf(id: string): string {
  return id.replace(/[0-9A-F]{8}$/, '').replace(/[0-9a-f]{32}/g, '');
}

function valueText(value: unknown): string {
  if (typeof value === 'string') return withoutHashes(value);
  if (Array.isArray(value)) return `[${value.map((item) => valueText(item)).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const entries = Object.entries(value).toSorted(([a], [b]) => compare(a, b));
  const [only] = entries;
  if (entries.length === 1 && only) {
    const short = referenceText(only[0], only[1]);
    if (short !== undefined) return short;
  }
  const kept = entries.filter(([key]) => !LEFT_OUT_PROPERTIES.has(key));
  return `{${kept.map(([key, item]) => `${key}: ${valueText(item)}`).join(', ')}}`;
}

function referenceText(intrinsic: string, argument: unknown): string | undefined {
  switch (intrinsic) {
    case 'Ref':
      return `<${nameOf(String(argument))}>`;
    case 'Fn::GetAtt': {
      const [id, attribute] = argument as [string, string];
      return `<${nameOf(id)}.${attribute}>`;
    }
    case 'Fn::Join': {
      const [separator, items] = argument as [string, unknown[]];
      return Array.isArray(items) ? items.map((item) => valueText(item)).join(separator) : undefined;
    }
    case 'Fn::Sub':
      return valueText(argument);
    case 'Fn::GetStackOutput': {
      const { StackName, OutputName } = argument as { StackName: string; OutputName: string };
      return `<${StackName}/${nameOf(OutputName.replace(/^PublishOutput(FnGetAtt|Ref)/, ''))}>`;
    }
    default:
      return undefined;
  }
}

function withoutHashes(text: string): string {
  return text.replaceAll(/[0-9a-f]{64}/g, 'HASH').replaceAll('\n', '\\n');
}

function cut(text: string): string {
  if (text.length <= MAX_VALUE_CHARACTERS) return text;
  return `${text.slice(0, MAX_VALUE_CHARACTERS)}… (${text.length} characters)`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
