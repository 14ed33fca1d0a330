import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { ROUTE_NAMES, ROUTES, type RouteName } from '../../../domain/control/api.ts';
import { CONTROL_ERROR_STATUS, controlErrors } from '../../../domain/control/errors.ts';
import { SAMPLE_LIMITS } from '../../../domain/control/stream-sample.ts';
import { streamSample } from '../../contract/registry-samples.ts';
import { runnerStatus } from '../../contract/runner-status.ts';
import { type Answer, BACKEND_TOKEN, type CallOptions, type Fixture, fixture } from './fixture.ts';
import { arbitraryOf, type JsonSchema } from './schema-arbitrary.ts';

interface Operation {
  readonly operationId: RouteName;
  readonly parameters: readonly { name: string; in: string; schema: JsonSchema }[];
  readonly requestBody?: { content: { 'application/json': { schema: JsonSchema } } };
  readonly responses: Readonly<
    Record<string, { description: string; content?: Record<string, { schema: JsonSchema }> }>
  >;
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: { readonly Problem: JsonSchema } };
}

async function documentOf(plane: Fixture): Promise<Document> {
  return (await plane.call('GET', '/v1/openapi.json', undefined, { token: null })).body;
}

const parsers = new Map<JsonSchema, z.ZodType>();
function parserOf(schema: JsonSchema): z.ZodType {
  // JsonSchema is the part of the dialect that the generator reads; this reader knows all of it.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const parser = parsers.get(schema) ?? z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
  parsers.set(schema, parser);
  return parser;
}

/** Holds an answer against what the document says of its route. */
function assertDocumented(document: Document, route: RouteName, answer: Answer): void {
  const { path, method } = ROUTES[route];
  const operation = document.paths[path]?.[method.toLowerCase()];
  const response = operation?.responses[answer.status];
  const where = `${method} ${path} answered ${answer.status}: ${answer.text.slice(0, 300)}`;
  if (!response) throw new Error(`${where}, which the document does not know`);
  if (answer.status < 400) {
    const schema = response.content?.['application/json']?.schema;
    if (schema) parserOf(schema).parse(answer.body);
    else if (answer.text !== '') throw new Error(`${where}, with a body that the document does not know`);
    return;
  }
  parserOf(document.components.schemas.Problem).parse(answer.body);
  if (!response.description.split(', ').includes(answer.body.code))
    throw new Error(`${where}, which the document lists as ${response.description}`);
  if (answer.headers['content-type'] !== 'application/problem+json') throw new Error(`${where}: media type`);
}

