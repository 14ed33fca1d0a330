/**
 * From an API Gateway event (HTTP API, payload format 2.0) to a call of a service and back. All checks that
 * every route shares are here: route, scope, size, media type, schema, Idempotency-Key, errors.
 */
import { createHash } from 'node:crypto';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import * as z from 'zod';
import { ROUTE_NAMES, ROUTES, type RouteContract, type RouteName } from '../../domain/control/api.ts';
import { controlErrors } from '../../domain/control/errors.ts';
import { CONTROL_LIMITS } from '../../domain/control/limits.ts';
import type { IdempotencyRegistry } from '../../domain/control/registry.ts';
import { SCOPES, type Scope } from '../../domain/control/scopes.ts';
import { MirrorError, messageOf } from '../../domain/errors.ts';
import type { Log } from '../../domain/log.ts';
import type { Clock } from '../../domain/timeline.ts';
import { bearerToken, type Principal } from '../authorizer/service.ts';
import type { PlaybackCookie } from '../viewers/service.ts';
import { wordsOf } from './field-words.ts';
import { controlErrorName, fieldErrors, InvalidRequestError, problemOf, RETRY_AFTER_S } from './problem.ts';
import { opened, sealed, sealingKey } from './sealed.ts';

/** What the Lambda authorizer leaves in the event; values are text, as API Gateway hands them on. */
export interface AuthorizerContext {
  readonly principal?: string;
  readonly scopes?: string;
}

export type ApiEvent = APIGatewayProxyEventV2 & {
  readonly requestContext: { readonly authorizer?: { readonly lambda?: AuthorizerContext | null } };
};

export interface ApiAnswer {
  readonly body?: unknown;
  readonly cookies?: readonly PlaybackCookie[];
}

type Output<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;
type Field<Route, Key extends string> = Route extends { readonly [K in Key]: infer Schema }
  ? Output<Schema>
  : undefined;

export interface ApiRequest<Name extends RouteName = RouteName> {
  readonly params: Field<(typeof ROUTES)[Name], 'params'>;
  readonly query: Field<(typeof ROUTES)[Name], 'query'>;
  readonly body: Field<(typeof ROUTES)[Name], 'body'>;
  /** Of routes whose token is the session's own. */
  readonly sessionToken: string | undefined;
  /** Absent on routes that need no scope, and for anonymous callers where those are let in. */
  readonly principal: Principal | undefined;
}

export type ApiHandlers = {
  readonly [Name in RouteName]?: (request: ApiRequest<Name>) => Promise<ApiAnswer>;
};

export interface ControlApiDependencies {
  readonly handlers: ApiHandlers;
  /** Absent where no route keeps answers. */
  readonly idempotency?: IdempotencyRegistry;
  readonly clock: Clock;
  readonly log: Log;
  /** Attributes of every cookie: `Secure; SameSite=None` behind TLS, `SameSite=Lax` on plain HTTP. */
  readonly cookieAttributes: string;
  /** Told of every answer, for metrics. */
  readonly onAnswer?: (answer: AnswerObservation) => void;
}

export interface AnswerObservation {
  /** `unknown` for paths that are no route. */
  readonly route: RouteName | 'unknown';
  readonly status: number;
  /** Of a problem. */
  readonly code?: string;
  readonly durationMs: number;
}

interface CompiledRoute {
  readonly name: RouteName;
  readonly contract: RouteContract;
  readonly pattern: RegExp;
}

const COMPILED_ROUTES: readonly CompiledRoute[] = ROUTE_NAMES.map((name) => ({
  name,
  contract: ROUTES[name],
  pattern: new RegExp(
    `^${ROUTES[name].path.replaceAll('.', '\\.').replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`,
  ),
}));

/** What is kept under an Idempotency-Key: a result of `#result`, as JSON. */
const keptResultSchema = z.object({
  statusCode: z.int(),
  headers: z.record(z.string(), z.string()),
  cookies: z.array(z.string()).default([]),
  body: z.string(),
});

export class ControlApi {
  readonly #dependencies: ControlApiDependencies;

  constructor(dependencies: ControlApiDependencies) {
    this.#dependencies = dependencies;
  }

