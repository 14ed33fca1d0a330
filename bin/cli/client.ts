/** Calls the control API, and turns what goes wrong into words and exit codes. */
import * as z from 'zod';
import { EXIT } from './usage.ts';

const problemSchema = z.object({
  title: z.string(),
  detail: z.string().optional(),
  code: z.string(),
  remedy: z.string().optional(),
  instance: z.string().optional(),
  errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
  holders: z.array(z.object({ slotIndex: z.int(), streamId: z.string() })).optional(),
});
export type Problem = z.output<typeof problemSchema>;

/** What a refused or failed call comes to. */
export class ApiError extends Error {
  readonly exitCode: number;
  readonly problem: Problem | undefined;

  constructor(message: string, exitCode: number, problem?: Problem) {
    super(message);
    this.exitCode = exitCode;
    this.problem = problem;
  }
}

/** API Gateway waits 30 s at most. */
const TIMEOUT_MS = 35_000;

export interface ApiClientOptions {
  readonly url: string;
  readonly token: string | undefined;
}

export class ApiClient {
  readonly url: string;
  readonly #token: string | undefined;

  constructor({ url, token }: ApiClientOptions) {
    this.url = url.replace(/\/+$/, '');
    this.#token = token;
  }

  /** @throws ApiError */
  async call<Schema extends z.ZodType>(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    answer: Schema,
    body?: unknown,
  ): Promise<z.output<Schema>> {
    const response = await this.#fetch(method, path, body);
    const text = await response.text();
    const json = parsedJson(text);
    if (!response.ok) throw apiError(response.status, json, this.url);
    const parsed = answer.safeParse(json);
    if (!parsed.success)
      throw new ApiError(
        `${this.url} does not answer as the control API does. Is the URL right?`,
        EXIT.failed,
      );
    return parsed.data;
  }

  async #fetch(method: string, path: string, body: unknown): Promise<Response> {
    try {
      return await fetch(this.url + path, {
        method,
        headers: {
          accept: 'application/json',
          ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (error) {
      throw new ApiError(
        `${this.url} cannot be reached (${reasonOf(error)}). Is it running, and is the URL right?`,
        EXIT.unavailable,
      );
    }
  }
}

/** fetch hides why it failed in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof Error) return 'code' in cause ? String(cause.code) : cause.message;
  return error.message;
}

function parsedJson(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    // A proxy's or another server's page; the caller says that it is not the API.
    return undefined;
  }
}

function apiError(status: number, json: unknown, url: string): ApiError {
  const parsed = problemSchema.safeParse(json);
  const exitCode = exitCodeOf(status);
  if (!parsed.success) return new ApiError(`${url} answered ${status}.`, exitCode);
  const { title, detail, remedy, errors = [], holders = [] } = parsed.data;
  const lines = [
    detail === undefined ? title : `${title} ${detail}`,
    ...errors.map((error) => `  ${error.pointer || '/'}: ${error.detail}`),
    ...holders.map(({ slotIndex, streamId }) => `  slot ${slotIndex}: ${streamId}`),
    ...(remedy === undefined ? [] : [remedy]),
  ];
  return new ApiError(lines.join('\n'), exitCode, parsed.data);
}

function exitCodeOf(status: number): number {
  if (status === 401 || status === 403) return EXIT.unauthorized;
  if (status === 404) return EXIT.notFound;
  return status >= 500 ? EXIT.unavailable : EXIT.refused;
}