describe('the OpenAPI document', () => {
  it('describes every route, and every route answers as described', async () => {
    const plane = await fixture();
    const document = await documentOf(plane);
    const called: RouteName[] = [];
    const call = async (route: RouteName, path: string, body?: unknown, options?: CallOptions) => {
      const answer = await plane.call(ROUTES[route].method, path, body, options);
      expect(answer).toMatchObject({ status: ROUTES[route].successStatus });
      assertDocumented(document, route, answer);
      called.push(route);
      return answer.body;
    };
    const anybody = { token: null };
    await call('createStream', '/v1/streams', { id: 'a', name: 'A', ingest: { protocol: 'srt-listener' } });
    await call('startStream', '/v1/streams/a/start');
    const source = { video: { codec: 'hevc', widthPx: 1920, heightPx: 1080, decoder: 'cpu' as const } };
    await plane.registry.putStatus(runnerStatus('a', { state: 'live', source }), 60_000);
    await call('showStream', '/v1/streams/a');
    await call('listStreams', '/v1/streams?limit=1');
    const listed = await call('listStreams', '/v1/streams?include=runner');
    expect(listed.streams[0].runner).toMatchObject({ state: 'live' });
    await plane.registry.appendSample('a', streamSample(plane.clock.ms), SAMPLE_LIMITS);
    await call('showMetrics', '/v1/streams/a/metrics');
    await call('showTarget', '/v1/streams/a/target');
    await call('previewStream', '/v1/streams/a/preview');
    await call('showCapacity', '/v1/capacity');
    await call('listStreams', '/v1/streams', undefined, anybody);
    const { ticket } = await call(
      'issueTicket',
      '/v1/viewer-tickets',
      { viewerId: 'ann', streams: ['a'] },
      { token: BACKEND_TOKEN },
    );
    const session = await call('openSession', '/v1/viewer-sessions', { ticket, streams: ['a'] }, anybody);
    const own = { token: session.sessionToken };
    const path = `/v1/viewer-sessions/${session.sessionId}`;
    await call('createStream', '/v1/streams', {
      id: 'b',
      name: 'B',
      access: 'open',
      ingest: { protocol: 'rtp-mpegts' },
    });
    await call('renewSession', `${path}/renew`, undefined, own);
    const swapped = await plane.call('PATCH', path, { add: ['b'] }, own);
    assertDocumented(document, 'swapStreams', swapped);
    await call('swapStreams', path, { add: ['a'], remove: ['a'] }, own);
    await call('countViewers', '/v1/viewers');
    await call('closeSession', path, undefined, own);
    await call('stopStream', '/v1/streams/a/stop');
    await call('deleteStream', '/v1/streams/a');
    await call('openApi', '/v1/openapi.json', undefined, anybody);
    expect(new Set(called)).toEqual(new Set(ROUTE_NAMES));
    expect(Object.values(document.paths).flatMap((methods) => Object.values(methods))).toHaveLength(
      ROUTE_NAMES.length,
    );
  });

  it('lists every error of the API with one status, and the table of statuses is complete', () => {
    expect(Object.keys(CONTROL_ERROR_STATUS).sort()).toEqual(Object.keys(controlErrors.definitions).sort());
  });
});

