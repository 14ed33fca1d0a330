import { CfnOutput, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import * as elasticache from 'aws-cdk-lib/aws-elasticache';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { Environment } from '../config.ts';
import { acknowledge } from '../constructs/acknowledge.ts';
import { dataRemovalPolicy } from '../constructs/environment-policy.ts';
import type { NetworkStack } from './network-stack.ts';
import { REDIS_PORT } from './network-stack.ts';

export interface StateStackProps extends StackProps {
  readonly environment: Environment;
  readonly network: NetworkStack;
}

/**
 * ElastiCache for Valkey: the live edge and the registry. Node-based and cluster mode disabled, because the
 * origin follows many streams with one XREAD, whose keys must be in one shard.
 */
export class StateStack extends Stack {
  readonly host: string;
  /** Holds the AUTH token and nothing else. */
  readonly authSecret: secretsmanager.Secret;
  readonly replicationGroup: elasticache.CfnReplicationGroup;

  constructor(scope: Construct, id: string, props: StateStackProps) {
    super(scope, id, props);
    const { environment, network } = props;
    const { nodeType, replicaCount } = environment.state;

    this.authSecret = new secretsmanager.Secret(this, 'AuthSecret', {
      description: 'AUTH token of the Valkey nodes',
      // AUTH tokens have 16 to 128 printable characters without @, " and / (ElastiCache User Guide).
      generateSecretString: { passwordLength: 64, excludePunctuation: true },
      removalPolicy: dataRemovalPolicy(environment),
    });
    acknowledge(
      this.authSecret,
      'AwsSolutions-SMG4',
      'The token is changed by the ROTATE and SET strategies of ElastiCache: a procedure of its own in docs/runbook.md, since a scheduled rotation would need a function inside the VPC with rights over the cluster.',
    );
    const subnetGroup = new elasticache.CfnSubnetGroup(this, 'SubnetGroup', {
      description: 'Private subnets of mirror',
      subnetIds: network.vpc.selectSubnets(network.computeSubnets).subnetIds,
    });
    const parameterGroup = new elasticache.CfnParameterGroup(this, 'ParameterGroup', {
      cacheParameterGroupFamily: 'valkey8',
      description: 'mirror: nothing is evicted, a write that finds no room fails loudly',
      properties: { 'maxmemory-policy': 'noeviction' },
    });
    this.replicationGroup = new elasticache.CfnReplicationGroup(this, 'ReplicationGroup', {
      replicationGroupDescription: `mirror ${environment.name}: live edge and registry`,
      engine: 'valkey',
      engineVersion: '8.0',
      cacheNodeType: nodeType,
      numNodeGroups: 1,
      replicasPerNodeGroup: replicaCount,
      automaticFailoverEnabled: replicaCount > 0,
      multiAzEnabled: replicaCount > 0,
      cacheParameterGroupName: parameterGroup.ref,
      cacheSubnetGroupName: subnetGroup.ref,
      securityGroupIds: [network.redisGroup.securityGroupId],
      port: REDIS_PORT,
      transitEncryptionEnabled: true,
      atRestEncryptionEnabled: true,
      // A dynamic reference: CloudFormation reads the secret at deployment, and no template holds it.
      authToken: this.authSecret.secretValue.unsafeUnwrap(),
      snapshotRetentionLimit: environment.retention.keepData ? 3 : 0,
    });
    this.replicationGroup.applyRemovalPolicy(
      environment.retention.keepData ? RemovalPolicy.SNAPSHOT : RemovalPolicy.DESTROY,
    );
    if (replicaCount === 0) {
      acknowledge(
        this.replicationGroup,
        'AwsSolutions-AEC4',
        'One node by config (state.replicaCount 0): the smallest environment; a lost registry is rebuilt from the tags of what runs.',
      );
    }
    this.host = this.replicationGroup.attrPrimaryEndPointAddress;
    new CfnOutput(this, 'PrimaryEndpoint', { value: this.host });
  }
}
