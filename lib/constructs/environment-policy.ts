import { RemovalPolicy } from 'aws-cdk-lib';
import type { Environment } from '../config.ts';

/** What happens to data when a stack goes: kept where the environment says so. */
export function dataRemovalPolicy(environment: Environment): RemovalPolicy {
  return environment.retention.keepData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
}
