/** What several functions wire alike: clients that outlive an invocation, and ports that every service takes. */
import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SecretsManagerStore } from '../adapters/secrets-manager.ts';
import type { Randomness } from '../domain/control/ids.ts';
import type { SecretStore } from '../domain/control/secrets.ts';
import type { Observability } from './observability.ts';
import type { ResolveHost } from './streams/call-address.ts';

export const systemRandomness: Randomness = { bytes: (count) => randomBytes(count) };
export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export const resolveHost: ResolveHost = async (host) =>
  (await lookup(host, { all: true })).map(({ address }) => address);

export interface Secrets {
  readonly store: SecretStore;
  /** Reads a secret that is not below the prefix, by its full name or ARN. */
  read(id: string): Promise<string>;
}

export function createSecrets({ tracer }: Observability, namePrefix: string): Secrets {
  const client = tracer.captureAWSv3Client(new SecretsManagerClient({}));
  return {
    store: new SecretsManagerStore({ client, namePrefix }),
    async read(id) {
      const { SecretString: value } = await client.send(new GetSecretValueCommand({ SecretId: id }));
      if (value === undefined) throw new Error(`the secret ${id} has no value`);
      return value;
    },
  };
}

/**
 * Wires a function once per process, at its first invocation. A wiring that failed is tried again by the
 * next one: a secret may have been out of reach for a moment.
 */
export function wiredOnce<Wired>(wire: () => Promise<Wired>): () => Promise<Wired> {
  let wired: Promise<Wired> | undefined;
  return () => {
    wired ??= wire().catch((error: unknown) => {
      wired = undefined;
      throw error;
    });
    return wired;
  };
}
