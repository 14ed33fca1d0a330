/**
 * The whole control plane over its ports, in one object: what `npm start` mounts, and what the Lambdas take
 * their part of.
 */
import { CallAddressRules } from '../domain/control/call-address.ts';
import type { Randomness } from '../domain/control/ids.ts';
import type { IngestSlot } from '../domain/control/ingest-slot.ts';
import type { Launcher } from '../domain/control/launcher.ts';
import { CONTROL_LIMITS } from '../domain/control/limits.ts';
import type { UrlSigner } from '../domain/control/playback.ts';
import type { Registry } from '../domain/control/registry.ts';
import type { SecretStore } from '../domain/control/secrets.ts';
import { REFERENCE_ENVIRONMENT } from '../domain/cost/environment.ts';
import type { LiveEdgeWriter } from '../domain/live-edge.ts';
import type { Log } from '../domain/log.ts';
import type { Clock } from '../domain/timeline.ts';
import { TokenAuthorizer } from './authorizer/service.ts';
import { ControlApi } from './http/api.ts';
import { documentHandlers } from './http/document-handlers.ts';
import { controlRequestHandler, type NodeRequest, type NodeResponse } from './http/node-adapter.ts';
import { operationsHandlers } from './http/operations-handlers.ts';
import { streamHandlers } from './http/stream-handlers.ts';
import { viewerHandlers } from './http/viewer-handlers.ts';
import { TICKET_KEYS_SECRET, TOKENS_SECRET } from './secret-names.ts';
import type { ResolveHost } from './streams/call-address.ts';
import { StreamLifecycle } from './streams/lifecycle.ts';
import { type CapacitySettings, StreamOperations } from './streams/operations.ts';
import { StreamService } from './streams/service.ts';
import { KeyRing } from './viewers/keys.ts';
import { ViewerService } from './viewers/service.ts';
import { SessionTokens } from './viewers/session-tokens.ts';
import { Tickets } from './viewers/tickets.ts';
import { WatchableStreams } from './viewers/watchable-streams.ts';

export interface ControlPlaneDependencies {
  readonly registry: Registry;
  readonly launcher: Launcher;
  readonly secrets: SecretStore;
  readonly signer: UrlSigner;
  readonly liveEdge: Pick<LiveEdgeWriter, 'end' | 'remove'>;
  readonly resolveHost: ResolveHost;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly sleep: (ms: number) => Promise<void>;
  readonly log: Log;
  readonly config: ControlPlaneConfig;
}

export interface ControlPlaneConfig {
  readonly slots: readonly IngestSlot[];
  /** CIDRs that SRT callers may be sent to although they are special: loopback on a developer's machine. */
  readonly allowedCallRanges: readonly string[];
  /** Scheme and host of playback; `{streamId}` in it gives each stream a host of its own. */
  readonly playbackBaseUrl: string;
  readonly playbackTtlMs?: number;
  /** True behind TLS: cookies are then `Secure` and go to other sites' pages too. */
  readonly secureCookies: boolean;
  /** Names the environment in tickets. */
  readonly environmentName: string;
  readonly viewerCountMax?: number;
  readonly streamsPerViewerMax?: number;
  /** What the capacity is reckoned with; left out, an environment of AWS of the size of prod. */
  readonly capacity?: CapacitySettings;
}

export interface ControlPlane {
  readonly api: ControlApi;
  readonly authorizer: TokenAuthorizer;
  readonly streams: StreamService;
  readonly lifecycle: StreamLifecycle;
  readonly viewers: ViewerService;
  /** Serves /v1/* over node:http. */
  handle(request: NodeRequest, response: NodeResponse): Promise<void>;
}

export function createControlPlane(dependencies: ControlPlaneDependencies): ControlPlane {
  const { config, registry, secrets, clock, log } = dependencies;
  const rules = new CallAddressRules({ allowedRanges: config.allowedCallRanges });
  const shared = { ...dependencies, rules, slots: config.slots };
  const streams = new StreamService(shared);
  const lifecycle = new StreamLifecycle(shared);
  const keys = new KeyRing({ secrets, name: TICKET_KEYS_SECRET, clock });
  const viewers = new ViewerService({
    ...dependencies,
    streams: new WatchableStreams({ registry, clock }),
    tickets: new Tickets({ ...dependencies, keys, audience: config.environmentName }),
    tokens: new SessionTokens({ keys }),
    limits: {
      viewerCount: config.viewerCountMax ?? CONTROL_LIMITS.viewerCount,
      streamsPerViewer: config.streamsPerViewerMax ?? CONTROL_LIMITS.streamsPerViewer,
      leaseMs: CONTROL_LIMITS.sessionLeaseMs,
    },
    playbackBaseUrl: config.playbackBaseUrl,
    playbackTtlMs: config.playbackTtlMs ?? CONTROL_LIMITS.playbackTtlMs,
  });
  const operations = new StreamOperations({
    ...shared,
    viewerCountMax: config.viewerCountMax ?? CONTROL_LIMITS.viewerCount,
    capacity: config.capacity ?? { environment: REFERENCE_ENVIRONMENT },
  });
  const api = new ControlApi({
    handlers: {
      ...streamHandlers({ streams, lifecycle, slots: config.slots }),
      ...viewerHandlers({ viewers }),
      ...operationsHandlers({ operations }),
      ...documentHandlers(),
    },
    idempotency: registry,
    clock,
    log,
    cookieAttributes: config.secureCookies ? 'Secure; SameSite=None' : 'SameSite=Lax',
  });
  const authorizer = new TokenAuthorizer({ secrets, name: TOKENS_SECRET, clock });
  return {
    api,
    authorizer,
    streams,
    lifecycle,
    viewers,
    handle: controlRequestHandler({ api, authorizer, clock, log }),
  };
}
