/** The control plane's viewers over a real Redis, in this process, and a load whose requests do not wait. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { RedisRegistry } from '../adapters/registry-redis.ts';
import { EmbeddedSecrets } from '../adapters/secrets-embedded.ts';
import { CloudFrontUrlSigner } from '../adapters/url-signer-cloudfront.ts';
import type { Log } from '../domain/log.ts';
import { type ControlPlane, createControlPlane } from '../lambdas/control-plane.ts';
import type { ApiEvent } from '../lambdas/http/api.ts';
import { TICKET_KEYS_SECRET } from '../lambdas/secret-names.ts';
import { newKeyRingText } from '../lambdas/viewers/keys.ts';

const STREAM_COUNT = 25;
const quiet = () => {};
const SILENT: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet, child: () => SILENT };

export interface ControlUnderLoad {
  readonly plane: ControlPlane;
  readonly registry: RedisRegistry;
  readonly streamIds: readonly string[];
}

export async function controlOverRedis(socketPath: string): Promise<ControlUnderLoad> {
  const registry = new RedisRegistry({ url: socketPath, log: SILENT });
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const unused = () => Promise.reject(new Error('no stream is started in this bench'));
  const plane = createControlPlane({
    registry,
    launcher: { start: unused, stop: unused, list: async () => [] },
    secrets: new EmbeddedSecrets({
      initial: { [TICKET_KEYS_SECRET]: newKeyRingText('k1', randomBytes(32)) },
    }),
    signer: new CloudFrontUrlSigner({
      identity: async () => ({ keyPairId: 'KBENCH', privateKey }),
      resourceBase: 'https://live.example.com',
    }),
    liveEdge: { end: async () => {}, remove: async () => {} },
    resolveHost: async () => [],
    clock: { nowMs: () => Date.now() },
    randomness: { bytes: (count) => randomBytes(count) },
    sleep: async () => {},
    log: SILENT,
    config: {
      slots: [],
      allowedCallRanges: [],
      playbackBaseUrl: 'https://live.example.com',
      secureCookies: true,
      environmentName: 'bench',
    },
  });
  const streamIds = Array.from({ length: STREAM_COUNT }, (_, index) => `camera-${index}`);
  for (const id of streamIds)
    await plane.streams.create({
      id,
      name: `Camera ${id}`,
      ingest: { protocol: 'srt-listener', latencyMs: 120 },
      access: 'premium',
      frameRate: 30,
      hardware: 'auto',
      record: false,
      signalLoss: 'last-picture',
    });
  return { plane, registry, streamIds };
}

/** An event as API Gateway makes it. */
export function apiEvent(method: string, rawPath: string, body: unknown, token?: string): ApiEvent {
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath,
    rawQueryString: '',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    requestContext: {
      accountId: 'bench',
      apiId: 'bench',
      domainName: 'bench',
      domainPrefix: 'bench',
      http: { method, path: rawPath, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'bench' },
      requestId: 'bench',
      routeKey: '$default',
      stage: '$default',
      time: '',
      timeEpoch: 0,
    },
    body: JSON.stringify(body),
    isBase64Encoded: false,
  };
}

/**
 * Sends requests at a rate, each at its own moment whether or not earlier ones were answered, and takes the
 * time from that moment: a service that falls behind shows it.
 *
 * @returns the milliseconds of each request.
 */
export async function atRate(
  { count, perSecond }: { readonly count: number; readonly perSecond: number },
  request: (index: number) => Promise<void>,
): Promise<number[]> {
  const startedAtMs = performance.now();
  const durationsMs: number[] = [];
  const pending: Promise<void>[] = [];
  let sentCount = 0;
  while (sentCount < count) {
    const dueCount = Math.min(count, Math.floor(((performance.now() - startedAtMs) * perSecond) / 1_000) + 1);
    for (; sentCount < dueCount; sentCount++) {
      const dueAtMs = startedAtMs + (sentCount * 1_000) / perSecond;
      pending.push(request(sentCount).then(() => void durationsMs.push(performance.now() - dueAtMs)));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(pending);
  return durationsMs;
}
