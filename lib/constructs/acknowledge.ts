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
