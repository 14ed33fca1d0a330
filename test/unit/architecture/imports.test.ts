import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folderOf, ROOT, readSources, type Source, sourceFiles } from './sources.ts';

/** Which folders a folder may import, besides itself. docs: DESIGN, "Rooms and doors". */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  adapters: ['domain'],
  'gpu-runner': ['domain'],
  origin: ['domain'],
  lambdas: ['domain'],
  player: ['domain'],
  local: ['tools', 'gpu-runner', 'origin', 'lambdas', 'player', 'adapters', 'domain'],
  lib: ['domain'],
  bin: ['lib', 'domain'],
  tools: ['gpu-runner', 'origin', 'lambdas', 'player', 'lib', 'adapters', 'domain'],
  bench: ['tools', 'gpu-runner', 'origin', 'lambdas', 'player', 'local', 'lib', 'adapters', 'domain'],
  test: [
    'bench',
    'tools',
    'gpu-runner',
    'origin',
    'lambdas',
    'player',
    'local',
    'lib',
    'bin',
    'adapters',
    'domain',
  ],
};

/**
 * The files that may know which technology stands behind a port: a program's start and its configuration, and
 * what several Lambdas wire alike.
 */
const WIRES =
  /^(?:(?:gpu-runner|origin)\/(?:export\/)?(?:main|config)|lambdas\/(?:.*\/)?(?:handler|wiring(?:-\w+)?))\.ts$/;

/** What tools leave behind; git ignores it. */
const GENERATED = ['node_modules', 'dist', 'cdk.out', 'coverage', 'bench-results'];

const DOMAIN_PACKAGES = ['zod'];

const sources = readSources(Object.keys(MAY_IMPORT));
const all = sources.flatMap((source) => source.imports.map((one) => ({ source, one })));

const text = ({ source, one }: (typeof all)[number]) => `${source.path} imports ${one.specifier}`;

test('every folder with sources has its rule', () => {
  const folders = readdirSync(ROOT, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const unruled = folders
    .map(({ name }) => name)
    .filter((name) => !name.startsWith('.') && !GENERATED.includes(name) && !(name in MAY_IMPORT))
    .filter((name) => sourceFiles(join(ROOT, name)).length > 0);
  expect(unruled).toEqual([]);
});

describe('imports', () => {
  test.each(Object.keys(MAY_IMPORT))('of %s/ were seen, and lead to files that exist', (folder) => {
    const own = all.filter(({ source }) => source.folder === folder);
    expect(own.length).toBeGreaterThan(0);
    const dangling = own.filter(({ one }) => one.path !== undefined && !existsSync(join(ROOT, one.path)));
    expect(dangling.map(text)).toEqual([]);
  });

  test.each(Object.entries(MAY_IMPORT))('of %s/ go down only: to itself and %j', (folder, allowed) => {
    const broken = all.filter(({ source, one }) => {
      if (source.folder !== folder || one.path === undefined) return false;
      const target = folderOf(one.path);
      const isWiring = target === 'adapters' && WIRES.test(source.path);
      // A file in the root is data: package.json, cdk.json.
      return target !== folder && target !== '' && !allowed.includes(target) && !isWiring;
    });
    expect(broken.map(text)).toEqual([]);
  });

  test('of domain/ are pure: no module of Node, and no package but zod', () => {
    const impure = all.filter(({ source, one }) => {
      return source.folder === 'domain' && one.path === undefined && !DOMAIN_PACKAGES.includes(one.specifier);
    });
    expect(impure.map(text)).toEqual([]);
  });

  test('end in the name of the file, since Node does not guess', () => {
    const vague = all.filter(({ one }) => one.path !== undefined && !/\.\w+$/.test(one.path));
    expect(vague.map(text)).toEqual([]);
  });

  test('have no circle', () => {
    expect(circles(sources)).toEqual([]);
  });
});

/** Every circle of imports that remain at run time, as the paths around it. */
function circles(files: readonly Source[]): string[][] {
  const targets = new Map(
    files.map((file) => [
      file.path,
      file.imports.flatMap(({ path, isTypeOnly }) => (path === undefined || isTypeOnly ? [] : [path])),
    ]),
  );
  const found: string[][] = [];
  const finished = new Set<string>();
  const walk = (path: string, trail: readonly string[]) => {
    const start = trail.indexOf(path);
    if (start >= 0) found.push([...trail.slice(start), path]);
    if (start >= 0 || finished.has(path)) return;
    for (const target of targets.get(path) ?? []) walk(target, [...trail, path]);
    finished.add(path);
  };
  for (const path of targets.keys()) walk(path, []);
  return found;
}

test('a circle would be found', () => {
  const file = (path: string, ...paths: string[]): Source => ({
    path,
    folder: 'domain',
    lineCount: 1,
    imports: paths.map((target) => ({ specifier: target, path: target, isTypeOnly: false })),
  });
  expect(circles([file('a', 'b'), file('b', 'c', 'd'), file('c', 'a'), file('d')])).toEqual([
    ['a', 'b', 'c', 'a'],
  ]);
});
