/** A Lambda's bundle, made with the options of its deployment. */
import { build } from 'esbuild';
import {
  FUNCTION_BUNDLING,
  type FunctionFolder,
  functionEntry,
} from '../lib/constructs/function-bundling.ts';

/** @returns the text of one ES module. */
export async function bundleFunction(
  folder: FunctionFolder,
  { minify }: { readonly minify: boolean },
): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [functionEntry(folder)],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: FUNCTION_BUNDLING.target,
    mainFields: [...FUNCTION_BUNDLING.mainFields],
    alias: FUNCTION_BUNDLING.alias,
    banner: { js: FUNCTION_BUNDLING.banner },
    minify,
    write: false,
    logLevel: 'error',
  });
  return outputFiles[0]?.contents ?? new Uint8Array();
}