describe('whatever is sent, built from the document or not,', () => {
  it('is answered as documented, never with 500, and puts nothing into headers or logs', {
    timeout: 60_000,
  }, async () => {
    const plane = await fixture();
    const document = await documentOf(plane);
    await plane.call('POST', '/v1/streams', { id: 'a', name: 'A', ingest: { protocol: 'srt-listener' } });
    const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
    const request = fc.oneof(
      ...operations.map((operation) =>
        fc.record({
          operation: fc.constant(operation),
          params: fc.record(
            Object.fromEntries(
              operation.parameters
                .filter((parameter) => parameter.in === 'path')
                .map((parameter) => [
                  parameter.name,
                  fc.oneof(fc.constant('a'), arbitraryOf(parameter.schema, 20).map(String)),
                ]),
            ),
          ),
          query: fc.constantFrom('', '', '', 'limit=1', 'limit=0', 'limit=1&limit=2', 'cursor=%ff', 'a[b]=c'),
          body: operation.requestBody
            ? arbitraryOf(operation.requestBody.content['application/json'].schema, 8)
            : fc.option(fc.jsonValue({ maxDepth: 1 }), { nil: undefined, freq: 8 }),
          key: fc.option(fc.string({ unit: 'binary', maxLength: 300 }), { nil: undefined }),
          token: fc.constantFrom(undefined, BACKEND_TOKEN, null, 'forged'),
        }),
      ),
    );
    await fc.assert(
      fc.asyncProperty(request, async ({ operation, params, query, body, key, token }) => {
        const { method, path } = ROUTES[operation.operationId];
        let filled: string = path;
        for (const [name, value] of Object.entries(params))
          filled = filled.replace(`{${name}}`, encodeURIComponent(value.replaceAll(/\p{Cs}/gu, '')) || 'a');
        const answer = await plane.call(method, query === '' ? filled : `${filled}?${query}`, body, {
          ...(token === undefined ? {} : { token }),
          ...(key === undefined ? {} : { headers: { 'idempotency-key': key } }),
        });
        if (answer.status === 500) throw new Error(answer.text);
        // An empty parameter makes another path, and that one may be no route.
        if (answer.body?.code !== 'CONTROL_ROUTE_NOT_FOUND')
          assertDocumented(document, operation.operationId, answer);
        const headers = [...Object.values(answer.headers).map(String), ...answer.cookies];
        for (const value of headers) expect(value).toMatch(/^[\x20-\x7e]*$/);
      }),
      { numRuns: 400 },
    );
    // One line of log is one line, whatever it was made of.
    for (const line of plane.log.lines) expect(line).not.toMatch(/[\r\n]/);
    expect(plane.log.lines.join('')).not.toContain('polluted');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('arbitrary bytes as a body are refused as what they are', async () => {
    const plane = await fixture();
    const send = (rawBody: string, headers: Record<string, string> = {}) =>
      plane.call('POST', '/v1/streams', undefined, { rawBody, headers });
    const json = { 'content-type': 'application/json' };
    expect((await send('{"name":', json)).body.code).toBe('CONTROL_MALFORMED_JSON');
    expect((await send('', json)).body.code).toBe('CONTROL_MALFORMED_JSON');
    expect((await send('[]', json)).body.code).toBe('CONTROL_INVALID_REQUEST');
    expect((await send('{}', { 'content-type': 'text/plain' })).body.code).toBe(
      'CONTROL_UNSUPPORTED_MEDIA_TYPE',
    );
    expect((await send(`{"name":"${'x'.repeat(65_536)}"}`, json)).body.code).toBe('CONTROL_BODY_TOO_LARGE');
    expect(
      (await send('{"__proto__":{"admin":true},"name":"A","ingest":{"protocol":"rtp-mpegts"}}', json)).status,
    ).toBe(400);
    const secretInBrokenJson = await send('{"passphrase":"planted-secret-in-bad-json"', json);
    expect(secretInBrokenJson.text + plane.log.lines.join('')).not.toContain('planted-secret');
  });
});

describe('requests', () => {
  it.each([
    ['an unknown field', { surprise: 1 }, '/surprise', 'no such field'],
    [
      'an unknown field of the ingest',
      { ingest: { protocol: 'srt-listener', passphrase: 'x'.repeat(12) } },
      '/ingest/passphrase',
      'no such field',
    ],
    [
      'a passphrase of nine',
      { ingest: { protocol: 'srt-caller', host: 'a.example', port: 1, passphrase: 'x'.repeat(9) } },
      '/ingest/passphrase',
      '10 to 79',
    ],
    ['an unknown protocol', { ingest: { protocol: 'rtmp' } }, '/ingest/protocol', 'rtp-mpegts or rtp-sdp'],
    [
      'a latency as text',
      { ingest: { protocol: 'srt-listener', latencyMs: '120' } },
      '/ingest/latencyMs',
      'a number',
    ],
    [
      'a latency of 19 ms',
      { ingest: { protocol: 'srt-listener', latencyMs: 19 } },
      '/ingest/latencyMs',
      'at least 20',
    ],
    ['a frame rate of 25', { frameRate: 25 }, '/frameRate', '30, 50 or 60'],
    ['a name of two lines', { name: 'a\nb' }, '/name', 'one line'],
    ['a name that turns the text around', { name: 'a\u202eb' }, '/name', 'one line'],
    ['a name of 101 characters', { name: 'x'.repeat(101) }, '/name', 'at most 100 characters'],
    ['no name', { name: undefined }, '/name', 'is missing'],
    ['text where yes or no is asked', { record: 'yes' }, '/record', 'true or false'],
    [
      'an empty list of sources',
      { ingest: { protocol: 'rtp-mpegts', allowedSources: [] } },
      '/ingest/allowedSources',
      'at least 1 entry',
    ],
    ['an id with capitals', { id: 'Goal' }, '/id', ''],
    [
      'a host name as source',
      { ingest: { protocol: 'rtp-mpegts', allowedSources: ['a.example'] } },
      '/ingest/allowedSources/0',
      'address',
    ],
    ['an SDP with a NUL', { ingest: { protocol: 'rtp-sdp', sdp: 'v=0\u0000' } }, '/ingest/sdp', ''],
  ])('with %s are refused, and told where', async (_name, change, pointer, words) => {
    const plane = await fixture();
    const body = { name: 'Goal', ingest: { protocol: 'srt-listener' }, ...change };
    const answer = await plane.call('POST', '/v1/streams', body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'CONTROL_INVALID_REQUEST' } });
    expect(answer.body.errors).toHaveLength(1);
    expect(answer.body.errors[0]).toEqual({ pointer, detail: expect.stringContaining(words) });
  });

  it('of the wrong scope, without a token, and to no route are told so', async () => {
    const plane = await fixture();
    const code = async (...args: Parameters<Fixture['call']>) => (await plane.call(...args)).body.code;
    const body = { viewerId: 'ann', streams: '*' };
    expect(await code('POST', '/v1/viewer-tickets', body)).toBe('CONTROL_FORBIDDEN');
    expect(await code('POST', '/v1/viewer-tickets', body, { token: null })).toBe('CONTROL_UNAUTHENTICATED');
    expect(await code('GET', '/v1/streams', undefined, { token: BACKEND_TOKEN })).toBe('CONTROL_FORBIDDEN');
    expect(await code('GET', '/v1/nothing')).toBe('CONTROL_ROUTE_NOT_FOUND');
    const put = await plane.call('PUT', '/v1/streams');
    expect(put).toMatchObject({ status: 405, headers: { allow: 'POST, GET' } });
  });

  it('with an Idempotency-Key are carried out once, and answered alike', async () => {
    const plane = await fixture();
    const headers = { 'idempotency-key': 'key-1' };
    const body = { name: 'Goal', ingest: { protocol: 'srt-listener' } };
    const answers = await Promise.all([
      plane.call('POST', '/v1/streams', body, { headers }),
      plane.call('POST', '/v1/streams', body, { headers }),
    ]);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201, 409]));
    const again = await plane.call('POST', '/v1/streams', body, { headers });
    expect(again.body).toEqual(answers.find(({ status }) => status === 201)?.body);
    expect((await plane.call('GET', '/v1/streams')).body.streams).toHaveLength(1);
    const other = await plane.call('POST', '/v1/streams', { ...body, name: 'Other' }, { headers });
    expect(other.body.code).toBe('CONTROL_IDEMPOTENCY_KEY_REUSED');
    plane.clock.ms += 600_000;
    expect((await plane.call('POST', '/v1/streams', body, { headers })).body.id).not.toBe(again.body.id);
  });

  it('that failed may be tried again with the same key', async () => {
    const plane = await fixture();
    const options = { headers: { 'idempotency-key': 'key-1' }, token: null };
    const { ticket } = await plane.viewers.issueTicket({ viewerId: 'ann', streams: '*', ttlS: 60 });
    const body = { ticket, streams: ['a'] };
    expect((await plane.call('POST', '/v1/viewer-sessions', body, options)).status).toBe(422);
    await plane.call('POST', '/v1/streams', { id: 'a', name: 'A', ingest: { protocol: 'srt-listener' } });
    const opened = await plane.call('POST', '/v1/viewer-sessions', body, options);
    expect(opened.status).toBe(201);
    expect((await plane.call('POST', '/v1/viewer-sessions', body, options)).body).toEqual(opened.body);
  });

  it('whose answers are kept keep them sealed: who reads the registry learns no token', async () => {
    const kept: string[] = [];
    const plane = await fixture();
    const finish = plane.registry.finishRequest.bind(plane.registry);
    plane.registry.finishRequest = async (...args) => {
      kept.push(JSON.stringify(args));
      return finish(...args);
    };
    const headers = { 'idempotency-key': 'a-random-key' };
    const body = { viewerId: 'ann', streams: '*' };
    const issued = await plane.call('POST', '/v1/viewer-tickets', body, { headers, token: BACKEND_TOKEN });
    expect(kept).toHaveLength(1);
    for (const secret of [issued.body.ticket, issued.body.ticket.split('.')[1], 'a-random-key'])
      expect(kept[0]).not.toContain(secret);
    const again = await plane.call('POST', '/v1/viewer-tickets', body, { headers, token: BACKEND_TOKEN });
    expect(again.body).toEqual(issued.body);
  });
});
