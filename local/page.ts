/**
 * The pages (domain/pages/pages.ts): bundled from player/ when the program starts, kept in memory, served with a
 * policy that lets them load nothing but their own files and the media of this server.
 */
import { build } from 'esbuild';
import {
  cacheControlOf,
  PAGES,
  type PageFiles,
  pageBuildOptions,
  pageFilesOf,
} from '../domain/pages/pages.ts';
import { contentSecurityPolicy } from '../domain/pages/policy.ts';
import { localErrors } from './errors.ts';
import {
  answerText,
  type FrontHandler,
  type FrontRequest,
  type FrontResponse,
  writeHead,
} from './front-server.ts';

/**
 * Bundles the pages.
 *
 * @param root the folder of the checkout.
 * @throws MirrorError LOCAL_PAGE_BROKEN.
 */
export async function bundlePage(root: string): Promise<PageFiles> {
  try {
    return pageFilesOf(PAGES, await build({ ...pageBuildOptions(PAGES), absWorkingDir: root }));
  } catch (error) {
    throw localErrors.create('PAGE_BROKEN', undefined, { cause: error });
  }
}

/** Serves the bundled files. `mediaHosts` are further origins that the page may fetch media from. */
export function createPage(files: PageFiles, mediaHosts: readonly string[]): FrontHandler {
  return (request: FrontRequest, response: FrontResponse) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      answerText(response, 405, 'Only GET is possible here.', { allow: 'GET, HEAD' });
      return;
    }
    const [path = '/'] = (request.url ?? '/').split('?', 1);
    const file = files.get(path);
    if (!file && files.has(`${path}/`)) {
      answerText(response, 308, 'It has a slash at its end.', { location: `${path}/` });
      return;
    }
    if (!file) {
      answerText(response, 404, 'There is nothing here.');
      return;
    }
    writeHead(response, 200, {
      'content-type': file.contentType,
      'content-length': file.bytes.byteLength,
      'cache-control': cacheControlOf(file),
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
