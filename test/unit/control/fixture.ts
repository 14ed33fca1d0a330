/** A control plane over embedded parts, a clock that only moves when told, and a launcher that remembers. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { EmbeddedRegistry } from '../../../adapters/registry-embedded.ts';
import { EmbeddedSecrets } from '../../../adapters/secrets-embedded.ts';
import { CloudFrontUrlSigner } from '../../../adapters/url-signer-cloudfront.ts';
import type { IngestSlot } from '../../../domain/control/ingest-slot.ts';
import type { LaunchedRunner, Launcher, LaunchRequest } from '../../../domain/control/launcher.ts';
import type { Registry } from '../../../domain/control/registry.ts';
import type { Scope } from '../../../domain/control/scopes.ts';
import type { Log, LogFields } from '../../../domain/log.ts';
import { tokenEntry } from '../../../lambdas/authorizer/service.ts';
import {
  type ControlPlane,
  type ControlPlaneDependencies,
  createControlPlane,
} from '../../../lambdas/control-plane.ts';
import type { ApiEvent } from '../../../lambdas/http/api.ts';
import { TICKET_KEYS_SECRET, TOKENS_SECRET } from '../../../lambdas/secret-names.ts';
import { newKeyRingText } from '../../../lambdas/viewers/keys.ts';

export const START_MS = Date.UTC(2026, 5, 1, 12);
export const OPERATOR_TOKEN = 'operator-token-planted-secret-1';
export const BACKEND_TOKEN = 'backend-token-planted-secret-2';

let keys: { privateKey: string; publicKey: string } | undefined;
/** One RSA pair for all tests of a file: making one takes a tenth of a second. */
export function signingKeys(): { privateKey: string; publicKey: string } {
  keys ??= generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  return keys;
}

export class FakeClock {
  ms = START_MS;
  nowMs(): number {
    return this.ms;
  }
}

export class RecordingLog implements Log {
  readonly lines: string[] = [];
  debug = (event: string, fields?: LogFields) => this.#write(event, fields);
  info = (event: string, fields?: LogFields) => this.#write(event, fields);
  warn = (event: string, fields?: LogFields) => this.#write(event, fields);
  error = (event: string, fields?: LogFields) => this.#write(event, fields);
  child(): Log {
    return this;
  }
  #write(event: string, fields?: LogFields): void {
    this.lines.push(JSON.stringify({ event, ...fields }));
  }
}

/** Remembers what runs. What comes before and after may wait or throw. */
export class FakeLauncher implements Launcher {
  readonly running = new Map<string, LaunchRequest>();
  readonly launches: LaunchRequest[] = [];
  readonly draining = new Set<string>();
  stopOutcome: 'stopped' | 'draining' = 'stopped';
  beforeStart: (request: LaunchRequest) => Promise<void> = async () => {};
  /** With the runner running: a start whose answer is lost. */
  afterStart: () => Promise<void> = async () => {};
  beforeStop: () => Promise<void> = async () => {};

  async start(request: LaunchRequest): Promise<void> {
    if (this.running.has(request.startId)) return;
    await this.beforeStart(request);
    this.launches.push(request);
    this.running.set(request.startId, request);
    await this.afterStart();
  }

  async stop({ startId }: { streamId: string; startId: string }): Promise<'stopped' | 'draining'> {
    await this.beforeStop();
    if (!this.running.has(startId)) return 'stopped';
    if (this.stopOutcome === 'stopped') this.running.delete(startId);
    else this.draining.add(startId);
    return this.stopOutcome;
  }

  /** What drains is gone. */
  drain(): void {
    for (const startId of this.draining) this.running.delete(startId);
    this.draining.clear();
  }

