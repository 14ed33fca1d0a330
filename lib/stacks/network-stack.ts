import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import { AwsCustomResource, AwsCustomResourcePolicy, PhysicalResourceId } from 'aws-cdk-lib/custom-resources';
import type { Construct } from 'constructs';
import { ANYWHERE, type Environment } from '../config.ts';
import {
  acknowledge,
  acknowledgeCustomResourceFunction,
  acknowledgeWildcards,
} from '../constructs/acknowledge.ts';
import { dataRemovalPolicy } from '../constructs/environment-policy.ts';

export interface NetworkStackProps extends StackProps {
  readonly environment: Environment;
}

/** The port on which the runner answers health checks of its NLB target group. */
export const RUNNER_HEALTH_PORT = 8_081;
/** The port of the origin's HTTP server behind its load balancer. */
export const ORIGIN_PORT = 8_080;
export const REDIS_PORT = 6_379;

/**
 * VPC, endpoints, and every security group. The groups all live here and name each other, so that "who can
 * reach what" is read in one file and no stack has to reach into another's.
 */
export class NetworkStack extends Stack {
  readonly vpc: ec2.Vpc;
  /** Where tasks and functions get their interfaces. */
  readonly computeSubnets: ec2.SubnetSelection;
  /** Where GPU hosts live: the first zone only, beside the directory bucket. */
  readonly gpuHostSubnets: ec2.SubnetSelection;
  /** Where the runner's task interfaces live: private, and in the zone of the GPU hosts. */
  readonly runnerSubnet: ec2.ISubnet;
  /** Where the origin's Fargate tasks live. */
  readonly originSubnets: ec2.SubnetSelection;

  readonly ingestLoadBalancerGroup: ec2.SecurityGroup;
  readonly runnerGroup: ec2.SecurityGroup;
  readonly gpuHostGroup: ec2.SecurityGroup;
  readonly redisGroup: ec2.SecurityGroup;
  readonly originLoadBalancerGroup: ec2.SecurityGroup;
  readonly originGroup: ec2.SecurityGroup;
  readonly functionGroup: ec2.SecurityGroup;
  readonly batchHostGroup: ec2.SecurityGroup;
  /** Where hosts of exports live: any zone, since S3 is the same from both. */
  readonly batchSubnets: ec2.SubnetSelection;

  constructor(scope: Construct, id: string, props: NetworkStackProps) {
    super(scope, id, props);
    const { environment } = props;
    const usesNat = environment.egress === 'nat';

    this.vpc = new ec2.Vpc(this, 'Vpc', {
      ipAddresses: ec2.IpAddresses.cidr(environment.vpcCidr),
      maxAzs: 2,
      natGateways: usesNat ? 2 : 0,
      subnetConfiguration: [
        { name: 'public', subnetType: ec2.SubnetType.PUBLIC, cidrMask: 24, mapPublicIpOnLaunch: false },
        {
          name: 'private',
          subnetType: usesNat ? ec2.SubnetType.PRIVATE_WITH_EGRESS : ec2.SubnetType.PRIVATE_ISOLATED,
          cidrMask: 22,
        },
      ],
      restrictDefaultSecurityGroup: true,
    });
    this.#placeInZones(environment.zoneIds);
    this.vpc.addFlowLog('FlowLog', {
      destination: ec2.FlowLogDestination.toCloudWatchLogs(
        new logs.LogGroup(this, 'FlowLogGroup', {
          retention: environment.retention.logDays,
          removalPolicy: dataRemovalPolicy(environment),
        }),
      ),
      trafficType: ec2.FlowLogTrafficType.REJECT,
    });

    const privateSubnets = usesNat ? this.vpc.privateSubnets : this.vpc.isolatedSubnets;
    const firstPrivate = first(privateSubnets);
    this.computeSubnets = { subnets: privateSubnets };
    this.runnerSubnet = firstPrivate;
    this.gpuHostSubnets = { subnets: [usesNat ? firstPrivate : first(this.vpc.publicSubnets)] };
    this.originSubnets = { subnets: usesNat ? privateSubnets : this.vpc.publicSubnets };

    // Traffic to S3 and S3 Express stays inside AWS and is free of charge through gateway endpoints.
    this.vpc.addGatewayEndpoint('S3Endpoint', { service: ec2.GatewayVpcEndpointAwsService.S3 });
    this.vpc.addGatewayEndpoint('S3ExpressEndpoint', {
      service: ec2.GatewayVpcEndpointAwsService.S3_EXPRESS,
    });

    const group = (name: string, description: string, allowAllOutbound = false) =>
      new ec2.SecurityGroup(this, name, { vpc: this.vpc, description, allowAllOutbound });
    this.ingestLoadBalancerGroup = group(
      'IngestLoadBalancerGroup',
      'Feeds arrive here: the only door to the internet',
    );
    this.runnerGroup = group('RunnerGroup', 'One runner per stream', usesNat);
    this.gpuHostGroup = group('GpuHostGroup', 'GPU hosts: they call out and nobody calls in', true);
    this.redisGroup = group('RedisGroup', 'The live edge and the registry');
    this.originLoadBalancerGroup = group(
      'OriginLoadBalancerGroup',
      'CloudFront reaches the origin through it',
    );
    this.originGroup = group('OriginGroup', 'Origin tasks', true);
    this.functionGroup = group('FunctionGroup', 'Lambda functions of the control API', usesNat);

    this.batchHostGroup = group('BatchHostGroup', 'Hosts of exports: they call out, nobody calls in', true);
    this.batchSubnets = { subnets: usesNat ? privateSubnets : this.vpc.publicSubnets };

    this.#connectGroups(environment);
    if (!usesNat) this.#addInterfaceEndpoints();
    new CfnOutput(this, 'VpcId', { value: this.vpc.vpcId });
  }

