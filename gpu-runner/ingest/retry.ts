/** How long to wait before the next try to open a port or to reach the other side. */

const FIRST_RETRY_MS = 100;

/** The other side may come back at any moment, so the wait stays short however long it was away. */
export const MAX_RETRY_MS = 2_000;

/** @param failedTryCount tries that failed in a row, from 1. */
export function retryDelayMs(failedTryCount: number): number {
  const doublings = Math.min(failedTryCount - 1, 10);
  return Math.min(FIRST_RETRY_MS * 2 ** doublings, MAX_RETRY_MS);
}
