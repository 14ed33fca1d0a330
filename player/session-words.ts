/**
 * What the page says when the server refuses a session: in a viewer's words, with what a viewer can do. The
 * API's own words are for whoever writes an application. Pure.
 */

/** What the words are made of, as read from a problem document (RFC 9457) by `problemFrom`. */
export interface SessionProblem {
  /** Stable, such as `CONTROL_TICKET_EXPIRED`; empty when the answer was no problem document. */
  readonly code: string;
  readonly words: string;
  /** Whether the same request may succeed later, without anybody's doing but a viewer's who closes a window. */
  readonly passes: boolean;
}

export const NO_ANSWER: SessionProblem = {
  code: '',
  words: 'The server does not answer. Trying again.',
  passes: true,
};

const FRESH_LINK = 'Get a fresh link from where you got this one.';

const WORDS: Readonly<Record<string, string>> = {
  CONTROL_TICKET_EXPIRED: `This link has expired. ${FRESH_LINK}`,
  CONTROL_TICKET_USED: `This link was used already: each opens the page once. ${FRESH_LINK}`,
  CONTROL_TICKET_INVALID: `This link is not whole, or not from here. Copy it again, to its end, or get a fresh link from where you got this one.`,
  CONTROL_STREAM_NOT_PLAYABLE: 'Your link does not let you watch this feed, or the feed is gone.',
  CONTROL_SESSION_NOT_FOUND: `Your session has ended, as it does when the page sleeps for longer than a minute. ${FRESH_LINK}`,
  CONTROL_UNAUTHENTICATED: `Your session is no longer known. ${FRESH_LINK}`,
  CONTROL_VIEWER_LIMIT: 'All places are taken right now. This page starts by itself as soon as one is free.',
};

/** `CONTROL_VIEWER_STREAM_LIMIT` is up to the viewer: places come free when another window is closed. */
const VIEWERS_OWN_LIMIT = 'CONTROL_VIEWER_STREAM_LIMIT';

/** @param timeText how a moment is written where the viewer is. */
export function problemFrom(
  status: number,
  json: unknown,
  timeText: (at: Date) => string = localTime,
): SessionProblem {
  const code = textOf(fieldOf(json, 'code'));
  const passes = status >= 500 || fieldOf(json, 'retryable') === true || code === VIEWERS_OWN_LIMIT;
  if (code === VIEWERS_OWN_LIMIT) return { code, words: limitWords(json, timeText), passes };
  return { code, words: WORDS[code] ?? apiWords(json), passes };
}

function limitWords(json: unknown, timeText: (at: Date) => string): string {
  const sessions = fieldOf(json, 'sessions');
  const places = (Array.isArray(sessions) ? sessions : []).map((session: unknown) => {
    const openedAt = new Date(textOf(fieldOf(session, 'openedAt')));
    const opened = Number.isNaN(openedAt.getTime()) ? '' : ` (opened at ${timeText(openedAt)})`;
    return `${namesOf(fieldOf(session, 'streams'))}${opened}`;
  });
  const held =
    places.length === 0
      ? 'You are watching as many feeds as you may.'
      : `You are watching as many feeds as you may, in other windows: ${places.join('; ')}.`;
  return `${held} Close one of them: its places come free within 90 s, and this goes on by itself.`;
}

function namesOf(streams: unknown): string {
  const names = (Array.isArray(streams) ? streams : []).map((stream: unknown) =>
    textOf(fieldOf(stream, 'name')),
  );
  return names.filter((name) => name !== '').join(', ') || 'feeds that are gone';
}

/** Of a problem that has no words of our own. */
function apiWords(json: unknown): string {
  const words = [fieldOf(json, 'title'), fieldOf(json, 'detail'), fieldOf(json, 'remedy')].map(textOf);
  const text = words.filter((word) => word !== '').join(' ');
  return text === '' ? 'The server did not let this page in.' : text;
}

function localTime(at: Date): string {
  return at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
