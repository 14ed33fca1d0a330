/** One line per kind and peer: the same complaint again is counted and not written. */

import type { Log, LogFields } from '../../domain/log.ts';
import type { Clock } from '../../domain/timeline.ts';

/** The same complaint is written again after this long, with the count of those left out. */
export const REPEAT_AFTER_MS = 10 * 60_000;

/** Peers remembered at most; beyond it the oldest is forgotten, so a scan from many addresses costs nothing. */
export const MAX_REMEMBERED_COMPLAINTS = 256;

interface Complaint {
  writtenAtMs: number;
  leftOutCount: number;
}

export class RepeatedLog {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #complaints = new Map<string, Complaint>();

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** @param peer whose complaint it is; complaints of two peers are told apart. */
  warn(event: string, peer: string, fields: LogFields): void {
    const nowMs = this.#clock.nowMs();
    const key = `${event}|${peer}|${String(fields['reason'] ?? '')}`;
    const known = this.#complaints.get(key);
    if (known !== undefined && nowMs - known.writtenAtMs < REPEAT_AFTER_MS) {
      known.leftOutCount += 1;
      return;
    }
    this.#log.warn(event, {
      ...fields,
      ...(peer === '' ? {} : { peer }),
      ...(known !== undefined && known.leftOutCount > 0 ? { repeatedCount: known.leftOutCount } : {}),
    });
    this.#complaints.delete(key);
    this.#complaints.set(key, { writtenAtMs: nowMs, leftOutCount: 0 });
    if (this.#complaints.size > MAX_REMEMBERED_COMPLAINTS) {
      const oldest = this.#complaints.keys().next();
      if (oldest.done !== true) this.#complaints.delete(oldest.value);
    }
  }
}
