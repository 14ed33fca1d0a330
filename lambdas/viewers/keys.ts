/**
 * The keys that sign tickets and session tokens. The secret holds one key, or two during a rotation: the
 * first signs, all verify. Rotate by adding the new key second, waiting for the caches, making it first, and
 * removing the old one once its tickets have expired.
 */
import { webcrypto } from 'node:crypto';
import * as z from 'zod';
import type { SecretStore } from '../../domain/control/secrets.ts';
import type { Clock } from '../../domain/timeline.ts';
import { CachedSecret } from '../cached-secret.ts';

const keyRingSchema = z.object({
  keys: z
    .array(
      z.object({
        kid: z.string().regex(/^[A-Za-z0-9_-]{1,32}$/),
        /** base64url of at least 32 bytes (RFC 7518 §3.2: HS256 keys have 256 bits or more). */
        secret: z.string().regex(/^[A-Za-z0-9_-]{43,200}$/),
      }),
    )
    .min(1)
    .max(2),
});

export interface SigningKey {
  readonly kid: string;
  readonly bytes: Uint8Array;
  /** The same for HMAC-SHA-256, made once: whoever has bytes alone makes it for each signature. */
  readonly cryptoKey: Promise<webcrypto.CryptoKey>;
}

export class KeyRing {
  readonly #secret: CachedSecret<readonly [SigningKey, ...SigningKey[]]>;

  constructor(dependencies: { secrets: Pick<SecretStore, 'get'>; name: string; clock: Clock }) {
    this.#secret = new CachedSecret({ ...dependencies, parse: parseKeyRing });
  }

  async signing(): Promise<SigningKey> {
    return (await this.#secret.value())[0];
  }

  async all(): Promise<readonly SigningKey[]> {
    return this.#secret.value();
  }

  async byId(kid: string): Promise<SigningKey | undefined> {
    const known = (await this.#secret.value()).find((key) => key.kid === kid);
    return known ?? (await this.#secret.refreshed()).find((key) => key.kid === kid);
  }
}

function parseKeyRing(value: unknown): readonly [SigningKey, ...SigningKey[]] {
  const [first, ...rest] = keyRingSchema.parse(value).keys.map(({ kid, secret }) => {
    const bytes = new Uint8Array(Buffer.from(secret, 'base64url'));
    const algorithm = { name: 'HMAC', hash: 'SHA-256' };
    const usages: webcrypto.KeyUsage[] = ['sign', 'verify'];
    return { kid, bytes, cryptoKey: webcrypto.subtle.importKey('raw', bytes, algorithm, false, usages) };
  });
  if (!first) throw new RangeError('no key');
  return [first, ...rest];
}

/** A fresh key ring as the secret's text. */
export function newKeyRingText(kid: string, bytes: Uint8Array): string {
  return JSON.stringify({ keys: [{ kid, secret: Buffer.from(bytes).toString('base64url') }] });
}

/** Whether a secret's text is a key ring, and not what Secrets Manager fills a new secret with. */
export function isKeyRing(text: string | undefined): boolean {
  if (text === undefined) return false;
  try {
    return keyRingSchema.safeParse(JSON.parse(text)).success;
  } catch {
    // Not JSON: not a key ring either.
    return false;
  }
}
