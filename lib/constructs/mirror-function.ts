import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Environment } from '../config.ts';
import { acknowledge } from './acknowledge.ts';
import { FUNCTION_BUNDLING, type FunctionFolder, functionEntry } from './function-bundling.ts';

export interface MirrorFunctionProps {
  readonly environment: Environment;
  /** Folder below lambdas/ that holds `handler.ts`. */
  readonly folder: FunctionFolder;
  readonly description: string;
  readonly variables?: Readonly<Record<string, string>>;
  readonly timeout?: Duration;
  readonly memoryMiB?: number;
  /** Inside the VPC, for functions that speak to Redis. */
  readonly network?: {
    readonly vpc: ec2.IVpc;
    readonly subnets: ec2.SubnetSelection;
    readonly securityGroup: ec2.ISecurityGroup;
  };
}

/**
 * A function of ours: bundled by esbuild from its folder, Node 24 on ARM, with a log group and a role of its
 * own that may do nothing but write its logs until it is granted more.
 */
export class MirrorFunction extends Construct {
  readonly function: NodejsFunction;
  readonly role: iam.Role;

  constructor(scope: Construct, id: string, props: MirrorFunctionProps) {
    super(scope, id);
    const { environment, network } = props;
    const logGroup = new logs.LogGroup(this, 'Logs', {
      retention: environment.retention.logDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.role = new iam.Role(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
      description: props.description,
    });
    logGroup.grantWrite(this.role);
    if (network) this.#allowNetworkInterfaces();
    this.function = new NodejsFunction(this, 'Function', {
      description: props.description,
      entry: functionEntry(props.folder),
      handler: 'handler',
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      role: this.role,
      logGroup,
      loggingFormat: lambda.LoggingFormat.JSON,
      timeout: props.timeout ?? Duration.seconds(15),
      memorySize: props.memoryMiB ?? 512,
      tracing: lambda.Tracing.ACTIVE,
      environment: {
        NODE_OPTIONS: '--enable-source-maps',
        POWERTOOLS_SERVICE_NAME: `mirror-${props.folder}`,
        POWERTOOLS_METRICS_NAMESPACE: 'mirror',
        ...props.variables,
      },
      bundling: {
        format: OutputFormat.ESM,
        mainFields: [...FUNCTION_BUNDLING.mainFields],
        target: FUNCTION_BUNDLING.target,
        minify: true,
        sourceMap: true,
        // Nothing is left to the runtime's copy of the SDK: docs/decisions/sdk-in-the-bundle.md.
        externalModules: [],
        banner: FUNCTION_BUNDLING.banner,
        esbuildArgs: {
          '--alias': Object.entries(FUNCTION_BUNDLING.alias).map(([name, file]) => `${name}=${file}`),
        },
      },
      ...(network && {
        vpc: network.vpc,
        vpcSubnets: network.subnets,
        securityGroups: [network.securityGroup],
      }),
    });
    acknowledge(
      this.role,
      'AwsSolutions-IAM5[Resource::*]',
      'X-Ray takes no resource in its policies, nor do the calls by which a function in a VPC manages its interfaces.',
    );
  }

  /** Lambda User Guide, "Giving Lambda functions access to resources in an Amazon VPC", execution role. */
  #allowNetworkInterfaces(): void {
    this.role.addToPolicy(
      new iam.PolicyStatement({
        actions: [
          'ec2:CreateNetworkInterface',
          'ec2:DescribeNetworkInterfaces',
          'ec2:DescribeSubnets',
          'ec2:DeleteNetworkInterface',
          'ec2:AssignPrivateIpAddresses',
          'ec2:UnassignPrivateIpAddresses',
        ],
        resources: ['*'],
      }),
    );
  }
}
