/**
 * The page: bundled from player/ when the program starts, kept in memory, served with a policy that lets it
 * load nothing but its own files and the media of this server.
 */
import { join } from 'node:path';
import { build } from 'esbuild';
import { localErrors } from './errors.ts';
import {
  answerText,
  type FrontHandler,
  type FrontRequest,
  type FrontResponse,
  writeHead,
} from './front-server.ts';

export interface PageFile {
  readonly contentType: string;
  readonly bytes: Uint8Array;
  /** Its name holds a hash of its content. */
  readonly immutable: boolean;
}

/** By path, such as `/` or `/assets/main-ABCDEFGH.js`. */
export type PageFiles = ReadonlyMap<string, PageFile>;

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  svg: 'image/svg+xml',
};

/**
 * Bundles the page.
 *
 * @param root the folder of the checkout.
 * @throws MirrorError LOCAL_PAGE_BROKEN.
 */
export async function bundlePage(root: string): Promise<PageFiles> {
  const result = await build({
    absWorkingDir: root,
    entryPoints: { main: 'player/main.ts', style: 'player/style.css' },
    outdir: 'dist/player/assets',
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    metafile: true,
    logLevel: 'error',
    loader: { '.svg': 'file' },
  }).catch((error: unknown) => {
    throw localErrors.create('PAGE_BROKEN', undefined, { cause: error });
  });
  const files = new Map<string, PageFile>();
  const entryPaths: Record<string, string> = {};
  const outputs = Object.entries(result.metafile.outputs);
  for (const file of result.outputFiles) {
    const name = file.path.slice(join(root, 'dist/player/assets').length + 1).replaceAll('\\', '/');
    const path = `/assets/${name}`;
    files.set(path, { contentType: contentTypeOf(name), bytes: file.contents, immutable: true });
    const entryPoint = outputs.find(([output]) => output.endsWith(`/${name}`))?.[1].entryPoint;
    if (entryPoint) entryPaths[entryPoint] = path;
  }
  const html = indexHtml(entryPaths['player/main.ts'] ?? '', entryPaths['player/style.css'] ?? '');
  files.set('/', { contentType: CONTENT_TYPES['html'] ?? '', bytes: Buffer.from(html), immutable: false });
  return files;
}

/** Serves the bundled files. `mediaHosts` are further origins that the page may fetch media from. */
export function createPage(files: PageFiles, mediaHosts: readonly string[]): FrontHandler {
  return (request: FrontRequest, response: FrontResponse) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      answerText(response, 405, 'Only GET is possible here.', { allow: 'GET, HEAD' });
      return;
    }
    const file = files.get((request.url ?? '/').split('?', 1)[0] ?? '/');
    if (!file) {
      answerText(response, 404, 'There is nothing here.');
      return;
    }
    writeHead(response, 200, {
      'content-type': file.contentType,
      'content-length': file.bytes.byteLength,
      'cache-control': file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
      'content-security-policy': contentSecurityPolicy(mediaHosts),
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'permissions-policy': 'camera=(), microphone=(), geolocation=()',
    });
    if (request.method === 'HEAD') response.end();
    else response.end(file.bytes);
  };
}

/** Media reaches a video element as a blob: of a MediaSource; everything else comes from this server. */
export function contentSecurityPolicy(mediaHosts: readonly string[]): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    `media-src blob: 'self' ${mediaHosts.join(' ')}`.trim(),
    `connect-src 'self' ${mediaHosts.join(' ')}`.trim(),
    "worker-src 'self' blob:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function indexHtml(scriptPath: string, stylePath: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark">
<title>mirror</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='7' height='7' rx='1.5' fill='%235eead4'/%3E%3Crect x='9' width='7' height='7' rx='1.5' fill='%232f4858'/%3E%3Crect y='9' width='7' height='7' rx='1.5' fill='%232f4858'/%3E%3Crect x='9' y='9' width='7' height='7' rx='1.5' fill='%235eead4'/%3E%3C/svg%3E">
<link rel="stylesheet" href="${stylePath}">
<script type="module" src="${scriptPath}"></script>
</head>
<body>
<div id="app"><noscript>This page plays live video and needs JavaScript.</noscript></div>
</body>
</html>
`;
}

function contentTypeOf(name: string): string {
  return CONTENT_TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
}
