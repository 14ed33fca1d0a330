import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const MODULE = new URL('../../../adapters/parent-process.ts', import.meta.url).href;
/** Ends by itself when nothing else ends it. */
const PROGRAM = `const [loadMs] = process.argv.slice(2).map(Number);
  await new Promise((resolve) => setTimeout(resolve, loadMs));
  const { onParentGone } = await import('${MODULE}');
  onParentGone(() => process.exit(9));
  process.send?.('ready', undefined, undefined, () => undefined);
  setTimeout(() => process.exit(1), 8_000);`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mirror-parent-'));
  await writeFile(join(folder, 'program.mjs'), PROGRAM);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const start = (loadMs: number) =>
  fork(join(folder, 'program.mjs'), [String(loadMs)], {
    execArgv: ['--import', import.meta.resolve('tsx')],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });

test('a program whose parent goes while it is still being loaded ends all the same', async () => {
  const child = start(500);
  child.disconnect();
  expect(await once(child, 'exit')).toEqual([9, null]);
});

test('a program whose parent goes later ends at once', async () => {
  const child = start(0);
  await once(child, 'message');
  child.disconnect();
  expect(await once(child, 'exit')).toEqual([9, null]);
});
