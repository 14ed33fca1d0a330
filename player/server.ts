/** What the page asks the server besides media: the streams and the time. */
import type { StreamSummary } from './pane-words.ts';
import type { ServerClock } from './server-clock.ts';

const REQUEST_TIMEOUT_MS = 4_000;

/** @returns undefined when the server did not answer. */
export async function fetchStreams(): Promise<readonly StreamSummary[] | undefined> {
  const body = await fetchJson('/v1/streams');
  if (typeof body !== 'object' || body === null || !('streams' in body) || !Array.isArray(body.streams))
    return undefined;
  return body.streams.filter(isSummary);
}

/** One round trip for the clock. @returns false when the server did not answer. */
export async function askTime(clock: ServerClock, localNowMs: () => number): Promise<boolean> {
  const sentAtMs = localNowMs();
  const body = await fetchJson('/v1/time');
  const receivedAtMs = localNowMs();
  if (typeof body !== 'object' || body === null || !('unixMs' in body) || typeof body.unixMs !== 'number')
    return false;
  clock.add({ sentAtMs, serverMs: body.unixMs, receivedAtMs });
  return true;
}

async function fetchJson(path: string): Promise<unknown> {
  try {
    const response = await fetch(path, {
      cache: 'no-store',
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    return response.ok ? await response.json() : undefined;
  } catch {
    // Unreachable: the callers ask again, and the panes say what they see.
    return undefined;
  }
}

function isSummary(value: unknown): value is StreamSummary {
  return (
    typeof value === 'object' &&
    value !== null &&
    'id' in value &&
    typeof value.id === 'string' &&
    'name' in value &&
    typeof value.name === 'string' &&
    'state' in value &&
    typeof value.state === 'string'
  );
}
