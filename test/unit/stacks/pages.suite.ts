import { runInNewContext } from 'node:vm';
import { beforeAll, describe, expect, test } from 'vitest';
import { PAGES } from '../../../domain/pages/pages.ts';
import { bundlePages } from '../../../lib/constructs/page-files.ts';
import { PAGE_PATHS_CODE } from '../../../lib/constructs/page-paths.ts';
import { type Resource, resourcesOf, synthesized } from './synthesized.ts';

const SYNTH_TIMEOUT_MS = 120_000;

interface Answer {
  readonly uri?: string;
  readonly statusCode?: number;
  readonly headers?: { readonly location: { readonly value: string } };
}

function atTheEdge(uri: string): Answer {
  return runInNewContext(`${PAGE_PATHS_CODE}; handler({ request: { uri: ${JSON.stringify(uri)} } })`);
}

describe('paths of pages at the edge', () => {
  test.each([
    ['/', '/index.html'],
    ['/console/', '/console/index.html'],
    ['/assets/main-AAAAAAAA.js', '/assets/main-AAAAAAAA.js'],
  ])('%s asks S3 for %s', (uri, object) => {
    expect(atTheEdge(uri).uri).toBe(object);
  });

  test('a folder without its slash is sent to the one with it', () => {
    expect(atTheEdge('/console')).toMatchObject({
      statusCode: 308,
      headers: { location: { value: '/console/' } },
    });
  });

  test('nobody is sent to another host: //evil.example stays a path of ours', () => {
    expect(atTheEdge('//evil.example/x').headers?.location.value).toBe('/evil.example/x/');
  });
});

test('the stack bundles every page, and writes into it where media comes from', () => {
  const files = bundlePages('https://media.example.com');
  for (const { path } of PAGES) {
    expect(Buffer.from(files.get(path)?.bytes ?? []).toString('utf8')).toContain('https://media.example.com');
  }
});

describe('upload of the pages in prod', () => {
  let resources: Resource[] = [];
  const uploads = () => resources.filter(({ type }) => type === 'Custom::CDKBucketDeployment');
  const headersOf = ({ properties }: Resource) => properties['SystemMetadata'] as Record<string, string>;

  beforeAll(() => {
    resources = resourcesOf(synthesized('prod').assembly);
  }, SYNTH_TIMEOUT_MS);

  test('what is named by its content is kept for ever, a page is asked for again', () => {
    expect(uploads().map((upload) => headersOf(upload))).toEqual([
      { 'content-type': 'text/javascript', 'cache-control': 'public, max-age=31536000, immutable' },
      { 'content-type': 'text/css', 'cache-control': 'public, max-age=31536000, immutable' },
      { 'content-type': 'text/html', 'cache-control': 'no-cache' },
    ]);
  });

  test('a page is put there after what it names, and nothing is taken from who has the old one open', () => {
    const page = uploads().find((upload) => headersOf(upload)['content-type'] === 'text/html');
    const others = uploads().filter((upload) => upload !== page);
    expect(page?.dependsOn).toEqual(expect.arrayContaining(others.map(({ id }) => id)));
    for (const { properties } of uploads()) expect(properties['Prune']).toBe(false);
  });

  test('its policy allows its own files and the media host, and no script in the page', () => {
    const headers = resources.find(({ id }) => id.startsWith('PageHeaders'));
    const policy = JSON.stringify(headers?.properties);
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain('mirror-prod-media-delivery');
    expect(policy).not.toContain('unsafe');
  });
});
