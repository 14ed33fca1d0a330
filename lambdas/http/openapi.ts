/** The OpenAPI 3.1 document, made of the same schemas that check the requests. */
import * as z from 'zod';
import { ROUTES, type RouteContract } from '../../domain/control/api.ts';
import { CONTROL_ERROR_STATUS, type ControlErrorName, controlErrors } from '../../domain/control/errors.ts';
import { CONTROL_LIMITS } from '../../domain/control/limits.ts';

type Json = Record<string, unknown>;

/** What any route may answer, besides its own errors. */
const COMMON_ERRORS: readonly ControlErrorName[] = ['INVALID_REQUEST', 'UNAVAILABLE', 'INTERNAL'];
const BODY_ERRORS: readonly ControlErrorName[] = [
  'MALFORMED_JSON',
  'BODY_TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE',
];

export function openApiDocument(): Json {
  const paths: Record<string, Json> = {};
  for (const [name, contract] of Object.entries<RouteContract>(ROUTES))
    paths[contract.path] = {
      ...paths[contract.path],
      [contract.method.toLowerCase()]: operation(name, contract),
    };
  return {
    openapi: '3.1.0',
    info: {
      title: 'mirror control API',
      version: '1',
      description: 'Streams for operators, tickets for application backends, sessions for viewers.',
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'A token of this environment, with scopes.' },
        session: { type: 'http', scheme: 'bearer', description: '`sessionToken` of the session.' },
      },
      schemas: { Problem: PROBLEM_SCHEMA },
    },
  };
}

const PROBLEM_SCHEMA: Json = {
  type: 'object',
  description: 'RFC 9457. `code` is stable; `title` and `detail` are for people.',
  required: ['type', 'title', 'status', 'instance', 'code', 'remedy', 'retryable'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    instance: { type: 'string' },
    code: { type: 'string', enum: Object.keys(controlErrors.definitions).map((name) => `CONTROL_${name}`) },
    remedy: { type: 'string' },
    retryable: { type: 'boolean' },
    holders: {
      type: 'array',
      description: 'Of CONTROL_NO_FREE_SLOT: who holds the slots.',
      items: {
        type: 'object',
        required: ['slotIndex', 'streamId'],
        properties: { slotIndex: { type: 'integer' }, streamId: { type: 'string' } },
      },
    },
    sessions: {
      type: 'array',
      description: "Of CONTROL_VIEWER_STREAM_LIMIT: the viewer's other sessions, which hold the places.",
      items: {
        type: 'object',
        required: ['sessionId', 'openedAt', 'expiresAt', 'streams'],
        properties: {
          sessionId: { type: 'string' },
          openedAt: { type: 'string', format: 'date-time' },
          expiresAt: { type: 'string', format: 'date-time' },
          streams: {
            type: 'array',
            items: {
              type: 'object',
              required: ['streamId', 'name'],
              properties: { streamId: { type: 'string' }, name: { type: 'string' } },
            },
          },
        },
      },
    },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['pointer', 'detail'],
        properties: { pointer: { type: 'string' }, detail: { type: 'string' } },
      },
    },
  },
};

function operation(name: string, contract: RouteContract): Json {
  return {
    operationId: name,
    summary: contract.summary,
    ...(contract.auth === 'none' ? { security: [] } : { security: security(contract) }),
    parameters: [
      ...parameters(contract.params, 'path'),
      ...parameters(contract.query, 'query'),
      ...(contract.keepsAnswers ? [IDEMPOTENCY_KEY] : []),
    ],
    ...(contract.body
      ? {
          requestBody: {
            required: !contract.bodyOptional,
            content: { 'application/json': { schema: schemaOf(contract.body, 'input') } },
          },
        }
      : {}),
    responses: {
      [contract.successStatus]: {
        description: 'Done.',
        ...(contract.answer
          ? { content: { 'application/json': { schema: schemaOf(contract.answer, 'output') } } }
          : {}),
      },
      ...problemResponses(contract),
    },
  };
}

function security({ auth, anonymous }: RouteContract): Json[] {
  const required = auth === 'session' ? { session: [] } : { bearer: [auth] };
  return anonymous ? [{}, required] : [required];
}

const IDEMPOTENCY_KEY: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: `A repeated request with the same key within ${CONTROL_LIMITS.idempotencyTtlMs / 60_000} minutes gets the first one's answer.`,
  schema: { type: 'string', minLength: 1, maxLength: CONTROL_LIMITS.idempotencyKeyCharCountMax },
};

function parameters(schema: z.ZodType | undefined, place: 'path' | 'query'): Json[] {
  if (!schema) return [];
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: property,
  }));
}

/** Errors of one status share a response, which lists their codes. */
function problemResponses(contract: RouteContract): Json {
  const names = [
    ...COMMON_ERRORS,
    ...(contract.body ? BODY_ERRORS : []),
    ...(contract.auth === 'none' ? [] : (['UNAUTHENTICATED'] as const)),
    ...(contract.auth === 'none' || contract.auth === 'session' ? [] : (['FORBIDDEN'] as const)),
    ...contract.errors,
  ];
  const byStatus = new Map<number, Set<string>>();
  for (const name of names) {
    const status = CONTROL_ERROR_STATUS[name];
    byStatus.set(status, (byStatus.get(status) ?? new Set()).add(`CONTROL_${name}`));
  }
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      String(status),
      {
        description: [...codes].join(', '),
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    ]),
  );
}

/** JSON Schema 2020-12, the dialect of OpenAPI 3.1. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, target: 'draft-2020-12' });
  return rest;
}
