/**
 * What lets a viewer of premium streams in: a ticket from the address opens a session, the session answers
 * signatures, and is renewed for as long as the page is open. The ticket stands behind the `#` of the address,
 * which browsers send to nobody, and leaves it at once. A reload goes on with the same session.
 */

/** One stream of the session; `query` is its signature, empty for an open stream. */
export interface SessionStream {
  readonly id: string;
  readonly name: string;
  readonly query: string;
}

export interface SessionAnswer {
  readonly sessionId: string;
  readonly sessionToken: string;
  readonly streams: readonly SessionStream[];
  readonly renewAfterMs: number;
  /** From the answer on. */
  readonly signedForMs: number;
}

export interface SessionDependencies {
  readonly fetch: (path: string, init: RequestInit) => Promise<Response>;
  /** Keeps the session over a reload of this tab. */
  readonly storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
  readonly setTimer: (work: () => void, ms: number) => void;
  readonly onChange: () => void;
}

const STORAGE_KEY = 'mirror-session';
const REQUEST_TIMEOUT_MS = 8_000;
/** After a renewal that did not arrive. The lease outlives several. */
const RETRY_MS = 3_000;
const RENEW_MIN_MS = 1_000;
const STREAMS_MAX = 6;

/** The ticket of an address, and the streams that it names; undefined without one. */
export function ticketFromAddress(
  hash: string,
): { readonly ticket: string; readonly streamIds: readonly string[] } | undefined {
  const ticket = new URLSearchParams(hash.replace(/^#/, '')).get('ticket');
  return ticket === null || ticket === '' ? undefined : { ticket, streamIds: streamsOfTicket(ticket) };
}

/** What to ask for when the address does not say it. The server checks the ticket; this only reads it. */
function streamsOfTicket(ticket: string): readonly string[] {
  try {
    const claims: unknown = JSON.parse(
      atob((ticket.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')),
    );
    const streams = fieldOf(claims, 'streams');
    return Array.isArray(streams) ? streams.filter((id) => typeof id === 'string').slice(0, STREAMS_MAX) : [];
  } catch {
    // Not a ticket: the server will say so.
    return [];
  }
}

export class ViewerSession {
  readonly #dependencies: SessionDependencies;
  #answer: SessionAnswer | undefined;
  #problem: string | undefined;
  #renewCount = 0;

  constructor(dependencies: SessionDependencies) {
    this.#dependencies = dependencies;
  }

  /** In words, when there is no session although there should be one. */
  get problem(): string | undefined {
    return this.#problem;
  }

  get streams(): readonly SessionStream[] {
    return this.#answer?.streams ?? [];
  }

  /** Renewals that arrived. */
  get renewCount(): number {
    return this.#renewCount;
  }

  /** The newest signature of a stream as a query; empty when it needs none. */
  queryOf(streamId: string): string {
    return this.streams.find(({ id }) => id === streamId)?.query ?? '';
  }

  async open(ticket: string, streamIds: readonly string[]): Promise<void> {
    const body = JSON.stringify({ ticket, streams: streamIds });
    const headers = { 'content-type': 'application/json' };
    await this.#ask('/v1/viewer-sessions', { method: 'POST', headers, body });
  }

  /** Goes on with the session that this tab had before it was loaded again. */
  async resume(): Promise<void> {
    const kept = parsedKept(this.#dependencies.storage.getItem(STORAGE_KEY));
    if (kept) await this.#renew(kept);
  }

  async #renew({ sessionId, sessionToken }: { sessionId: string; sessionToken: string }): Promise<void> {
    await this.#ask(`/v1/viewer-sessions/${sessionId}/renew`, {
      method: 'POST',
      headers: { authorization: `Bearer ${sessionToken}` },
    });
  }

  async #ask(path: string, init: RequestInit): Promise<void> {
    const { fetch, storage, setTimer, onChange } = this.#dependencies;
    try {
      const response = await fetch(path, {
        ...init,
        cache: 'no-store',
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
      const json: unknown = await response.json();
      const answer = response.ok ? sessionAnswer(json, response.headers.get('date')) : undefined;
      if (answer) {
        if (this.#answer) this.#renewCount += 1;
        this.#answer = answer;
        this.#problem = undefined;
        const { sessionId, sessionToken } = answer;
        storage.setItem(STORAGE_KEY, JSON.stringify({ sessionId, sessionToken }));
        // Half of a signature's life is left when its successor comes.
        const waitMs = Math.max(RENEW_MIN_MS, Math.min(answer.renewAfterMs, answer.signedForMs / 2));
        setTimer(() => void this.#renew(answer), waitMs);
      } else if (response.status < 500) {
        // What was signed before plays on to its end.
        storage.removeItem(STORAGE_KEY);
        this.#problem = problemWords(json);
      } else this.#tryAgain();
    } catch {
      // The server does not answer. What is signed already plays on meanwhile.
      this.#tryAgain();
    }
    onChange();
  }

  #tryAgain(): void {
    const answer = this.#answer;
    if (answer) this.#dependencies.setTimer(() => void this.#renew(answer), RETRY_MS);
    else this.#problem = 'The server does not answer. Load the page again.';
  }
}

function sessionAnswer(json: unknown, date: string | null): SessionAnswer | undefined {
  const [sessionId, sessionToken] = [fieldOf(json, 'sessionId'), fieldOf(json, 'sessionToken')];
  const [renewAfterS, ends] = [fieldOf(json, 'renewAfterS'), fieldOf(json, 'playbackExpiresAt')];
  const streams = fieldOf(json, 'streams');
  if (typeof sessionId !== 'string' || typeof sessionToken !== 'string' || !Array.isArray(streams))
    return undefined;
  // By the server's clock on both sides: a viewer's own may be minutes off.
  const nowMs = date === null ? Date.now() : Date.parse(date);
  return {
    sessionId,
    sessionToken,
    streams: streams.flatMap((stream: unknown) => sessionStream(stream) ?? []),
    renewAfterMs: Number(renewAfterS) * 1_000,
    signedForMs: Date.parse(String(ends)) - nowMs,
  };
}

function sessionStream(value: unknown): SessionStream | undefined {
  const [id, name, query] = [fieldOf(value, 'streamId'), fieldOf(value, 'name'), fieldOf(value, 'query')];
  if (typeof id !== 'string' || typeof name !== 'string' || typeof query !== 'object' || query === null)
    return undefined;
  const pairs = Object.entries(query).map(([key, text]): [string, string] => [key, String(text)]);
  return { id, name, query: new URLSearchParams(pairs).toString() };
}

function parsedKept(text: string | null): { sessionId: string; sessionToken: string } | undefined {
  const json: unknown = text === null ? undefined : JSON.parse(text);
  const [sessionId, sessionToken] = [fieldOf(json, 'sessionId'), fieldOf(json, 'sessionToken')];
  return typeof sessionId === 'string' && typeof sessionToken === 'string'
    ? { sessionId, sessionToken }
    : undefined;
}

/** An RFC 9457 problem in a sentence or two. */
function problemWords(json: unknown): string {
  const words = [fieldOf(json, 'title'), fieldOf(json, 'detail'), fieldOf(json, 'remedy')];
  const text = words.filter((word) => typeof word === 'string').join(' ');
  return text === '' ? 'The server did not let this page in.' : text;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
