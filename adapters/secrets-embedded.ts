/** Secrets in memory, for one machine; `initial` is what its own start made or read from its data folder. */
import type { SecretStore } from '../domain/control/secrets.ts';

export class EmbeddedSecrets implements SecretStore {
  readonly #values: Map<string, string>;

  constructor({ initial = {} }: { initial?: Readonly<Record<string, string>> } = {}) {
    this.#values = new Map(Object.entries(initial));
  }

  async put(name: string, value: string): Promise<{ readonly reference: string }> {
    this.#values.set(name, value);
    return { reference: name };
  }

  async get(name: string): Promise<string | undefined> {
    return this.#values.get(name);
  }

  async remove(name: string): Promise<void> {
    this.#values.delete(name);
  }
}
