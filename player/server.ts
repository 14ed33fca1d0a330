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

/**
 * One round trip for the clock, to the server that the media comes from.
 *
 * @returns false when it did not answer.
 */
export async function askTime(clock: ServerClock, url: string, localNowMs: () => number): Promise<boolean> {
  try {
    const sentAtMs = localNowMs();
    const response = await fetch(url, { cache: 'no-store', signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
    const receivedAtMs = localNowMs();
    const serverMs = Date.parse(await response.text());
    if (!response.ok || Number.isNaN(serverMs)) return false;
    clock.add({ sentAtMs, serverMs, receivedAtMs });
    return true;
  } catch {
    // Unreachable: the caller asks again.
    return false;
  }
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
