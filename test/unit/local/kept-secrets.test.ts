import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TokenAuthorizer } from '../../../lambdas/authorizer/service.ts';
import { TICKET_KEYS_SECRET, TOKENS_SECRET } from '../../../lambdas/secret-names.ts';
import { KeptSecrets } from '../../../local/kept-secrets.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mirror-secrets-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const file = () => join(folder, 'secrets.json');
const principalOf = (secrets: KeptSecrets, token = '') =>
  new TokenAuthorizer({ secrets, name: TOKENS_SECRET, clock: { nowMs: () => 0 } }).principalOf(token);

describe('the secrets of this machine', () => {
  it("the first start makes a token that works and is written nowhere; the file is its owner's alone", async () => {
    const { secrets, newToken = '' } = await KeptSecrets.open(folder);
    expect(newToken).toMatch(/^mirror_[\w-]{43}$/);
    expect(await principalOf(secrets, newToken)).toEqual({
      name: 'operator',
      scopes: ['operate', 'issue-tickets'],
    });
    expect(await readFile(file(), 'utf8')).not.toContain(newToken);
    expect((await stat(file())).mode & 0o777).toBe(0o600);
  });

  it('a later start keeps keys and token, and forgets the passphrases of runners that are gone', async () => {
    const first = await KeptSecrets.open(folder);
    await first.secrets.put('streams/a/starts/b', 'passphrase');
    const again = await KeptSecrets.open(folder);
    expect(again.newToken).toBeUndefined();
    expect(await principalOf(again.secrets, first.newToken)).toBeDefined();
    expect(again.secrets.publicKeys).toEqual(first.secrets.publicKeys);
    expect(await again.secrets.get(TICKET_KEYS_SECRET)).toBe(await first.secrets.get(TICKET_KEYS_SECRET));
    expect(await readFile(file(), 'utf8')).not.toContain('passphrase');
  });

  it('a new token ends the one that was lost', async () => {
    const first = await KeptSecrets.open(folder);
    const again = await KeptSecrets.open(folder, { newToken: true });
    expect(await principalOf(again.secrets, first.newToken)).toBeUndefined();
    expect(await principalOf(again.secrets, again.newToken)).toBeDefined();
  });

  it('a damaged file is named with what to do, and not quoted', async () => {
    await writeFile(file(), '{"secret-in-here');
    const error: unknown = await KeptSecrets.open(folder).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'LOCAL_SECRETS_UNREADABLE' });
    expect(String(error)).not.toContain('secret-in-here');
  });
});
