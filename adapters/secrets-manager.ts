/** Secrets in AWS Secrets Manager, below one prefix per environment. */
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceExistsException,
  ResourceNotFoundException,
  type SecretsManagerClient,
  SecretsManagerServiceException,
} from '@aws-sdk/client-secrets-manager';
import type { SecretStore } from '../domain/control/secrets.ts';
import { type MirrorError, messageOf } from '../domain/errors.ts';
import { secretsErrors } from './errors.ts';

export interface SecretsManagerStoreOptions {
  readonly client: Pick<SecretsManagerClient, 'send'>;
  /** Before every name, such as `mirror/prod/`: roles are granted by it. */
  readonly namePrefix: string;
}

export class SecretsManagerStore implements SecretStore {
  readonly #client: Pick<SecretsManagerClient, 'send'>;
  readonly #namePrefix: string;

  constructor({ client, namePrefix }: SecretsManagerStoreOptions) {
    this.#client = client;
    this.#namePrefix = namePrefix;
  }

  async put(name: string, value: string): Promise<{ readonly reference: string }> {
    const fullName = this.#namePrefix + name;
    return this.#translated(async () => {
      try {
        const { ARN } = await this.#client.send(
          new CreateSecretCommand({ Name: fullName, SecretString: value }),
        );
        return { reference: ARN ?? fullName };
      } catch (error) {
        if (!(error instanceof ResourceExistsException)) throw error;
        const { ARN } = await this.#client.send(
          new PutSecretValueCommand({ SecretId: fullName, SecretString: value }),
        );
        return { reference: ARN ?? fullName };
      }
    });
  }

  async get(name: string): Promise<string | undefined> {
    return this.#translated(async () => {
      try {
        const answer = await this.#client.send(
          new GetSecretValueCommand({ SecretId: this.#namePrefix + name }),
        );
        return answer.SecretString;
      } catch (error) {
        if (error instanceof ResourceNotFoundException) return undefined;
        throw error;
      }
    });
  }

  /** Without the recovery window: the name may be wanted again, and the passphrase is of no more use. */
  async remove(name: string): Promise<void> {
    await this.#translated(async () => {
      try {
        await this.#client.send(
          new DeleteSecretCommand({ SecretId: this.#namePrefix + name, ForceDeleteWithoutRecovery: true }),
        );
      } catch (error) {
        if (!(error instanceof ResourceNotFoundException)) throw error;
      }
    });
  }

  async #translated<Value>(work: () => Promise<Value>): Promise<Value> {
    try {
      return await work();
    } catch (error) {
      throw secretsError(error);
    }
  }
}

/** The cause keeps the message and not the request, which may hold the value. */
function secretsError(error: unknown): MirrorError {
  const detail = `${messageOf(error)}.`;
  const cause = new Error(messageOf(error));
  if (!(error instanceof SecretsManagerServiceException))
    return secretsErrors.create('UNREACHABLE', detail, { cause });
  if (error.name === 'ThrottlingException' || error.$retryable?.throttling)
    return secretsErrors.create('THROTTLED', detail, { cause });
  return secretsErrors.create(error.$fault === 'server' ? 'UNREACHABLE' : 'REFUSED', detail, { cause });
}
