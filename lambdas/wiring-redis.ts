/** Redis, for the functions that speak to it. Apart from wiring.ts, so that the others do not bundle its client. */
import { RedisRegistry } from '../adapters/registry-redis.ts';
import type { Observability } from './observability.ts';
import type { Secrets } from './wiring.ts';

export interface RedisVariables {
  readonly MIRROR_REDIS_URL?: string | undefined;
  readonly MIRROR_REDIS_HOST?: string | undefined;
  readonly MIRROR_REDIS_PORT: number;
  readonly MIRROR_REDIS_TOKEN_SECRET?: string | undefined;
}

export async function redisUrl(variables: RedisVariables, secrets: Secrets): Promise<string> {
  const { MIRROR_REDIS_URL: url, MIRROR_REDIS_HOST: host, MIRROR_REDIS_PORT: port } = variables;
  if (url !== undefined) return url;
  if (host === undefined) throw new Error('MIRROR_REDIS_URL or MIRROR_REDIS_HOST is missing.');
  const tokenSecret = variables.MIRROR_REDIS_TOKEN_SECRET;
  if (tokenSecret === undefined) return `rediss://${host}:${port}`;
  const token = await secrets.read(tokenSecret);
  return `rediss://:${encodeURIComponent(token)}@${host}:${port}`;
}

export function createRegistry(url: string, { log }: Observability): RedisRegistry {
  return new RedisRegistry({ url, log });
}
