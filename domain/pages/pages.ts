/**
 * The pages as data: what each is made of, how it is bundled, and how its files are named and kept. The machine
 * that serves them itself and the stack that uploads them both build from here. Pure: whoever calls runs esbuild.
 */
import { MEDIA_ORIGIN_NAME } from './media-origin.ts';

export interface PageSource {
  /** Where it is served; with a slash at its end. */
  readonly path: string;
  readonly title: string;
  /** Entry of its script, from the root of the checkout. */
  readonly script: string;
  readonly style: string;
  readonly withoutScript: string;
}

export const PAGES: readonly PageSource[] = [
  {
    path: '/',
    title: 'mirror',
    script: 'player/main.ts',
    style: 'player/style.css',
    withoutScript: 'This page plays live video and needs JavaScript.',
  },
  {
    path: '/console/',
    title: 'mirror console',
    script: 'player/console/main.tsx',
    style: 'player/console/console.css',
    withoutScript: 'The console needs JavaScript.',
  },
];

/** Hashed files are below this path, whichever page they belong to: pages share chunks. */
const ASSETS_PATH = '/assets/';
const OUT_FOLDER = 'dist/pages';

/** Options of esbuild for all pages at once; nothing is written, the caller gets the bytes and the metafile. */
export function pageBuildOptions(pages: readonly PageSource[]) {
  return {
    entryPoints: pages.flatMap(({ script, style }) => [script, style]),
    outdir: OUT_FOLDER,
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    assetNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    write: false,
    metafile: true,
    logLevel: 'error',
    loader: { '.svg': 'file' },
  } as const;
}

export interface PageFile {
  readonly contentType: string;
  readonly bytes: Uint8Array;
  /** Its name holds a hash of its content. */
  readonly immutable: boolean;
}

/** By path, such as `/` or `/assets/main-ABCDEFGH.js`. */
export type PageFiles = ReadonlyMap<string, PageFile>;

/** The part of esbuild's result that is read here. */
export interface BuiltPages {
  readonly outputFiles: readonly { readonly path: string; readonly contents: Uint8Array }[];
  readonly metafile: {
    readonly outputs: Readonly<Record<string, { readonly entryPoint?: string }>>;
  };
}

export interface PageOptions {
  /** Scheme and host of media, where it is not the page's own (docs/aws.md). */
  readonly mediaOrigin?: string;
}

/**
 * Every file of the pages.
 *
 * @throws Error when a page's entry is not among what was built, or a file has a kind that no page uses.
 */
export function pageFilesOf(
  pages: readonly PageSource[],
  { outputFiles, metafile }: BuiltPages,
  options: PageOptions = {},
): PageFiles {
  const files = new Map<string, PageFile>();
  for (const { path, contents } of outputFiles) {
    files.set(ASSETS_PATH + baseName(path), {
      contentType: contentTypeOf(path),
      bytes: contents,
      immutable: true,
    });
  }
  const pathOf = (entry: string) => {
    const built = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === entry)?.[0];
    if (built === undefined) throw new Error(`The bundler made nothing of ${entry}.`);
    return ASSETS_PATH + baseName(built);
  };
  for (const page of pages) {
    const html = pageHtml(page, { scriptPath: pathOf(page.script), stylePath: pathOf(page.style) }, options);
    files.set(page.path, {
      contentType: HTML,
      bytes: new TextEncoder().encode(html),
      immutable: false,
    });
  }
  return files;
}

/** How long a browser and the edge keep a file: one that is named by its content for ever, a page not at all. */
export function cacheControlOf({ immutable }: Pick<PageFile, 'immutable'>): string {
  return immutable ? 'public, max-age=31536000, immutable' : 'no-cache';
}

const HTML = 'text/html; charset=utf-8';

/** Of every kind of file that a page is made of, by the end of its name. */
export const CONTENT_TYPES: ReadonlyMap<string, string> = new Map([
  ['js', 'text/javascript; charset=utf-8'],
  ['css', 'text/css; charset=utf-8'],
  ['html', HTML],
  ['svg', 'image/svg+xml'],
]);

function contentTypeOf(path: string): string {
  const contentType = CONTENT_TYPES.get(path.slice(path.lastIndexOf('.') + 1));
  if (contentType === undefined) throw new Error(`No content type is known for ${path}.`);
  return contentType;
}

const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='7' height='7' rx='1.5' fill='%235eead4'/%3E%3Crect x='9' width='7' height='7' rx='1.5' fill='%232f4858'/%3E%3Crect y='9' width='7' height='7' rx='1.5' fill='%232f4858'/%3E%3Crect x='9' y='9' width='7' height='7' rx='1.5' fill='%235eead4'/%3E%3C/svg%3E";

function pageHtml(
  { title, withoutScript }: PageSource,
  { scriptPath, stylePath }: { readonly scriptPath: string; readonly stylePath: string },
  { mediaOrigin }: PageOptions,
): string {
  const media =
    mediaOrigin === undefined ? '' : `<meta name="${MEDIA_ORIGIN_NAME}" content="${mediaOrigin}">\n`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark">
${media}<title>${title}</title>
<link rel="icon" href="${ICON}">
<link rel="stylesheet" href="${stylePath}">
<script type="module" src="${scriptPath}"></script>
</head>
<body>
<div id="app"><noscript>${withoutScript}</noscript></div>
</body>
</html>
`;
}

function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
}
