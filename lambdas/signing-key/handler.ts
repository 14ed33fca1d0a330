/** Custom resource handler: wires the signing key service to Secrets Manager. Logs nothing of the key. */
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { type KeyPairEvent, SigningKeyService } from './service.ts';

const client = new SecretsManagerClient({});

const service = new SigningKeyService({
  secret: {
    async read(secretArn) {
      try {
        const answer = await client.send(new GetSecretValueCommand({ SecretId: secretArn }));
        return answer.SecretString;
      } catch (error) {
        // Secrets Manager says "not found" of a secret that exists and has no value yet.
        if (error instanceof ResourceNotFoundException) return undefined;
        throw error;
      }
    },
    async write(secretArn, value) {
      await client.send(new PutSecretValueCommand({ SecretId: secretArn, SecretString: value }));
    },
  },
});

export const handler = (event: KeyPairEvent) => service.handle(event);
