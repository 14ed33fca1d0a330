/** API Gateway -> tickets, sessions, viewer counts. */
import type { Context } from 'aws-lambda';
import { CloudFrontUrlSigner } from '../../adapters/url-signer-cloudfront.ts';
import { CONTROL_LIMITS } from '../../domain/control/limits.ts';
import { readEnvironment } from '../environment.ts';
import { type ApiEvent, ControlApi } from '../http/api.ts';
import { viewerHandlers } from '../http/viewer-handlers.ts';
import { createObservability } from '../observability.ts';
import { TICKET_KEYS_SECRET } from '../secret-names.ts';
import { createSecrets, systemRandomness, wiredOnce } from '../wiring.ts';
import { createRegistry, redisUrl } from '../wiring-redis.ts';
import { systemClock } from '../wiring-system.ts';
import { KeyRing } from './keys.ts';
import { ViewerService } from './service.ts';
import { SessionTokens } from './session-tokens.ts';
import { Tickets } from './tickets.ts';
import { WatchableStreams } from './watchable-streams.ts';

const observability = createObservability();

const wired = wiredOnce(async () => {
  const environment = readEnvironment('viewers', process.env);
  const secrets = createSecrets(observability, environment.MIRROR_SECRET_PREFIX);
  const registry = createRegistry(await redisUrl(environment, secrets), observability);
  const privateKey = await secrets.read(environment.MIRROR_SIGNING_KEY_SECRET);
  const clock = systemClock;
  const randomness = systemRandomness;
  const keys = new KeyRing({ secrets: secrets.store, name: TICKET_KEYS_SECRET, clock });
  const viewers = new ViewerService({
    registry,
    streams: new WatchableStreams({ registry, clock }),
    tickets: new Tickets({ keys, clock, randomness, audience: environment.MIRROR_ENVIRONMENT }),
    tokens: new SessionTokens({ keys }),
    signer: new CloudFrontUrlSigner({
      // The key pair's id is part of the deployment: a rotation deploys the new pair.
      identity: async () => ({ keyPairId: environment.MIRROR_KEY_PAIR_ID, privateKey }),
      resourceBase: environment.MIRROR_PLAYBACK_BASE_URL,
    }),
    clock,
    randomness,
    limits: {
      viewerCount: CONTROL_LIMITS.viewerCount,
      streamsPerViewer: CONTROL_LIMITS.streamsPerViewer,
      leaseMs: CONTROL_LIMITS.sessionLeaseMs,
    },
    playbackBaseUrl: environment.MIRROR_PLAYBACK_BASE_URL,
    playbackTtlMs: CONTROL_LIMITS.playbackTtlMs,
  });
  return new ControlApi({
    handlers: viewerHandlers({ viewers }),
    idempotency: registry,
    clock,
    log: observability.log,
    cookieAttributes:
      environment.MIRROR_COOKIE_DOMAIN === undefined
        ? 'Secure; SameSite=None'
        : `Secure; SameSite=None; Domain=${environment.MIRROR_COOKIE_DOMAIN}`,
    onAnswer: ({ route, durationMs, code }) => {
      observability.timeMs(`${route}Ms`, durationMs);
      if (code !== undefined) observability.count(code);
    },
  });
});

export const handler = (event: ApiEvent, context: Context) =>
  observability.invocation(context, async () => (await wired()).handle(event));
