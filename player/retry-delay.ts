/** How long a pane waits before it tries to connect again. */

/** Waits between two tries: the first, and the longest, less a random share. */
const RETRY_MIN_MS = 300;
const RETRY_MAX_MS = 2_000;
/**
 * Panes must not storm a server together. And what fails at a certain point of a segment would fail each time if it were
 * tried in the rhythm of segments.
 */
const RETRY_RANDOM_SHARE = 0.4;

/**
 * @param failureCount in a row, from 1.
 * @param random as of Math.random.
 */
export function retryDelayMs(failureCount: number, random: () => number = Math.random): number {
  const longestMs = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** (failureCount - 1));
  return longestMs * (1 - RETRY_RANDOM_SHARE * random());
}
