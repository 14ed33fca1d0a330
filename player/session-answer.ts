/** Reads what the API answers about a session, and what a tab kept of it. Pure. */
import { DELIVERY_MODES, type DeliveryMode } from '../domain/delivery.ts';
import { fieldOf } from './session-words.ts';

export { fieldOf } from './session-words.ts';

export interface NamedStream {
  readonly id: string;
  readonly name: string;
}

/** One stream of the session; `query` is its signature, empty for an open stream. */
export interface SessionStream extends NamedStream {
  readonly query: string;
}

export interface SessionAnswer {
  readonly sessionId: string;
  readonly sessionToken: string;
  readonly streams: readonly SessionStream[];
  /** What the ticket allows to swap in; undefined where the answer leaves it out. */
  readonly selectable: readonly NamedStream[] | undefined;
  readonly delivery: DeliveryMode | undefined;
  readonly renewAfterMs: number;
  /** From the answer on. */
  readonly signedForMs: number;
}

/**
 * @param date the answer's own, RFC 9110 §6.6.1; null when it had none.
 * @returns undefined for an answer that is no session.
 */
export function sessionAnswer(json: unknown, date: string | null): SessionAnswer | undefined {
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
    selectable: namedStreams(fieldOf(json, 'selectable'), 'streamId'),
    delivery: DELIVERY_MODES.find((mode) => mode === fieldOf(json, 'delivery')),
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

function namedStreams(value: unknown, idName: 'id' | 'streamId'): readonly NamedStream[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.flatMap((stream: unknown) => {
    const [id, name] = [fieldOf(stream, idName), fieldOf(stream, 'name')];
    return typeof id === 'string' && typeof name === 'string' ? [{ id, name }] : [];
  });
}

/** What this tab kept before it was loaded again; undefined when there was nothing, or nothing readable. */
export function keptSession(
  text: string | null,
):
  | { readonly sessionId: string; readonly sessionToken: string; readonly selectable: readonly NamedStream[] }
  | undefined {
  const json: unknown = text === null ? undefined : parsed(text);
  const [sessionId, sessionToken] = [fieldOf(json, 'sessionId'), fieldOf(json, 'sessionToken')];
  const selectable = namedStreams(fieldOf(json, 'selectable'), 'id') ?? [];
  return typeof sessionId === 'string' && typeof sessionToken === 'string'
    ? { sessionId, sessionToken, selectable }
    : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Something else wrote under our name: as good as nothing.
    return undefined;
  }
}
