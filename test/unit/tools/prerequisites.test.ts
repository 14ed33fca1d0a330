import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BENCHES } from '../../../bench/benches.ts';
import { findProgram } from '../../../tools/prerequisites.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mirror-programs-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function program(name: string, mode = 0o755): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, '');
  await chmod(path, mode);
  return path;
}

test('Chromium is found in PATH, under any of its names', async () => {
  const path = await program('google-chrome-stable');
  expect(findProgram('Chromium', { PATH: `/nowhere:${folder}` })).toBe(path);
});

test('the Chromium that CHROMIUM_PATH names goes before the one in PATH', async () => {
  await program('chromium');
  const named = await program('another');
  expect(findProgram('Chromium', { PATH: folder, CHROMIUM_PATH: named })).toBe(named);
});

test('a file that cannot be run is no program', async () => {
  const path = await program('chromium', 0o644);
  expect(findProgram('Chromium', { PATH: folder, CHROMIUM_PATH: path })).not.toBe(path);
});

test('every bench says which programs it needs, so that npm run bench can bring them', () => {
  const needs = Object.fromEntries(
    BENCHES.flatMap(({ name, needs: [first] = [] }) => (first ? [[name, first]] : [])),
  );
  expect(needs).toMatchObject({ 'glass-1': 'Chromium', engines: 'Chromium', cpu: 'ffmpeg' });
  expect(Object.values(needs)).toContain('redis-server');
});
