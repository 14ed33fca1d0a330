/**
 * The control API as data: each route with what it takes and what it answers. Requests are checked against
 * these schemas, and the OpenAPI document is made from them, so the two cannot differ.
 */
import * as z from 'zod';
import { HARDWARE, STREAM_STATES, streamIdSchema } from '../stream.ts';
import type { ControlErrorName } from './errors.ts';
import { createIngestSchema } from './ingest-request.ts';
import { CONTROL_LIMITS } from './limits.ts';
import { ingestTargetSchema, OPERATIONS_ROUTES, runnerReportSchema } from './operations-api.ts';
import type { Scope } from './scopes.ts';
import { DELIVERY_MODES, viewerIdSchema } from './session.ts';
import { ACCESS } from './stream-record.ts';
import { plainText } from './text.ts';

const instantSchema = z.iso.datetime().describe('RFC 3339, UTC');

export const createStreamSchema = z.strictObject({
  id: streamIdSchema.optional().describe('Chosen by the caller; left out, one is made.'),
  name: plainText(CONTROL_LIMITS.nameCharCountMax),
  ingest: createIngestSchema,
  access: z.enum(ACCESS).default('premium'),
  frameRate: z.union([z.literal(30), z.literal(50), z.literal(60)]).default(30),
  hardware: z.enum(HARDWARE).default('auto'),
  record: z.boolean().default(false),
  signalLoss: z.enum(['last-picture', 'slate']).default('last-picture'),
});
export type CreateStreamRequest = z.output<typeof createStreamSchema>;

const streamSchema = z.object({
  id: streamIdSchema,
  name: z.string(),
  access: z.enum(ACCESS),
  state: z.enum(STREAM_STATES),
  reason: z.string().optional().describe('Why the state is what it is, in words.'),
  since: instantSchema.describe('Since when the state holds.'),
  createdAt: instantSchema,
  frameRate: z.number(),
  hardware: z.enum(HARDWARE),
  record: z.boolean(),
  signalLoss: z.enum(['last-picture', 'slate']),
  ingest: z.looseObject({ protocol: z.string() }).describe('As given at create, without passphrase.'),
  playlistPath: z.string().describe('Of the multivariant playlist; premium streams need a signature on it.'),
  slotIndex: z.int().optional().describe('While it runs.'),
  ingestUrl: z
    .string()
    .optional()
    .describe('Where the encoder sends to while the stream runs; start answers it with the passphrase.'),
});
export type StreamView = z.output<typeof streamSchema>;

const runnerSchema = runnerReportSchema
  .optional()
  .describe("The runner's newest report, while there is one.");
const listedStreamSchema = streamSchema.extend({ runner: runnerSchema });
export type ListedStream = z.output<typeof listedStreamSchema>;

const streamDetailSchema = streamSchema.extend({
  history: z
    .array(
      z.object({
        state: z.enum(STREAM_STATES),
        at: instantSchema,
        reason: z.string().optional(),
        times: z
          .int()
          .optional()
          .describe('Of a state that the stream came back to within a minute, again and again: how often.'),
      }),
    )
    .describe('Oldest first; bounded.'),
  runner: runnerSchema,
});
export type StreamDetail = z.output<typeof streamDetailSchema>;

const startedStreamSchema = streamSchema.extend({
  target: ingestTargetSchema
    .optional()
    .describe('What to enter into the encoder; absent for srt-caller, which fetches its feed.'),
});
export type StartedStream = z.output<typeof startedStreamSchema>;

const cursorSchema = z
  .string()
  .max(200)
  .regex(/^[A-Za-z0-9_-]+$/);

export const listStreamsQuerySchema = z.strictObject({
  limit: z
    .string()
    .regex(/^[1-9]\d{0,2}$/)
    .transform(Number)
    .pipe(z.int().min(1).max(CONTROL_LIMITS.pageSizeMax))
    .optional()
    .describe(`1 to ${CONTROL_LIMITS.pageSizeMax}; ${CONTROL_LIMITS.pageSizeDefault} when left out.`),
  cursor: cursorSchema.optional().describe('`nextCursor` of the page before.'),
  include: z.literal('runner').optional().describe("With each stream's newest report of its runner."),
});

export const issueTicketSchema = z.strictObject({
  viewerId: viewerIdSchema.describe('Names the viewer to the limits; opaque otherwise.'),
  streams: z
    .union([z.literal('*'), z.array(streamIdSchema).min(1).max(CONTROL_LIMITS.ticketStreamCountMax)])
    .describe('Which streams the viewer may watch; "*" for all.'),
  ttlS: z.int().min(5).max(CONTROL_LIMITS.ticketTtlSMax).default(CONTROL_LIMITS.ticketTtlSDefault),
});
export type IssueTicketRequest = z.output<typeof issueTicketSchema>;