  /** Never rejects: whatever goes wrong becomes a problem document. */
  async handle(event: ApiEvent): Promise<APIGatewayProxyStructuredResultV2> {
    const { clock, onAnswer } = this.#dependencies;
    const startedAtMs = clock.nowMs();
    let result: APIGatewayProxyStructuredResultV2;
    let code: string | undefined;
    try {
      result = await this.#answer(event);
    } catch (error) {
      ({ result, code } = this.#problem(error, event));
    }
    onAnswer?.({
      route: routeNameOf(event),
      status: result.statusCode ?? 0,
      ...(code === undefined ? {} : { code }),
      durationMs: clock.nowMs() - startedAtMs,
    });
    return result;
  }

  async #answer(event: ApiEvent): Promise<APIGatewayProxyStructuredResultV2> {
    const { method } = event.requestContext.http;
    const { route, params: rawParams } = this.#route(method, event.rawPath);
    const principal = authorized(route.contract, event);
    const request = {
      params: route.contract.params && parsedParams(route.contract.params, rawParams),
      query: parsedQuery(route.contract.query, event.rawQueryString),
      body: parsedBody(route.contract, event),
      sessionToken: route.contract.auth === 'session' ? bearerToken(event.headers.authorization) : undefined,
      principal,
    };
    const call = async () => {
      // The route's own schemas made the request, which the compiler cannot follow through the table.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      const handler = this.#dependencies.handlers[route.name] as
        | ((request: unknown) => Promise<ApiAnswer>)
        | undefined;
      if (!handler) throw controlErrors.create('ROUTE_NOT_FOUND');
      return this.#result(route.contract, await handler(request));
    };
    const key = event.headers['idempotency-key'];
    const { idempotency } = this.#dependencies;
    return route.contract.keepsAnswers && key !== undefined && idempotency
      ? this.#once({ key, route, event, principal, idempotency }, call)
      : call();
  }

  #route(method: string, path: string): { route: CompiledRoute; params: Record<string, string> } {
    const matches = COMPILED_ROUTES.filter(
      ({ name, pattern }) => pattern.test(path) && this.#dependencies.handlers[name],
    );
    if (matches.length === 0) throw controlErrors.create('ROUTE_NOT_FOUND');
    const route = matches.find(({ contract }) => contract.method === method);
    if (!route) throw new MethodNotAllowed(matches.map(({ contract }) => contract.method));
    return { route, params: { ...route.pattern.exec(path)?.groups } };
  }

  #result(contract: RouteContract, { body, cookies = [] }: ApiAnswer): APIGatewayProxyStructuredResultV2 {
    return {
      statusCode: contract.successStatus,
      headers: {
        'cache-control': 'no-store',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(cookies.length === 0 ? {} : { cookies: cookies.map((cookie) => this.#cookieText(cookie)) }),
      body: body === undefined ? '' : JSON.stringify(body),
    };
  }

  #cookieText({ name, value, path, maxAgeS }: PlaybackCookie): string {
    return `${name}=${value}; Path=${path}; Max-Age=${maxAgeS}; HttpOnly; ${this.#dependencies.cookieAttributes}`;
  }

  /** Answers a repeated request with the answer of the first (draft-ietf-httpapi-idempotency-key-header). */
  async #once(
    {
      key,
      route,
      event,
      principal,
      idempotency,
    }: {
      key: string;
      route: CompiledRoute;
      event: ApiEvent;
      principal: Principal | undefined;
      idempotency: IdempotencyRegistry;
    },
    call: () => Promise<APIGatewayProxyStructuredResultV2>,
  ): Promise<APIGatewayProxyStructuredResultV2> {
    const { clock } = this.#dependencies;
    if (!/^[\x21-\x7e]+$/.test(key) || key.length > CONTROL_LIMITS.idempotencyKeyCharCountMax)
      throw new InvalidRequestError([
        {
          pointer: 'Idempotency-Key',
          detail: `must be 1 to ${CONTROL_LIMITS.idempotencyKeyCharCountMax} printable ASCII characters`,
        },
      ]);
    // Two clients that choose the same key do not meet.
    const scopedKey = sha256(JSON.stringify([principal?.name ?? '', route.name, key]));
    const requestHash = sha256(bodyBytes(event));
    const seal = sealingKey([key, bodyBytes(event)]);
    const { idempotencyLockMs, idempotencyTtlMs } = CONTROL_LIMITS;
    const outcome = await idempotency.beginRequest(scopedKey, requestHash, clock.nowMs(), idempotencyLockMs);
    if (outcome.kind === 'mismatch') throw controlErrors.create('IDEMPOTENCY_KEY_REUSED');
    if (outcome.kind === 'in-progress') throw controlErrors.create('IDEMPOTENCY_IN_PROGRESS');
    if (outcome.kind === 'done') return keptResultSchema.parse(JSON.parse(opened(outcome.answer, seal)));
    try {
      const result = await call();
      const answer = sealed(JSON.stringify(result), seal);
      await idempotency.finishRequest(scopedKey, requestHash, answer, clock.nowMs(), idempotencyTtlMs);
      return result;
    } catch (error) {
      // Only successes are kept: a refusal costs nothing to repeat, and its cause may be gone by then.
      await idempotency.abandonRequest(scopedKey, requestHash);
      throw error;
    }
  }

  #problem(error: unknown, event: ApiEvent): { result: APIGatewayProxyStructuredResultV2; code: string } {
    const { log } = this.#dependencies;
    const { requestId } = event.requestContext;
    const { status, body } = problemOf(
      error instanceof MethodNotAllowed ? controlErrors.create('METHOD_NOT_ALLOWED') : error,
      requestId,
    );
    const fields = { requestId, method: event.requestContext.http.method, code: body.code, status };
    const expected = error instanceof MirrorError && controlErrorName(error) !== undefined;
    if (status >= 500 && !expected) log.error('request-failed', { ...fields, error: messageOf(error) });
    else log.info('request-refused', fields);
    const result = {
      statusCode: status,
      headers: {
        'content-type': 'application/problem+json',
        'cache-control': 'no-store',
        ...(body.retryable ? { 'retry-after': String(RETRY_AFTER_S) } : {}),
        ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
        ...(error instanceof MethodNotAllowed ? { allow: error.methods.join(', ') } : {}),
      },
      body: JSON.stringify(body),
    };
    return { result, code: body.code };
  }
}

