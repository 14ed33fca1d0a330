import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { errorFamilies, errorsPage } from '../../../tools/errors-table.ts';
import { ROOT, readSources } from './sources.ts';

const families = await errorFamilies();

test('docs/errors.md is what the code says (else: node --import tsx tools/errors-table.ts --write)', async () => {
  expect(readFileSync(join(ROOT, 'docs/errors.md'), 'utf8')).toBe(await errorsPage());
});

test('families are declared in files named errors.ts, and in no other, so that the table has them all', () => {
  const files = readSources([
    'domain',
    'adapters',
    'gpu-runner',
    'origin',
    'lambdas',
    'player',
    'local',
    'tools',
  ])
    .map(({ path }) => path)
    .filter((path) => path !== 'domain/errors.ts')
    .filter((path) => /\bdefineErrors\(/.test(readFileSync(join(ROOT, path), 'utf8')));
  expect(files.filter((path) => !path.endsWith('/errors.ts'))).toEqual([]);
  expect(new Set(families.map(({ path }) => path))).toEqual(new Set(files));
});

test('no two families share a name', () => {
  expect(new Set(families.map(({ family }) => family)).size).toBe(families.length);
});

const definitions = families.flatMap(({ family, definitions }) =>
  Object.entries(definitions).map(([name, definition]) => [`${family}_${name}`, definition] as const),
);

test.each(definitions)('%s says what happened and what to do, in whole sentences', (_, definition) => {
  for (const text of [definition.meaning, definition.remedy]) expect(text).toMatch(/^[A-Z].{10,}[.?!)]$/s);
});