const sessionStreamsSchema = z
  .array(streamIdSchema)
  .min(1)
  .max(CONTROL_LIMITS.streamsPerViewer)
  .refine((ids) => new Set(ids).size === ids.length, 'must not name a stream twice');

export const openSessionSchema = z.strictObject({
  ticket: z.string().min(1).max(8_192),
  streams: sessionStreamsSchema.describe('In the order of the panes.'),
  delivery: z.enum(DELIVERY_MODES).default('lowest-latency'),
  cookies: z.boolean().default(false).describe('Also set signed cookies, for players without variables.'),
});
export type OpenSessionRequest = z.output<typeof openSessionSchema>;

const swapListSchema = z
  .array(streamIdSchema)
  .max(CONTROL_LIMITS.streamsPerViewer)
  .refine((ids) => new Set(ids).size === ids.length, 'must not name a stream twice')
  .default([]);
export const swapStreamsSchema = z
  .strictObject({
    add: swapListSchema,
    remove: swapListSchema,
    delivery: z.enum(DELIVERY_MODES).optional().describe('Left out, it stays as it is.'),
    cookies: z.boolean().default(false),
  })
  .refine(
    ({ add, remove, delivery }) => add.length + remove.length > 0 || delivery !== undefined,
    'must add or remove a stream, or change the delivery',
  );
export type SwapStreamsRequest = z.output<typeof swapStreamsSchema>;

export const renewSessionSchema = z.strictObject({ cookies: z.boolean().default(false) });

const playbackSchema = z.object({
  streamId: streamIdSchema,
  name: z.string(),
  playlistUrl: z.string(),
  playlistPath: z.string().describe('The same without scheme and host.'),
  query: z
    .record(z.string(), z.string())
    .describe('The signature alone, for players that compute URLs; empty for open streams.'),
});
export type Playback = z.output<typeof playbackSchema>;

const sessionSchema = z.object({
  sessionId: z.string(),
  viewerId: z.string(),
  delivery: z.enum(DELIVERY_MODES),
  expiresAt: instantSchema.describe('The session is gone unless it is renewed by then.'),
  renewAfterS: z.int(),
  playbackExpiresAt: instantSchema.describe('The signatures end then; every renewal answers fresh ones.'),
  streams: z.array(playbackSchema),
  selectable: z
    .array(z.object({ streamId: streamIdSchema, name: z.string() }))
    .optional()
    .describe('What the ticket allows to swap in. Renewals leave it out.'),
  sessionToken: z
    .string()
    .describe('Bearer token to swap, renew or end this session. Always use the newest: keys are rotated.'),
});
export type SessionView = z.output<typeof sessionSchema>;

const viewerCountsSchema = z.object({
  viewerCount: z.int(),
  viewerCountMax: z.int(),
  sessionCount: z.int(),
  perStream: z.record(z.string(), z.int()).describe('Panes that show each stream.'),
});
export type ViewerCountsView = z.output<typeof viewerCountsSchema>;

export interface RouteContract {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** With parameters in braces, as OpenAPI and API Gateway write them. */
  readonly path: string;
  readonly summary: string;
  /** A scope of a bearer token; `session` for the token of the session itself; `none` for everybody. */
  readonly auth: Scope | 'session' | 'none';
  /** Without any token the route answers what is public anyway, instead of 401. */
  readonly anonymous?: boolean;
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  /** An empty body is taken as {}. */
  readonly bodyOptional?: boolean;
  readonly successStatus: 200 | 201 | 202 | 204;
  readonly answer?: z.ZodType;
  readonly errors: readonly ControlErrorName[];
  /** Answers are kept under the request's Idempotency-Key. The other routes are idempotent by nature. */
  readonly keepsAnswers?: boolean;
}

const streamParams = z.strictObject({ streamId: streamIdSchema });
const sessionParams = z.strictObject({ sessionId: z.string().regex(/^[0-9a-z]{26}$/) });
const SESSION_ERRORS = ['UNAUTHENTICATED', 'SESSION_NOT_FOUND'] as const;
const KEY_ERRORS = ['IDEMPOTENCY_KEY_REUSED', 'IDEMPOTENCY_IN_PROGRESS'] as const;

