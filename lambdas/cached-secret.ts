/** A secret that is read now and then, so that a rotation reaches running processes without a restart. */
import type { SecretStore } from '../domain/control/secrets.ts';
import type { Clock } from '../domain/timeline.ts';

/** How long a process goes on with what it has read. Steps of a rotation must be further apart. */
export const SECRET_CACHE_MS = 60_000;
/** Something unknown makes the secret be read again, at most this often: forgeries cost nothing. */
export const SECRET_REFRESH_MIN_MS = 5_000;

export interface CachedSecretOptions<Value> {
  readonly secrets: Pick<SecretStore, 'get'>;
  readonly name: string;
  readonly clock: Clock;
  /** Throws in words that do not quote the secret. */
  readonly parse: (value: unknown) => Value;
}

export class CachedSecret<Value> {
  readonly #options: CachedSecretOptions<Value>;
  #cached: { readonly value: Value; readonly readAtMs: number } | undefined;
  #reading: Promise<Value> | undefined;

  constructor(options: CachedSecretOptions<Value>) {
    this.#options = options;
  }

  async value(): Promise<Value> {
    return this.#notOlderThan(SECRET_CACHE_MS);
  }

  /** The value after something was not found in it: perhaps it has been rotated since. */
  async refreshed(): Promise<Value> {
    return this.#notOlderThan(SECRET_REFRESH_MIN_MS);
  }

  async #notOlderThan(ageMs: number): Promise<Value> {
    const cached = this.#cached;
    if (cached && this.#options.clock.nowMs() - cached.readAtMs < ageMs) return cached.value;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    try {
      return await this.#reading;
    } catch (error) {
      // An old value is better than none while the store does not answer; a rotation waits for it.
      if (cached) return cached.value;
      throw error;
    }
  }

  async #read(): Promise<Value> {
    const { secrets, name, clock, parse } = this.#options;
    const text = await secrets.get(name);
    if (text === undefined) throw new Error(`the secret "${name}" does not exist`);
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      // Without the cause: a parser's message quotes the text.
      throw new Error(`the secret "${name}" is not JSON`);
    }
    let value: Value;
    try {
      value = parse(json);
    } catch {
      throw new Error(`the secret "${name}" does not have the form that lambdas/README.md states`);
    }
    this.#cached = { value, readAtMs: clock.nowMs() };
    return value;
  }
}