function routeNameOf(event: ApiEvent): RouteName | 'unknown' {
  const { method } = event.requestContext.http;
  const route = COMPILED_ROUTES.find(
    ({ contract, pattern }) => contract.method === method && pattern.test(event.rawPath),
  );
  return route?.name ?? 'unknown';
}

class MethodNotAllowed extends Error {
  readonly methods: readonly string[];

  constructor(methods: readonly string[]) {
    super('method not allowed');
    this.methods = methods;
  }
}

function authorized({ auth, anonymous }: RouteContract, event: ApiEvent): Principal | undefined {
  if (auth === 'none' || auth === 'session') return undefined;
  const context = event.requestContext.authorizer?.lambda;
  if (!context?.principal) {
    if (anonymous && event.headers.authorization === undefined) return undefined;
    throw controlErrors.create('UNAUTHENTICATED');
  }
  const granted = (context.scopes ?? '').split(' ');
  const scopes: Scope[] = SCOPES.filter((scope) => granted.includes(scope));
  if (!scopes.includes(auth)) throw controlErrors.create('FORBIDDEN', `The scope is "${auth}".`);
  return { name: context.principal, scopes };
}

function parsedParams(schema: z.ZodType, raw: Record<string, string>): unknown {
  const decoded: Record<string, string> = {};
  for (const [name, value] of Object.entries(raw)) {
    try {
      decoded[name] = decodeURIComponent(value);
    } catch {
      throw new InvalidRequestError([{ pointer: name, detail: 'is not valid percent-encoding' }]);
    }
  }
  return parsed(schema, decoded, '');
}

function parsedQuery(schema: z.ZodType | undefined, rawQueryString: string): unknown {
  const query: Record<string, string> = Object.create(null);
  for (const [name, value] of new URLSearchParams(rawQueryString)) {
    if (name in query || !schema)
      throw new InvalidRequestError([
        {
          pointer: name.slice(0, 64),
          detail: schema ? 'is given twice' : 'is not a parameter of this route',
        },
      ]);
    query[name] = value;
  }
  return schema && parsed(schema, { ...query }, '');
}

function parsedBody(contract: RouteContract, event: ApiEvent): unknown {
  const bytes = bodyBytes(event);
  if (bytes.length > CONTROL_LIMITS.bodyByteCountMax) throw controlErrors.create('BODY_TOO_LARGE');
  if (bytes.length === 0 && (!contract.body || contract.bodyOptional))
    return contract.body && parsed(contract.body, {}, '');
  const mediaType = event.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (mediaType !== 'application/json') throw controlErrors.create('UNSUPPORTED_MEDIA_TYPE');
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    // Without the cause: a parser's message quotes the body, and bodies hold passphrases.
    throw controlErrors.create('MALFORMED_JSON');
  }
  if (contract.body) return parsed(contract.body, value, '');
  if (typeof value === 'object' && value !== null && Object.keys(value).length === 0) return undefined;
  throw new InvalidRequestError([{ pointer: '', detail: 'this route takes no body' }]);
}

function parsed(schema: z.ZodType, value: unknown, prefix: string): unknown {
  const result = schema.safeParse(value, { error: wordsOf });
  if (!result.success) throw new InvalidRequestError(fieldErrors(result.error, prefix));
  return result.data;
}

function bodyBytes({ body, isBase64Encoded }: ApiEvent): Buffer {
  return Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8');
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}
