/**
 * Bearer tokens. The secret holds only their SHA-256, with a name for the logs and the scopes; two tokens of
 * one client are valid at the same time during a rotation.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import * as z from 'zod';
import { SCOPES, type Scope } from '../../domain/control/scopes.ts';
import type { SecretStore } from '../../domain/control/secrets.ts';
import type { Clock } from '../../domain/timeline.ts';
import { CachedSecret } from '../cached-secret.ts';

const TOKEN_COUNT_MAX = 100;
/** Longer than any token of ours, short enough that hashing it costs nothing. */
const TOKEN_CHAR_COUNT_MAX = 512;

const tokensSchema = z.object({
  tokens: z
    .array(
      z.object({
        name: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
        scopes: z.array(z.enum(SCOPES)).min(1),
      }),
    )
    .max(TOKEN_COUNT_MAX),
});

/** Who calls, as the handlers know it. */
export interface Principal {
  readonly name: string;
  readonly scopes: readonly Scope[];
}

interface KnownToken extends Principal {
  readonly sha256: Buffer;
}

export class TokenAuthorizer {
  readonly #secret: CachedSecret<readonly KnownToken[]>;

  constructor(dependencies: { secrets: Pick<SecretStore, 'get'>; name: string; clock: Clock }) {
    this.#secret = new CachedSecret({ ...dependencies, parse: parseTokens });
  }

  /** @returns undefined when no such token is known. */
  async principalOf(token: string): Promise<Principal | undefined> {
    if (token.length > TOKEN_CHAR_COUNT_MAX) return undefined;
    const hash = createHash('sha256').update(token).digest();
    return matching(await this.#secret.value(), hash) ?? matching(await this.#secret.refreshed(), hash);
  }
}

/** Looks at every token, whether or not one has matched: the time tells nothing. */
function matching(tokens: readonly KnownToken[], hash: Buffer): Principal | undefined {
  let found: Principal | undefined;
  for (const { name, scopes, sha256 } of tokens) if (timingSafeEqual(sha256, hash)) found = { name, scopes };
  return found;
}

function parseTokens(value: unknown): readonly KnownToken[] {
  return tokensSchema
    .parse(value)
    .tokens.map(({ name, scopes, sha256 }) => ({ name, scopes, sha256: Buffer.from(sha256, 'hex') }));
}

/** One entry of the secret, for a token that is handed out once. */
export function tokenEntry(
  name: string,
  token: string,
  scopes: readonly Scope[],
): z.input<typeof tokensSchema>['tokens'][number] {
  return { name, sha256: createHash('sha256').update(token).digest('hex'), scopes: [...scopes] };
}

/** The token of an Authorization header (RFC 6750 §2.1). */
export function bearerToken(header: string | undefined): string | undefined {
  return /^Bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(header ?? '')?.[1];
}
