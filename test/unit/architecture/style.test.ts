import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT, readSources } from './sources.ts';

const FOLDERS = [
  'domain',
  'adapters',
  'gpu-runner',
  'origin',
  'lambdas',
  'player',
  'local',
  'lib',
  'bin',
  'tools',
  'bench',
  'test',
];
const MAX_LINE_COUNT = 400;
/** Tests are lists of facts, which a reader does not hold in mind at once. */
const MAX_TEST_LINE_COUNT = 500;
const MAX_README_LINE_COUNT = 20;

/** Files that are longer for a reason, and how long they may be. Keep it short. */
const LONG_FILES: Readonly<Record<string, number>> = {};

const sources = readSources(FOLDERS);

describe('files', () => {
  const limitOf = (folder: string) => (folder === 'test' ? MAX_TEST_LINE_COUNT : MAX_LINE_COUNT);

  test(`have at most ${MAX_LINE_COUNT} lines, tests ${MAX_TEST_LINE_COUNT}`, () => {
    const long = sources.filter(({ path, folder, lineCount }) => {
      return lineCount > (LONG_FILES[path] ?? limitOf(folder));
    });
    expect(long.map(({ path, lineCount }) => `${path}: ${lineCount}`)).toEqual([]);
  });

  test('are excepted from that only while they need it', () => {
    const needed = sources
      .filter(({ folder, lineCount }) => lineCount > limitOf(folder))
      .map(({ path }) => path);
    expect(Object.keys(LONG_FILES).filter((path) => !needed.includes(path))).toEqual([]);
  });

  test('have names that say what is in them, in kebab-case', () => {
    const vague = sources.filter(({ path }) => {
      const name = path.slice(path.lastIndexOf('/') + 1);
      const isVague = /(?:^|-)(?:utils?|helpers?|misc|common|stuff)(?:[.-]|$)/.test(name);
      return isVague || !/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z]+)*\.(?:ts|tsx|mts|mjs|js)$/.test(name);
    });
    expect(vague.map(({ path }) => path)).toEqual([]);
  });

  test('hold no path of the machine that they were written on, and no secret', () => {
    const telltale = [
      // Home directories, and keys in the forms that AWS and PEM give them.
      /(?:\/home\/|\/Users\/)[a-z]/,
      /\bAKIA[0-9A-Z]{16}\b/,
      /-----BEGIN (?:RSA |EC )?PRIVATE KEY-----\n?[A-Za-z0-9+/]{20}/,
    ];
    const found = sources.filter(({ path }) => {
      const text = readFileSync(join(ROOT, path), 'utf8');
      return telltale.some((pattern) => pattern.test(text));
    });
    expect(found.map(({ path }) => path)).toEqual([]);
  });
});

describe('folders', () => {
  test.each(FOLDERS)(
    `%s/ says what it is for in a README of at most ${MAX_README_LINE_COUNT} lines`,
    (folder) => {
      const path = join(ROOT, folder, 'README.md');
      expect(existsSync(path), `${folder}/README.md is missing`).toBe(true);
      const lineCount = readFileSync(path, 'utf8').trimEnd().split('\n').length;
      expect(lineCount).toBeGreaterThan(2);
      expect(lineCount).toBeLessThanOrEqual(MAX_README_LINE_COUNT);
    },
  );

  test('that were looked at hold all sources but those in the root', () => {
    const inRoot = readdirSync(ROOT).filter((name) => /\.(?:ts|mjs|js)$/.test(name));
    expect(inRoot.sort()).toEqual(['vitest.config.ts']);
  });
});
