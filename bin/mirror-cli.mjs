#!/usr/bin/env node
/**
 * `npx mirror`: the command-line client of the control API. Plain JavaScript, so that it runs as it is; the
 * rest is TypeScript in cli/.
 */
import { register } from 'tsx/esm/api';

register();
const { main } = await import('./cli/main.ts');
process.exitCode = await main(process.argv.slice(2), {
  environment: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
});