  /** Zones by id: `Fn::GetAZs` gives names in an order that differs between accounts. */
  #placeInZones(zoneIds: readonly [string, string]): void {
    for (const subnets of [this.vpc.publicSubnets, this.vpc.privateSubnets, this.vpc.isolatedSubnets]) {
      for (const [index, subnet] of subnets.entries()) {
        const resource = subnet.node.defaultChild as ec2.CfnSubnet;
        resource.addPropertyDeletionOverride('AvailabilityZone');
        resource.addPropertyOverride('AvailabilityZoneId', zoneIds[index]);
      }
    }
  }

  /** Every allowed path. What is not written here cannot be reached. */
  #connectGroups(environment: Environment): void {
    const { firstPort, slotCount, allowedCidrs } = environment.ingest;
    const ingestPorts = ec2.Port.udpRange(firstPort, firstPort + slotCount - 1);
    for (const cidr of allowedCidrs) {
      this.ingestLoadBalancerGroup.addIngressRule(ec2.Peer.ipv4(cidr), ingestPorts, 'Feeds over SRT and RTP');
    }
    if (allowedCidrs.includes(ANYWHERE)) {
      acknowledge(
        this.ingestLoadBalancerGroup,
        'AwsSolutions-EC23',
        'Encoders send from anywhere unless ingest.allowedCidrs says otherwise; SRT asks for a passphrase, and only the UDP ports of the slots are open.',
      );
    }
    const allow = (from: ec2.SecurityGroup, to: ec2.SecurityGroup, port: ec2.Port, why: string) => {
      to.addIngressRule(from, port, why);
      if (!from.allowAllOutbound) from.addEgressRule(to, port, why);
    };
    // The client address is kept for UDP, and yet a rule that names the balancer's group holds (Network Load
    // Balancers, "Update the security groups"): nobody can send to a runner past the balancer.
    allow(this.ingestLoadBalancerGroup, this.runnerGroup, ingestPorts, 'Feeds that passed the load balancer');
    allow(this.ingestLoadBalancerGroup, this.runnerGroup, ec2.Port.tcp(RUNNER_HEALTH_PORT), 'Health checks');
    allow(this.runnerGroup, this.redisGroup, ec2.Port.tcp(REDIS_PORT), 'Announces parts');
    allow(this.originGroup, this.redisGroup, ec2.Port.tcp(REDIS_PORT), 'Follows the live edge');
    allow(this.functionGroup, this.redisGroup, ec2.Port.tcp(REDIS_PORT), 'Registry');
    allow(
      this.originLoadBalancerGroup,
      this.originGroup,
      ec2.Port.tcp(ORIGIN_PORT),
      'Requests and health checks',
    );
    this.originLoadBalancerGroup.addIngressRule(
      ec2.Peer.prefixList(this.#cloudFrontPrefixList()),
      ec2.Port.tcp(80),
      'CloudFront through its VPC origin',
    );
    if (!this.runnerGroup.allowAllOutbound) {
      // The gateway endpoints' addresses are public ones, known only as prefix lists per region.
      this.runnerGroup.addEgressRule(
        ec2.Peer.anyIpv4(),
        ec2.Port.tcp(443),
        'S3 Express by its gateway endpoint',
      );
    }
  }

  /**
   * The managed list of CloudFront's origin-facing addresses. Its id differs between regions, so it is asked
   * for at deployment (CloudFront Developer Guide, "Restrict access with VPC origins").
   */
  #cloudFrontPrefixList(): string {
    const lookup = new AwsCustomResource(this, 'CloudFrontPrefixList', {
      onUpdate: {
        service: 'EC2',
        action: 'describeManagedPrefixLists',
        parameters: {
          Filters: [{ Name: 'prefix-list-name', Values: ['com.amazonaws.global.cloudfront.origin-facing'] }],
        },
        physicalResourceId: PhysicalResourceId.of('cloudfront-origin-facing'),
        outputPaths: ['PrefixLists.0.PrefixListId'],
      },
      policy: AwsCustomResourcePolicy.fromStatements([
        new iam.PolicyStatement({ actions: ['ec2:DescribeManagedPrefixLists'], resources: ['*'] }),
      ]),
      installLatestAwsSdk: false,
    });
    acknowledgeWildcards(lookup, ['Resource::*'], 'ec2:DescribeManagedPrefixLists takes no resource.');
    acknowledgeCustomResourceFunction(this);
    return lookup.getResponseField('PrefixLists.0.PrefixListId');
  }

  /** Without NAT, functions reach only these two APIs. */
  #addInterfaceEndpoints(): void {
    const endpointGroup = new ec2.SecurityGroup(this, 'EndpointGroup', {
      vpc: this.vpc,
      description: 'Interface endpoints',
      allowAllOutbound: false,
    });
    endpointGroup.addIngressRule(this.functionGroup, ec2.Port.tcp(443), 'Functions call AWS APIs');
    this.functionGroup.addEgressRule(endpointGroup, ec2.Port.tcp(443), 'AWS APIs');
    const services = {
      Ecs: ec2.InterfaceVpcEndpointAwsService.ECS,
      SecretsManager: ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
    };
    for (const [name, service] of Object.entries(services)) {
      this.vpc.addInterfaceEndpoint(`${name}Endpoint`, {
        service,
        securityGroups: [endpointGroup],
        subnets: { subnets: [first(this.vpc.isolatedSubnets)] },
        open: false,
      });
    }
  }
}

function first<T>(items: readonly T[]): T {
  const item = items[0];
  if (item === undefined) throw new Error('The VPC has no subnet of the wanted kind.');
  return item;
}
