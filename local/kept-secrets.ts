/**
 * The secrets of this machine: Secrets Manager's part, in one file of the data directory that only its owner
 * can read. Made at the first start; an operator's token is kept as its hash and handed out once.
 */
import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmod, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { SigningIdentity } from '../adapters/url-signer-cloudfront.ts';
import type { SecretStore } from '../domain/control/secrets.ts';
import { tokenEntry } from '../lambdas/authorizer/service.ts';
import { TICKET_KEYS_SECRET, TOKENS_SECRET } from '../lambdas/secret-names.ts';
import { newKeyRingText } from '../lambdas/viewers/keys.ts';
import { localErrors } from './errors.ts';

const FILE_NAME = 'secrets.json';
const OWNER_ONLY = 0o600;
const SIGNING_IDENTITY_SECRET = 'delivery/signing-identity';
/** Passphrases of starts: no runner of an earlier process is left to know them. */
const STREAM_SECRETS_PREFIX = 'streams/';
const TOKEN_BYTE_COUNT = 32;

const fileSchema = z.record(z.string(), z.string());
const identitySchema = z.object({ keyPairId: z.string(), privateKey: z.string() });

export interface OpenedSecrets {
  readonly secrets: KeptSecrets;
  /** The operator's token, when it was made just now. It is nowhere else. */
  readonly newToken?: string;
}

export class KeptSecrets implements SecretStore {
  readonly #path: string;
  readonly #values: Map<string, string>;
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string, values: Readonly<Record<string, string>>) {
    this.#path = path;
    this.#values = new Map(Object.entries(values));
  }

  /**
   * Reads the file, or makes it with everything that an environment needs.
   *
   * @param options.newToken makes another operator's token; the earlier ones end with it.
   * @throws MirrorError LOCAL_SECRETS_UNREADABLE
   */
  static async open(
    directory: string,
    { newToken = false }: { readonly newToken?: boolean } = {},
  ): Promise<OpenedSecrets> {
    const path = join(directory, FILE_NAME);
    const secrets = new KeptSecrets(path, await readValues(path));
    const token = secrets.#complete(newToken);
    await secrets.#save();
    return token === undefined ? { secrets } : { secrets, newToken: token };
  }

  /** Reads what `open` has made, in another process of the same platform. */
  static async join(directory: string): Promise<KeptSecrets> {
    const path = join(directory, FILE_NAME);
    return new KeptSecrets(path, await readValues(path));
  }

  async put(name: string, value: string): Promise<{ readonly reference: string }> {
    this.#values.set(name, value);
    await this.#save();
    return { reference: name };
  }

  async get(name: string): Promise<string | undefined> {
    return this.#values.get(name);
  }

  async remove(name: string): Promise<void> {
    if (this.#values.delete(name)) await this.#save();
  }

  /** What signs playback. */
  get signingIdentity(): SigningIdentity {
    return identitySchema.parse(JSON.parse(this.#values.get(SIGNING_IDENTITY_SECRET) ?? 'null'));
  }

  /** What the edge checks signatures with: PEM by key pair id. */
  get publicKeys(): Readonly<Record<string, string>> {
    const { keyPairId, privateKey } = this.signingIdentity;
    return {
      [keyPairId]: createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString(),
    };
  }

  #complete(newToken: boolean): string | undefined {
    for (const name of this.#values.keys())
      if (name.startsWith(STREAM_SECRETS_PREFIX)) this.#values.delete(name);
    if (!this.#values.has(TICKET_KEYS_SECRET))
      this.#values.set(TICKET_KEYS_SECRET, newKeyRingText('k1', randomBytes(32)));
    if (!this.#values.has(SIGNING_IDENTITY_SECRET))
      this.#values.set(SIGNING_IDENTITY_SECRET, JSON.stringify(newIdentity()));
    if (this.#values.has(TOKENS_SECRET) && !newToken) return undefined;
    const token = `mirror_${randomBytes(TOKEN_BYTE_COUNT).toString('base64url')}`;
    const tokens = [tokenEntry('operator', token, ['operate', 'issue-tickets'])];
    this.#values.set(TOKENS_SECRET, JSON.stringify({ tokens }));
    return token;
  }

  /** One write after the other, each whole or not at all. */
  #save(): Promise<void> {
    const write = async () => {
      const temporary = `${this.#path}.${process.pid}`;
      await writeFile(temporary, JSON.stringify(Object.fromEntries(this.#values)), { mode: OWNER_ONLY });
      await rename(temporary, this.#path);
      await chmod(this.#path, OWNER_ONLY);
    };
    const done = this.#writing.then(write);
    this.#writing = done.catch(() => undefined);
    return done;
  }
}

function newIdentity(): SigningIdentity {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  return { keyPairId: `K${randomBytes(7).toString('hex').toUpperCase()}`, privateKey };
}

async function readValues(path: string): Promise<Record<string, string>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    throw localErrors.create('SECRETS_UNREADABLE', `It is ${path}.`, { cause: error });
  }
  try {
    return fileSchema.parse(JSON.parse(text));
  } catch {
    // Without the cause: it would quote the secrets.
    throw localErrors.create('SECRETS_UNREADABLE', `It is ${path}.`);
  }
}
