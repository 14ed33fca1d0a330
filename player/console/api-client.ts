/** Calls the control API with the operator's token, and turns what goes wrong into words. */
import type {
  CreateStreamRequest,
  ListedStream,
  StartedStream,
  StreamDetail,
} from '../../domain/control/api.ts';
import type { CapacityView, PreviewView, StreamMetricsView } from '../../domain/control/operations-api.ts';

/** A field of the request that the API refuses, by its JSON pointer. */
export interface FieldProblem {
  readonly pointer: string;
  readonly detail: string;
}

/** What a refused or failed call comes to; its message is for the operator. */
export class CallError extends Error {
  /** 0 when the server could not be reached. */
  readonly status: number;
  readonly fields: readonly FieldProblem[];

  constructor(message: string, status: number, fields: readonly FieldProblem[] = []) {
    super(message);
    this.name = 'CallError';
    this.status = status;
    this.fields = fields;
  }
}

export type IngestTarget = NonNullable<StartedStream['target']>;
export interface IssuedTicket {
  readonly ticket: string;
  readonly expiresAt: string;
}

export interface ApiClientOptions {
  readonly token: string;
  readonly fetch: (path: string, init: RequestInit) => Promise<Response>;
  readonly randomBytes: (count: number) => Uint8Array;
}

/** API Gateway waits 30 s at most, and a start on AWS takes a good part of that. */
const TIMEOUT_MS = 35_000;
/** The API's largest page. */
const PAGE_SIZE = 100;
/** As many streams as are kept at all: 500. */
const PAGE_COUNT_MAX = 5;

export class ApiClient {
  readonly #options: ApiClientOptions;

  constructor(options: ApiClientOptions) {
    this.#options = options;
  }

  /** All streams with the newest reports of their runners. */
  async listStreams(): Promise<ListedStream[]> {
    const streams: ListedStream[] = [];
    let cursor: string | undefined;
    for (let pageIndex = 0; pageIndex < PAGE_COUNT_MAX; pageIndex++) {
      const query = new URLSearchParams({ limit: String(PAGE_SIZE), include: 'runner' });
      if (cursor !== undefined) query.set('cursor', cursor);
      const page = await this.#call<{ streams: ListedStream[]; nextCursor?: string }>(
        'GET',
        `/v1/streams?${query.toString()}`,
      );
      streams.push(...page.streams);
      cursor = page.nextCursor;
      if (cursor === undefined) break;
    }
    return streams;
  }

  showStream(id: string): Promise<StreamDetail> {
    return this.#call('GET', streamPath(id));
  }

  /** @param body as the form made it; the API checks it. */
  createStream(body: Partial<CreateStreamRequest>): Promise<StreamDetail> {
    const key = [...this.#options.randomBytes(16)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    return this.#call('POST', '/v1/streams', body, { 'idempotency-key': key });
  }

  startStream(id: string): Promise<StartedStream> {
    return this.#call('POST', `${streamPath(id)}/start`);
  }

  stopStream(id: string): Promise<StreamDetail> {
    return this.#call('POST', `${streamPath(id)}/stop`);
  }

  async deleteStream(id: string): Promise<void> {
    await this.#call('DELETE', streamPath(id));
  }

  async showTarget(id: string): Promise<IngestTarget | undefined> {
    const { target } = await this.#call<{ target?: IngestTarget }>('GET', `${streamPath(id)}/target`);
    return target;
  }

  showMetrics(id: string): Promise<StreamMetricsView> {
    return this.#call('GET', `${streamPath(id)}/metrics`);
  }

  preview(id: string): Promise<PreviewView> {
    return this.#call('GET', `${streamPath(id)}/preview`);
  }

  showCapacity(): Promise<CapacityView> {
    return this.#call('GET', '/v1/capacity');
  }

  issueTicket(viewerId: string, streamIds: readonly string[], ttlS: number): Promise<IssuedTicket> {
    return this.#call('POST', '/v1/viewer-tickets', { viewerId, streams: streamIds, ttlS });
  }

  /** The answers have the types that the API's own schemas give them; both are built together. */
  async #call<Answer>(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    let response: Response;
    let text: string;
    try {
      response = await this.#options.fetch(path, {
        method,
        headers: {
          authorization: `Bearer ${this.#options.token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        cache: 'no-store',
        credentials: 'omit',
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      text = await response.text();
    } catch {
      throw new CallError('The server does not answer. Is it running, and is the network there?', 0);
    }
    const json = parsedJson(text);
    if (!response.ok) throw callError(response.status, json);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return json as Answer;
  }
}

function streamPath(id: string): string {
  return `/v1/streams/${encodeURIComponent(id)}`;
}

function parsedJson(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    // A proxy's page: the status says what there is to say.
    return undefined;
  }
}

/** An RFC 9457 problem in words. */
function callError(status: number, json: unknown): CallError {
  const title = textOf(json, 'title');
  if (title === undefined) return new CallError(`The server answered ${status}.`, status);
  const holders = listOf(json, 'holders').flatMap((holder) => textOf(holder, 'streamId') ?? []);
  const words = [
    title,
    textOf(json, 'detail'),
    holders.length > 0 ? `The slots are held by ${holders.join(', ')}.` : undefined,
    textOf(json, 'remedy'),
  ].filter((part) => part !== undefined);
  const fields = listOf(json, 'errors').map((error) => ({
    pointer: textOf(error, 'pointer') ?? '',
    detail: textOf(error, 'detail') ?? '',
  }));
  return new CallError(words.join(' '), status, fields);
}

function textOf(value: unknown, name: string): string | undefined {
  const field: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  return typeof field === 'string' ? field : undefined;
}

function listOf(value: unknown, name: string): readonly unknown[] {
  const field: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  return Array.isArray(field) ? field : [];
}
