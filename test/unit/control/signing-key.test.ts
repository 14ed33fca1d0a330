import { createPrivateKey, createPublicKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type KeyPairEvent, SigningKeyService } from '../../../lambdas/signing-key/service.ts';

const ARN = 'arn:aws:secretsmanager:us-east-1:111122223333:secret:key';

function setUp(initial?: string) {
  const values = new Map<string, string>(initial === undefined ? [] : [[ARN, initial]]);
  let writeCount = 0;
  const service = new SigningKeyService({
    secret: {
      read: async (arn) => values.get(arn),
      write: async (arn, value) => {
        writeCount++;
        values.set(arn, value);
      },
    },
  });
  const event = (
    type: KeyPairEvent['RequestType'],
    kind: KeyPairEvent['ResourceProperties']['Kind'] = 'url-signing-pair',
  ): KeyPairEvent => ({ RequestType: type, ResourceProperties: { SecretArn: ARN, Kind: kind } });
  return { service, event, secret: () => values.get(ARN), writeCount: () => writeCount };
}

describe('url signing pair', () => {
  test('create puts an RSA 2048 private key into the secret and answers its public half', async () => {
    const { service, event, secret } = setUp();
    const answer = await service.handle(event('Create'));
    const privateKey = createPrivateKey(secret() ?? '');
    expect(privateKey.asymmetricKeyDetails?.modulusLength).toBe(2048);
    expect(answer.PhysicalResourceId).toBe(ARN);
    expect(answer.Data?.PublicKeyPem).toBe(
      createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString(),
    );
  });

  test('what Secrets Manager fills a new secret with is replaced', async () => {
    const { service, event, secret } = setUp('a generated password');
    await service.handle(event('Create'));
    expect(secret()).toMatch(/^-----BEGIN RSA PRIVATE KEY-----/);
  });

  test('a create that CloudFormation repeats, and an update, keep the pair', async () => {
    const { service, event, writeCount } = setUp();
    const first = await service.handle(event('Create'));
    expect(await service.handle(event('Create'))).toEqual(first);
    expect(await service.handle(event('Update'))).toEqual(first);
    expect(writeCount()).toBe(1);
  });

  test('delete leaves the secret to its own resource', async () => {
    const { service, event, secret } = setUp();
    await service.handle(event('Create'));
    const before = secret();
    expect(await service.handle(event('Delete'))).toEqual({ PhysicalResourceId: ARN });
    expect(secret()).toBe(before);
  });

  test('no answer holds the private key', async () => {
    const { service, event } = setUp();
    expect(JSON.stringify(await service.handle(event('Create')))).not.toContain('PRIVATE');
  });
});

describe('ticket key ring', () => {
  test('create writes one key of 256 bits and answers nothing of it', async () => {
    const { service, event, secret } = setUp('a generated password');
    const answer = await service.handle(event('Create', 'ticket-key-ring'));
    const ring = JSON.parse(secret() ?? '{}') as { keys: { kid: string; secret: string }[] };
    expect(ring.keys).toHaveLength(1);
    expect(Buffer.from(ring.keys[0]?.secret ?? '', 'base64url')).toHaveLength(32);
    expect(answer).toEqual({ PhysicalResourceId: ARN });
  });

  test('a ring that an operator rotated is never overwritten', async () => {
    const secretText = Buffer.alloc(32, 7).toString('base64url');
    const rotated = JSON.stringify({
      keys: [
        { kid: 'k2', secret: secretText },
        { kid: 'k1', secret: secretText },
      ],
    });
    const { service, event, secret, writeCount } = setUp(rotated);
    await service.handle(event('Update', 'ticket-key-ring'));
    expect(secret()).toBe(rotated);
    expect(writeCount()).toBe(0);
  });
});
