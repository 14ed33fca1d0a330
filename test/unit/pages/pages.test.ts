import { readFileSync } from 'node:fs';
import { build } from 'esbuild';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  cacheControlOf,
  PAGES,
  type PageFiles,
  pageBuildOptions,
  pageFilesOf,
} from '../../../domain/pages/pages.ts';
import { contentSecurityPolicy } from '../../../domain/pages/policy.ts';
import { statedMediaOrigin } from '../../../player/selection.ts';

const root = new URL('../../..', import.meta.url).pathname;
const MEDIA_ORIGIN = 'https://media.example.com';

describe('the pages as they are bundled', () => {
  let files: PageFiles;
  const text = (path: string) => Buffer.from(files.get(path)?.bytes ?? []).toString('utf8');

  beforeAll(async () => {
    const built = await build({ ...pageBuildOptions(PAGES), absWorkingDir: root });
    files = pageFilesOf(PAGES, built, { mediaOrigin: MEDIA_ORIGIN });
  });

  test.each(PAGES.map(({ path }) => path))('%s names a script and a style that are there', (path) => {
    const named = [...text(path).matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((match) => match[1]);
    expect(named).toHaveLength(2);
    for (const one of named) expect([...files.keys()]).toContain(one);
  });

  test('every file but the pages is named by its content and kept for ever', () => {
    for (const [path, file] of files) {
      expect(file.immutable, path).toBe(/^\/assets\/[\w.-]+-[A-Z0-9]{8}\.\w+$/.test(path));
      expect(cacheControlOf(file), path).toMatch(file.immutable ? /immutable/ : /^no-cache$/);
    }
  });

  test('no page holds a script or a style of its own, which its policy would refuse', () => {
    for (const { path } of PAGES) {
      expect(text(path)).not.toMatch(/<style|style="|<script(?![^>]*src=)| on\w+="/);
    }
  });

  test('where media has a host of its own, the page says so and the player reads it', () => {
    const content = /<meta name="mirror-media-origin" content="([^"]+)">/.exec(text('/'))?.[1] ?? null;
    expect(content).toBe(MEDIA_ORIGIN);
    const asked: string[] = [];
    const page = {
      querySelector: (selector: string) => {
        asked.push(selector);
        return { getAttribute: () => content };
      },
    };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    expect(statedMediaOrigin(page as unknown as Document)).toBe(MEDIA_ORIGIN);
    expect(asked).toEqual(['meta[name="mirror-media-origin"]']);
    expect(statedMediaOrigin(undefined)).toBeUndefined();
  });
});

test('the policy lets a page load its own files and the media, and nothing written into it', () => {
  const policy = contentSecurityPolicy([MEDIA_ORIGIN]);
  expect(policy).toContain(`connect-src 'self' ${MEDIA_ORIGIN}`);
  expect(policy).not.toMatch(/unsafe|\*/);
  expect(readFileSync(new URL('../../../local/page.ts', import.meta.url), 'utf8')).toContain(
    "'content-security-policy': contentSecurityPolicy(",
  );
});
