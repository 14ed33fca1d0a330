/**
 * How esbuild makes one file of each Lambda: the one place that the deployment, the bench and the tests of size
 * read. Why the SDK is inside, and what is left out of it: docs/decisions/sdk-in-the-bundle.md.
 */
import { fileURLToPath } from 'node:url';

const LAMBDAS = new URL('../../lambdas/', import.meta.url);

/** The functions, by their folders below lambdas/. */
export const FUNCTION_FOLDERS = [
  'authorizer',
  'document',
  'ecs-events',
  'reconciler',
  'signing-key',
  'streams',
  'viewers',
] as const;
export type FunctionFolder = (typeof FUNCTION_FOLDERS)[number];

export function functionEntry(folder: string): string {
  return fileURLToPath(new URL(`${folder}/handler.ts`, LAMBDAS));
}

/** In the words of esbuild's API. The output is an ES module. */
export const FUNCTION_BUNDLING = {
  // A package's ES modules before its CommonJS: what is not used can then be left out (a sixth less).
  mainFields: ['module', 'main'],
  target: 'node24',
  banner: "import{createRequire}from'module';const require=createRequire(import.meta.url);",
  /** Packages that are replaced by the little of them that a Lambda uses. */
  alias: {
    '@aws-sdk/credential-provider-node': fileURLToPath(
      new URL('bundle/credentials-from-environment.ts', LAMBDAS),
    ),
    semver: fileURLToPath(new URL('bundle/semver-gte.ts', LAMBDAS)),
  },
} as const;
