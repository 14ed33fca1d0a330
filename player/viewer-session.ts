/**
 * What lets a viewer of premium streams in: a ticket from the address opens a session, the session answers
 * signatures, and is renewed for as long as the page is open. The ticket stands behind the `#` of the address,
 * which browsers send to nobody, and leaves it at once. A reload goes on with the same session. A pane more or
 * less is a swap: the session and the other panes stay as they are.
 */
import type { DeliveryMode } from '../domain/delivery.ts';
import {
  fieldOf,
  keptSession,
  type NamedStream,
  type SessionAnswer,
  type SessionStream,
  sessionAnswer,
} from './session-answer.ts';
import { NO_ANSWER, problemFrom, type SessionProblem } from './session-words.ts';

export type { NamedStream, SessionStream } from './session-answer.ts';

export interface SessionDependencies {
  readonly fetch: (path: string, init: RequestInit) => Promise<Response>;
  /** Keeps the session over a reload of this tab. */
  readonly storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
  readonly setTimer: (work: () => void, ms: number) => void;
  /** For Idempotency-Key: one that nobody else makes. */
  readonly newKey: () => string;
  readonly onChange: () => void;
}

/** What a swap changes; the rest of the session stays. */
export interface SessionChange {
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
  readonly delivery?: DeliveryMode;
}

const STORAGE_KEY = 'mirror-session';
const REQUEST_TIMEOUT_MS = 8_000;
/** After a renewal that did not arrive. The lease outlives several. */
const RETRY_MS = 3_000;
/** While all places are taken. */
const ROOM_RETRY_MS = 5_000;
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

type Asked =
  | { readonly kind: 'answered'; readonly answer: SessionAnswer }
  | { readonly kind: 'refused'; readonly problem: SessionProblem };

export class ViewerSession {
  readonly #dependencies: SessionDependencies;
  #answer: SessionAnswer | undefined;
  #selectable: readonly NamedStream[] = [];
  #problem: string | undefined;
  #renewCount = 0;
  /** Counts what was asked for: a timer that was set before the newest answer has nothing to do any more. */
  #timerCount = 0;

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

  /** What may be shown in this session: those that it has, and those that a swap may bring in. */
  get selectable(): readonly NamedStream[] {
    return this.#answer ? this.#selectable : [];
  }

  get delivery(): DeliveryMode | undefined {
    return this.#answer?.delivery;
  }

  /** Renewals that arrived. */
  get renewCount(): number {
    return this.#renewCount;
  }

  /** The newest signature of a stream as a query; empty when it needs none. */
  queryOf(streamId: string): string {
    return this.streams.find(({ id }) => id === streamId)?.query ?? '';
  }

  async open(ticket: string, streamIds: readonly string[], delivery?: DeliveryMode): Promise<void> {
    const body = JSON.stringify({ ticket, streams: streamIds, ...(delivery ? { delivery } : {}) });
    // A ticket opens one session: an answer that was lost on its way is answered again under the same key.
    const headers = { 'content-type': 'application/json', 'idempotency-key': this.#dependencies.newKey() };
    await this.#begin('/v1/viewer-sessions', { method: 'POST', headers, body });
  }

  /** Goes on with the session that this tab had before it was loaded again. */
  async resume(): Promise<void> {
    const kept = keptSession(this.#dependencies.storage.getItem(STORAGE_KEY));
    if (!kept) return;
    this.#selectable = kept.selectable;
    await this.#begin(`/v1/viewer-sessions/${kept.sessionId}/renew`, {
      method: 'POST',
      headers: { authorization: `Bearer ${kept.sessionToken}` },
    });
  }

  /** @returns why it was not done, in words; undefined when it was. */
  async swap({ add = [], remove = [], delivery }: SessionChange): Promise<string | undefined> {
    const { onChange } = this.#dependencies;
    const session = this.#answer;
    if (!session) return 'There is no session.';
    const asked = await this.#ask(`/v1/viewer-sessions/${session.sessionId}`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${session.sessionToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ add, remove, ...(delivery === undefined ? {} : { delivery }) }),
    });
    if (asked.kind === 'refused') return asked.problem.words;
    this.#take(asked.answer);
    onChange();
    return undefined;
  }

  /** Asks until there is a session, or a refusal that does not pass. */
  async #begin(path: string, init: RequestInit): Promise<void> {
    const { storage, onChange } = this.#dependencies;
    const asked = await this.#ask(path, init);
    if (asked.kind === 'answered') this.#take(asked.answer);
    else {
      this.#problem = asked.problem.words;
      if (asked.problem.passes)
        this.#later(() => this.#begin(path, init), asked.problem === NO_ANSWER ? RETRY_MS : ROOM_RETRY_MS);
      else storage.removeItem(STORAGE_KEY);
    }
    onChange();
  }

  async #renew(): Promise<void> {
    const { storage, onChange } = this.#dependencies;
    const session = this.#answer;
    if (!session) return;
    const asked = await this.#ask(`/v1/viewer-sessions/${session.sessionId}/renew`, {
      method: 'POST',
      headers: { authorization: `Bearer ${session.sessionToken}` },
    });
    if (asked.kind === 'answered') {
      this.#renewCount += 1;
      this.#take(asked.answer);
    } else if (asked.problem.passes) this.#later(() => this.#renew(), RETRY_MS);
    else {
      // What was signed before plays on to its end.
      storage.removeItem(STORAGE_KEY);
      this.#problem = asked.problem.words;
    }
    onChange();
  }

  #take(answer: SessionAnswer): void {
    this.#answer = answer;
    this.#selectable = answer.selectable ?? this.#selectable;
    this.#problem = undefined;
    const { sessionId, sessionToken } = answer;
    const kept = JSON.stringify({ sessionId, sessionToken, selectable: this.#selectable });
    this.#dependencies.storage.setItem(STORAGE_KEY, kept);
    // Half of a signature's life is left when its successor comes.
    const waitMs = Math.max(RENEW_MIN_MS, Math.min(answer.renewAfterMs, answer.signedForMs / 2));
    this.#later(() => this.#renew(), waitMs);
  }

  /** One thing is to be done next, whatever was planned before. */
  #later(work: () => Promise<void>, ms: number): void {
    this.#timerCount += 1;
    const timer = this.#timerCount;
    this.#dependencies.setTimer(() => {
      if (timer === this.#timerCount) void work();
    }, ms);
  }

  async #ask(path: string, init: RequestInit): Promise<Asked> {
    try {
      const response = await this.#dependencies.fetch(path, {
        ...init,
        cache: 'no-store',
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
      const json: unknown = await response.json();
      const answer = response.ok ? sessionAnswer(json, response.headers.get('date')) : undefined;
      return answer
        ? { kind: 'answered', answer }
        : { kind: 'refused', problem: problemFrom(response.status, json) };
    } catch {
      // Unreachable, or an answer that is none of ours: the callers ask again.
      return { kind: 'refused', problem: NO_ANSWER };
    }
  }
}
