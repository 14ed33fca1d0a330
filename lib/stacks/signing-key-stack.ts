import {
  type CfnElement,
  CfnOutput,
  CustomResource,
  Duration,
  RemovalPolicy,
  Stack,
  type StackProps,
} from 'aws-cdk-lib';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import type * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Provider } from 'aws-cdk-lib/custom-resources';
import type { Construct } from 'constructs';
import type { Environment } from '../config.ts';
import { acknowledge, acknowledgeWildcards } from '../constructs/acknowledge.ts';
import { dataRemovalPolicy } from '../constructs/environment-policy.ts';
import { MirrorFunction } from '../constructs/mirror-function.ts';

export interface SigningKeyStackProps extends StackProps {
  readonly environment: Environment;
}

/**
 * The keys that sign viewers' URLs. A custom resource makes each pair; the private half goes straight into
 * Secrets Manager and never through a template. Public keys of CloudFront cannot change in place, so a
 * rotation adds a generation: both are trusted until every URL of the old one has expired (docs/runbook.md,
 * "Rotate the signing key").
 */
export class SigningKeyStack extends Stack {
  readonly keyGroup: cloudfront.KeyGroup;
  /** Id of the newest key, as signed URLs name it in Key-Pair-Id. */
  readonly keyPairId: string;
  /** Key ring that signs tickets and sessions. */
  readonly ticketKeysSecret: secretsmanager.Secret;
  /** The newest private key, PEM. */
  readonly privateKeySecret: secretsmanager.Secret;

  constructor(scope: Construct, id: string, props: SigningKeyStackProps) {
    super(scope, id, props);
    const { environment } = props;
    const { function: handler, role } = new MirrorFunction(this, 'KeyMaker', {
      environment,
      folder: 'signing-key',
      description:
        'Makes a signing key pair: the private half into its secret, the public half to CloudFront',
      timeout: Duration.seconds(30),
    });
    const provider = new Provider(this, 'KeyProvider', {
      onEventHandler: handler,
      logGroup: new logs.LogGroup(this, 'KeyProviderLogs', {
        retention: environment.retention.logDays,
        removalPolicy: RemovalPolicy.DESTROY,
      }),
    });
    acknowledge(
      provider,
      'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]',
      'CDK’s own provider function: it may write logs.',
    );
    acknowledgeWildcards(
      provider,
      [`Resource::<${this.getLogicalId(handler.node.defaultChild as CfnElement)}.Arn>:*`],
      'CDK’s own provider function may invoke every version of the one handler.',
    );

    this.ticketKeysSecret = this.#ticketKeys(environment, role, provider.serviceToken);
    const keys = environment.signingKeyGenerations.map((generation) => {
      const secret = new secretsmanager.Secret(this, `PrivateKey${generation}`, {
        description: `Private signing key of CloudFront URLs, generation ${generation}`,
        removalPolicy: dataRemovalPolicy(environment),
      });
      acknowledge(
        secret,
        'AwsSolutions-SMG4',
        'Rotated by a new generation: a key in place could not change on CloudFront.',
      );
      secret.grantRead(handler);
      secret.grantWrite(handler);
      const pair = new CustomResource(this, `KeyPair${generation}`, {
        serviceToken: provider.serviceToken,
        resourceType: 'Custom::SigningKeyPair',
        properties: { SecretArn: secret.secretArn, Kind: 'url-signing-pair' },
      });
      const publicKey = new cloudfront.PublicKey(this, `PublicKey${generation}`, {
        encodedKey: pair.getAttString('PublicKeyPem'),
        comment: `mirror ${environment.name}, generation ${generation}`,
      });
      return { secret, publicKey };
    });
    const newest = keys[0];
    if (!newest) throw new Error('signingKeyGenerations in lib/config.ts must name at least one generation.');
    this.keyGroup = new cloudfront.KeyGroup(this, 'KeyGroup', {
      comment: `mirror ${environment.name}: who may sign URLs`,
      items: keys.map((key) => key.publicKey),
    });
    this.keyPairId = newest.publicKey.publicKeyId;
    this.privateKeySecret = newest.secret;
    new CfnOutput(this, 'KeyPairId', { value: this.keyPairId });
  }
  #ticketKeys(
    environment: Environment,
    keyMakerRole: iam.IRole,
    serviceToken: string,
  ): secretsmanager.Secret {
    const secret = new secretsmanager.Secret(this, 'TicketKeys', {
      secretName: `mirror/${environment.name}/control/ticket-keys`,
      description: 'Keys that sign viewer tickets and sessions',
      removalPolicy: dataRemovalPolicy(environment),
    });
    acknowledge(secret, 'AwsSolutions-SMG4', 'Rotated with two keys valid at a time (lambdas/README.md).');
    secret.grantRead(keyMakerRole);
    secret.grantWrite(keyMakerRole);
    new CustomResource(this, 'TicketKeyRing', {
      serviceToken,
      resourceType: 'Custom::TicketKeyRing',
      properties: { SecretArn: secret.secretArn, Kind: 'ticket-key-ring' },
    });
    return secret;
  }
}
