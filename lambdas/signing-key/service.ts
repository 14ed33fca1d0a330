/**
 * Makes the keys of an environment when it is first deployed: the pair that signs viewers' URLs, and the key
 * ring that signs tickets and sessions. RSA 2048, which is what CloudFront's signed URLs take in every
 * player (CloudFront Developer Guide, "Specify signers that can create signed URLs"). The private half exists
 * in this function's memory and in its secret, and nowhere else.
 */
import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { isKeyRing, newKeyRingText } from '../viewers/keys.ts';

/** What this service needs of a secret store. */
export interface KeySecret {
  /** @returns undefined when the secret has no value yet. */
  read(secretArn: string): Promise<string | undefined>;
  write(secretArn: string, value: string): Promise<void>;
}

/** The part of a CloudFormation custom resource event that matters here (CDK provider framework). */
export interface KeyPairEvent {
  readonly RequestType: 'Create' | 'Update' | 'Delete';
  readonly PhysicalResourceId?: string;
  readonly ResourceProperties: {
    readonly SecretArn: string;
    /** What the secret shall hold. */
    readonly Kind: 'url-signing-pair' | 'ticket-key-ring';
  };
}

export interface KeyPairResult {
  readonly PhysicalResourceId: string;
  /** Of a pair: what CloudFront may know. */
  readonly Data?: { readonly PublicKeyPem: string };
}

export class SigningKeyService {
  readonly #secret: KeySecret;

  constructor({ secret }: { secret: KeySecret }) {
    this.#secret = secret;
  }

  /**
   * Create makes the pair unless the secret already holds one, because CloudFormation repeats a Create whose
   * answer was lost, and a second pair would not match the first public key. Update answers the same public
   * key. Delete leaves the secret to its own resource.
   */
  async handle(event: KeyPairEvent): Promise<KeyPairResult> {
    const { SecretArn: secretArn, Kind: kind } = event.ResourceProperties;
    if (event.RequestType === 'Delete') {
      return { PhysicalResourceId: event.PhysicalResourceId ?? secretArn };
    }
    const existing = await this.#secret.read(secretArn);
    if (kind === 'ticket-key-ring') {
      if (!isKeyRing(existing)) await this.#secret.write(secretArn, newKeyRingText('k1', randomBytes(32)));
      return { PhysicalResourceId: secretArn };
    }
    const privateKeyPem = existing?.startsWith('-----BEGIN') ? existing : newPrivateKeyPem();
    if (privateKeyPem !== existing) await this.#secret.write(secretArn, privateKeyPem);
    const publicKeyPem = createPublicKey(privateKeyPem).export({ type: 'spki', format: 'pem' }).toString();
    return { PhysicalResourceId: secretArn, Data: { PublicKeyPem: publicKeyPem } };
  }
}

function newPrivateKeyPem(): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
}