  async list(): Promise<readonly LaunchedRunner[]> {
    return [...this.running.values()].map(({ record, startId, slotIndex }) => ({
      streamId: record.id,
      startId,
      slotIndex,
      state: 'active',
      record,
    }));
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly cookies: readonly string[];
  // oxlint-disable-next-line typescript/no-explicit-any -- answers are asserted field by field
  readonly body: any;
  readonly text: string;
}

export interface Fixture extends ControlPlane {
  readonly clock: FakeClock;
  readonly launcher: FakeLauncher;
  readonly registry: Registry;
  readonly secrets: EmbeddedSecrets;
  readonly log: RecordingLog;
  readonly endedStreamIds: string[];
  /** Calls a route as an operator, unless a token (or `null` for none) is given. */
  call(method: string, path: string, body?: unknown, options?: CallOptions): Promise<Answer>;
}

export interface CallOptions {
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is, instead of JSON of `body`. */
  readonly rawBody?: string;
}

export function slots(count: number): IngestSlot[] {
  return Array.from({ length: count }, (_, index) => ({
    publicHost: 'ingest.example.com',
    port: 9001 + index,
    secondPort: 9101 + index,
  }));
}

export async function fixture(
  overrides: Partial<ControlPlaneDependencies> & { slotCount?: number; slots?: readonly IngestSlot[] } = {},
): Promise<Fixture> {
  const { slotCount = 3, ...rest } = overrides;
  const clock = new FakeClock();
  const launcher = new FakeLauncher();
  const registry = overrides.registry ?? new EmbeddedRegistry({ nowMs: () => clock.nowMs() });
  const log = new RecordingLog();
  const tokens: { name: string; token: string; scopes: Scope[] }[] = [
    { name: 'operator', token: OPERATOR_TOKEN, scopes: ['operate'] },
    { name: 'backend', token: BACKEND_TOKEN, scopes: ['issue-tickets'] },
  ];
  const secrets = new EmbeddedSecrets({
    initial: {
      [TOKENS_SECRET]: JSON.stringify({
        tokens: tokens.map(({ name, token, scopes }) => tokenEntry(name, token, scopes)),
      }),
      [TICKET_KEYS_SECRET]: newKeyRingText('k1', randomBytes(32)),
    },
  });
  const endedStreamIds: string[] = [];
  const plane = createControlPlane({
    registry,
    launcher,
    secrets,
    signer: new CloudFrontUrlSigner({
      identity: async () => ({ keyPairId: 'KTEST', privateKey: signingKeys().privateKey }),
      resourceBase: 'https://live.example.com',
    }),
    liveEdge: {
      end: async (id) => {
        endedStreamIds.push(id);
      },
      remove: async () => {},
    },
    resolveHost: async () => ['203.0.114.7'],
    clock,
    randomness: { bytes: (count) => randomBytes(count) },
    // Real time passes a little, so that others get their turn; the clock passes what was asked for.
    sleep: async (ms) => {
      clock.ms += ms;
      await new Promise((resolve) => setImmediate(resolve));
    },
    log,
    config: {
      slots: overrides.slots ?? slots(slotCount),
      allowedCallRanges: [],
      playbackBaseUrl: 'https://live.example.com',
      secureCookies: true,
      environmentName: 'test',
    },
    ...rest,
  });
  return {
    ...plane,
    clock,
    launcher,
    registry,
    secrets,
    log,
    endedStreamIds,
    call: (method, path, body, options) => call(plane, method, path, body, options),
  };
}

async function call(
  { api, authorizer }: ControlPlane,
  method: string,
  path: string,
  body?: unknown,
  { token = OPERATOR_TOKEN, headers = {}, rawBody }: CallOptions = {},
): Promise<Answer> {
  const principal = token === null ? undefined : await authorizer.principalOf(token);
  const text = rawBody ?? (body === undefined ? undefined : JSON.stringify(body));
  const [rawPath = '', rawQueryString = ''] = path.split('?', 2);
  const result = await api.handle(
    apiEvent({
      method,
      rawPath,
      rawQueryString,
      headers: {
        ...(text === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
      body: text,
      authorizer: principal && {
        lambda: { principal: principal.name, scopes: principal.scopes.join(' ') },
      },
    }),
  );
  const answer = result.body ?? '';
  return {
    status: result.statusCode ?? 0,
    headers: result.headers ?? {},
    cookies: result.cookies ?? [],
    text: answer,
    body: answer === '' ? undefined : JSON.parse(answer),
  };
}

/** An event as API Gateway makes it (HTTP API, payload format 2.0). */
export function apiEvent(request: {
  method: string;
  rawPath: string;
  rawQueryString?: string;
  headers?: Record<string, string>;
  body?: string | undefined;
  authorizer?: ApiEvent['requestContext']['authorizer'] | undefined;
}): ApiEvent {
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: request.rawPath,
    rawQueryString: request.rawQueryString ?? '',
    headers: request.headers ?? {},
    requestContext: {
      accountId: '123456789012',
      apiId: 'api',
      domainName: 'api.example.com',
      domainPrefix: 'api',
      http: {
        method: request.method,
        path: request.rawPath,
        protocol: 'HTTP/1.1',
        sourceIp: '198.51.100.9',
        userAgent: 'test',
      },
      requestId: 'request-1',
      routeKey: '$default',
      stage: '$default',
      time: '01/Jun/2026:12:00:00 +0000',
      timeEpoch: START_MS,
      ...(request.authorizer ? { authorizer: request.authorizer } : {}),
    },
    ...(request.body === undefined ? {} : { body: request.body }),
    isBase64Encoded: false,
  };
}
