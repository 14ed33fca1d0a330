import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { PAGES, type PageFiles, pageBuildOptions, pageFilesOf } from '../../domain/pages/pages.ts';

const repositoryRoot = fileURLToPath(new URL('../..', import.meta.url));

/**
 * The pages bundled as `npm start` bundles them, with the host of media written into each.
 *
 * @param mediaOrigin scheme and host; may hold values that are known only at deployment.
 */
export function bundlePages(mediaOrigin: string): PageFiles {
  const built = buildSync({ ...pageBuildOptions(PAGES), absWorkingDir: repositoryRoot });
  return pageFilesOf(PAGES, built, { mediaOrigin });
}
