import { Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** Accepts one finding of the AwsSolutions rules on one construct, with the reason in words. */
export function acknowledge(construct: IConstruct, rule: string, reason: string): void {
  Validations.of(construct).acknowledge({ id: `AwsSolutions::${rule}`, reason });
}

/**
 * Accepts wildcards in policies, each by the exact text of the finding (`Resource::*`, `Action::ecs:Submit*`),
 * so that a wildcard that somebody adds later is a finding again.
 */
export function acknowledgeWildcards(
  construct: IConstruct,
  wildcards: readonly string[],
  reason: string,
): void {
  for (const wildcard of wildcards) acknowledge(construct, `AwsSolutions-IAM5[${wildcard}]`, reason);
}

/** The function behind an AwsCustomResource is CDK's own, one in a stack, and is named after its code. */
export function acknowledgeCustomResourceFunction(stack: IConstruct): void {
  const own = stack.node.children.find((child) => child.node.id.startsWith('AWS679f'));
  if (!own)
    throw new Error('CDK names the function of its custom resources differently now: look at its id.');
  acknowledge(
    own,
    'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]',
    'CDK’s own function for one call at deployment: the managed policy lets it write its logs.',
  );
}
