/**
 * A session's token is a MAC of its id: nothing has to be stored to check it, and whoever reads the registry
 * cannot act for a viewer.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { KeyRing } from './keys.ts';

export class SessionTokens {
  readonly #keys: KeyRing;

  constructor({ keys }: { keys: KeyRing }) {
    this.#keys = keys;
  }

  async issue(sessionId: string): Promise<string> {
    const { bytes } = await this.#keys.signing();
    return tokenOf(sessionId, bytes).toString('base64url');
  }

  async matches(sessionId: string, token: string): Promise<boolean> {
    const given = Buffer.from(token, 'base64url');
    let matched = false;
    for (const { bytes } of await this.#keys.all()) {
      const expected = tokenOf(sessionId, bytes);
      if (given.length === expected.length && timingSafeEqual(given, expected)) matched = true;
    }
    return matched;
  }
}

function tokenOf(sessionId: string, key: Uint8Array): Buffer {
  // The prefix keeps these apart from the tickets' signatures under the same key.
  return createHmac('sha256', key).update(`mirror-session-token\n${sessionId}`).digest();
}
