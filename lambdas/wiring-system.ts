/** The wall clock of a function. Lambda's hosts follow Amazon Time Sync. */
import type { Clock } from '../domain/timeline.ts';

export const systemClock: Clock = { nowMs: () => Date.now() };
