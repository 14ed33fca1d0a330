import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { bundleFunction } from '../../../bench/function-bundle.ts';
import { gte } from '../../../lambdas/bundle/semver-gte.ts';
import { FUNCTION_FOLDERS } from '../../../lib/constructs/function-bundling.ts';

/** 1 MB is 2^20 bytes here. */
const TARGET_BYTES = 1_048_576;

/**
 * Those that speak to Redis carry ioredis, the SDK, powertools with X-Ray, and zod: more than the target before
 * a line of ours (docs/decisions/sdk-in-the-bundle.md). What they may weigh instead, not minified.
 */
const OVER_TARGET_BYTES: Readonly<Record<string, number>> = {
  'ecs-events': 1_800_000,
  reconciler: 1_800_000,
  streams: 1_800_000,
  viewers: 1_700_000,
};

describe.each(FUNCTION_FOLDERS)('the bundle of %s', (folder) => {
  test('as it is deployed, weighs at most 1 MB', async () => {
    expect((await bundleFunction(folder, { minify: true })).byteLength).toBeLessThan(TARGET_BYTES);
  });

  test('not minified, stays within its limit', async () => {
    const limit = OVER_TARGET_BYTES[folder] ?? TARGET_BYTES;
    expect((await bundleFunction(folder, { minify: false })).byteLength).toBeLessThan(limit);
  });
});

describe('what a bundle has instead of the credential chain and of semver', () => {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    request.resume();
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify({ SecretString: JSON.stringify({ tokens: [] }) }));
  });
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'mirror-bundle-'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await rm(directory, { recursive: true, force: true });
    await new Promise((resolve) => server.close(resolve));
  });

  test('the authorizer starts, and signs its request with the credentials that Lambda sets', async () => {
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    for (const [name, value] of Object.entries({
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'AKIDOFTHEROLE',
      AWS_SECRET_ACCESS_KEY: 'secret-of-the-role',
      AWS_SESSION_TOKEN: 'token-of-the-role',
      AWS_ENDPOINT_URL_SECRETS_MANAGER: `http://127.0.0.1:${port}`,
      MIRROR_ENVIRONMENT: 'test',
      MIRROR_SECRET_PREFIX: 'mirror/test/',
      POWERTOOLS_DEV: 'false',
    }))
      vi.stubEnv(name, value);
    const file = join(directory, 'authorizer.mjs');
    await writeFile(file, await bundleFunction('authorizer', { minify: true }));
    const { handler } = await import(pathToFileURL(file).href);
    const answer = await handler(
      { headers: { authorization: 'Bearer nobody-knows-this-token' } },
      { functionName: 'authorizer', awsRequestId: 'test', getRemainingTimeInMillis: () => 1_000 },
    );
    expect(answer).toEqual({ isAuthorized: true, context: {} });
    expect(requests.length).toBeGreaterThan(0);
    expect(requests[0]?.headers.authorization).toContain('Credential=AKIDOFTHEROLE/');
    expect(requests[0]?.headers['x-amz-security-token']).toBe('token-of-the-role');
  });

  test.each([
    ['20.20.2', '8.0.0', true],
    ['24.1.0', '24.1.0', true],
    ['v8.0.0', '8.0.0', true],
    ['2.9.9', '2.10.0', false],
    ['7.10.1', '8.0.0', false],
  ])('version %s against %s: %s', (version, minimum, expected) => {
    expect(gte(version, minimum)).toBe(expected);
  });
});
