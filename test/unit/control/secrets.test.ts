/* oxlint-disable typescript/no-unsafe-type-assertion -- the stand-in reads what the SDK's client wrote */
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import { EmbeddedSecrets } from '../../../adapters/secrets-embedded.ts';
import { SecretsManagerStore } from '../../../adapters/secrets-manager.ts';
import type { SecretStore } from '../../../domain/control/secrets.ts';

/** Secrets Manager as far as the store meets it (AWS Secrets Manager API Reference), behind the SDK's client. */
class SecretsManagerStandIn {
  readonly values = new Map<string, string>();
  failure: { type: string; status: number } | undefined;
  readonly client = new SecretsManagerClient({
    region: 'eu-west-1',
    credentials: { accessKeyId: 'stand-in', secretAccessKey: 'stand-in' },
    maxAttempts: 1,
    requestHandler: { handle: async (request: unknown) => ({ response: this.#respond(request) }) },
  });

  #respond(request: unknown) {
    const { headers, body } = request as { headers: Record<string, string>; body: Uint8Array | string };
    const operation = headers['x-amz-target']?.split('.').at(-1);
    const text = typeof body === 'string' ? body : new TextDecoder().decode(body);
    const { status, answer } = this.#answer(operation, JSON.parse(text) as Record<string, string>);
    return {
      statusCode: status,
      headers: { 'content-type': 'application/x-amz-json-1.1' },
      body: new TextEncoder().encode(JSON.stringify(answer)),
    };
  }

  #answer(operation: string | undefined, input: Record<string, string>): { status: number; answer: unknown } {
    const fail = (type: string, status = 400) => ({
      status,
      answer: { __type: type, message: `${type} happened` },
    });
    if (this.failure) return fail(this.failure.type, this.failure.status);
    const name = input['Name'] ?? input['SecretId'] ?? '';
    const value = this.values.get(name);
    const ARN = `arn:aws:secretsmanager:eu-west-1:123456789012:secret:${name}-AbCdEf`;
    switch (operation) {
      case 'CreateSecret':
        if (value !== undefined) return fail('ResourceExistsException');
        this.values.set(name, input['SecretString'] ?? '');
        return { status: 200, answer: { ARN, Name: name } };
      case 'PutSecretValue':
        if (value === undefined) return fail('ResourceNotFoundException');
        this.values.set(name, input['SecretString'] ?? '');
        return { status: 200, answer: { ARN, Name: name } };
      case 'GetSecretValue':
        return value === undefined
          ? fail('ResourceNotFoundException')
          : { status: 200, answer: { ARN, SecretString: value } };
      case 'DeleteSecret':
        if (!input['ForceDeleteWithoutRecovery']) return fail('InvalidRequestException');
        // With this option, a secret that does not exist is no error.
        this.values.delete(name);
        return { status: 200, answer: { ARN } };
      default:
        return fail('InvalidRequestException');
    }
  }
}

const standIn = new SecretsManagerStandIn();
const stores: readonly (readonly [string, SecretStore])[] = [
  ['EmbeddedSecrets', new EmbeddedSecrets()],
  ['SecretsManagerStore', new SecretsManagerStore({ client: standIn.client, namePrefix: 'mirror/test/' })],
];

describe.each(stores)('%s', (_name, store) => {
  it('gives back what was put, the newest of it, and nothing once it is removed', async () => {
    expect(await store.get('streams/a')).toBeUndefined();
    expect((await store.put('streams/a', 'first')).reference).toContain('streams/a');
    expect(await store.get('streams/a')).toBe('first');
    await store.put('streams/a', 'second');
    expect(await store.get('streams/a')).toBe('second');
    await store.remove('streams/a');
    await store.remove('streams/a');
    expect(await store.get('streams/a')).toBeUndefined();
  });
});

describe('SecretsManagerStore', () => {
  it('keeps below its prefix, and refers to a secret by its ARN', async () => {
    const store = new SecretsManagerStore({ client: standIn.client, namePrefix: 'mirror/test/' });
    expect((await store.put('x', 'y')).reference).toBe(
      'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mirror/test/x-AbCdEf',
    );
    expect([...standIn.values.keys()]).toEqual(['mirror/test/x']);
  });

  it.each([
    ['ThrottlingException', 400, 'SECRETS_THROTTLED', true],
    ['AccessDeniedException', 400, 'SECRETS_REFUSED', false],
    ['InternalServiceError', 500, 'SECRETS_UNREACHABLE', true],
  ])('%s is told as what it is, without the value', async (type, status, code, retryable) => {
    const broken = new SecretsManagerStandIn();
    broken.failure = { type, status };
    const store = new SecretsManagerStore({ client: broken.client, namePrefix: '' });
    const error: unknown = await store.put('x', 'planted-secret-value').catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code, retryable });
    const { cause } = error as Error;
    expect(JSON.stringify([error, String(error), cause, String(cause)])).not.toContain('planted');
  });
});