export const ROUTES = {
  createStream: {
    method: 'POST',
    path: '/v1/streams',
    summary: 'Create a stream. It does not run before it is started.',
    auth: 'operate',
    body: createStreamSchema,
    successStatus: 201,
    answer: streamDetailSchema,
    errors: ['STREAM_EXISTS', 'STREAM_LIMIT', 'ADDRESS_REFUSED', 'INGEST_UNSUPPORTED', ...KEY_ERRORS],
    keepsAnswers: true,
  },
  listStreams: {
    method: 'GET',
    path: '/v1/streams',
    summary: "List the streams by id. Without a token: the open ones, without what is the operator's.",
    auth: 'operate',
    anonymous: true,
    query: listStreamsQuerySchema,
    successStatus: 200,
    answer: z.object({ streams: z.array(listedStreamSchema), nextCursor: cursorSchema.optional() }),
    errors: [],
  },
  showStream: {
    method: 'GET',
    path: '/v1/streams/{streamId}',
    summary: "Show a stream with its history and its runner's report.",
    auth: 'operate',
    params: streamParams,
    successStatus: 200,
    answer: streamDetailSchema,
    errors: ['STREAM_NOT_FOUND'],
  },
  deleteStream: {
    method: 'DELETE',
    path: '/v1/streams/{streamId}',
    summary: 'Delete a stream that does not run.',
    auth: 'operate',
    params: streamParams,
    successStatus: 204,
    errors: ['STREAM_NOT_FOUND', 'STREAM_RUNNING', 'STREAM_BUSY'],
  },
  startStream: {
    method: 'POST',
    path: '/v1/streams/{streamId}/start',
    summary:
      'Start a stream: allot a slot, make a passphrase, launch the runner. Starting twice is one start.',
    auth: 'operate',
    params: streamParams,
    successStatus: 200,
    answer: startedStreamSchema,
    errors: [
      'STREAM_NOT_FOUND',
      'NO_FREE_SLOT',
      'STREAM_BUSY',
      'ADDRESS_REFUSED',
      'INGEST_UNSUPPORTED',
      'LAUNCH_FAILED',
    ],
  },
  stopStream: {
    method: 'POST',
    path: '/v1/streams/{streamId}/stop',
    summary: 'Stop a stream and give back what it holds. Stopping twice is one stop.',
    auth: 'operate',
    params: streamParams,
    successStatus: 200,
    answer: streamDetailSchema,
    errors: ['STREAM_NOT_FOUND', 'STREAM_BUSY', 'UNAVAILABLE'],
  },
  issueTicket: {
    method: 'POST',
    path: '/v1/viewer-tickets',
    summary: "Issue a ticket, for the application's backend to hand to its viewer.",
    auth: 'issue-tickets',
    body: issueTicketSchema,
    successStatus: 201,
    answer: z.object({ ticket: z.string(), expiresAt: instantSchema }),
    errors: [...KEY_ERRORS],
    keepsAnswers: true,
  },
  openSession: {
    method: 'POST',
    path: '/v1/viewer-sessions',
    summary: 'Open a session with a ticket: 1 to 6 streams, answered with signed playback URLs.',
    auth: 'none',
    body: openSessionSchema,
    successStatus: 201,
    answer: sessionSchema,
    errors: [
      'TICKET_INVALID',
      'TICKET_EXPIRED',
      'TICKET_USED',
      'STREAM_NOT_PLAYABLE',
      'VIEWER_STREAM_LIMIT',
      'VIEWER_LIMIT',
      ...KEY_ERRORS,
    ],
    keepsAnswers: true,
  },
  swapStreams: {
    method: 'PATCH',
    path: '/v1/viewer-sessions/{sessionId}',
    summary: 'Swap panes. What is added takes the places of what is removed; the other panes play on.',
    auth: 'session',
    params: sessionParams,
    body: swapStreamsSchema,
    successStatus: 200,
    answer: sessionSchema,
    errors: [...SESSION_ERRORS, 'STREAM_NOT_PLAYABLE', 'VIEWER_STREAM_LIMIT'],
  },
  renewSession: {
    method: 'POST',
    path: '/v1/viewer-sessions/{sessionId}/renew',
    summary: 'Renew the lease and get fresh signatures.',
    auth: 'session',
    params: sessionParams,
    body: renewSessionSchema,
    bodyOptional: true,
    successStatus: 200,
    answer: sessionSchema,
    errors: [...SESSION_ERRORS],
  },
  closeSession: {
    method: 'DELETE',
    path: '/v1/viewer-sessions/{sessionId}',
    summary: 'End the session and free its places.',
    auth: 'session',
    params: sessionParams,
    successStatus: 204,
    errors: [...SESSION_ERRORS],
  },
  countViewers: {
    method: 'GET',
    path: '/v1/viewers',
    summary: 'Count who watches.',
    auth: 'operate',
    successStatus: 200,
    answer: viewerCountsSchema,
    errors: [],
  },
  ...OPERATIONS_ROUTES,
  openApi: {
    method: 'GET',
    path: '/v1/openapi.json',
    summary: 'This API as an OpenAPI 3.1 document.',
    auth: 'none',
    successStatus: 200,
    answer: z.looseObject({ openapi: z.literal('3.1.0') }),
    errors: [],
  },
} as const satisfies Readonly<Record<string, RouteContract>>;

export type RouteName = keyof typeof ROUTES;

// Object.keys forgets the type of the keys.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
export const ROUTE_NAMES = Object.keys(ROUTES) as readonly RouteName[];
