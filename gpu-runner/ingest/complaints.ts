/** One line per kind and peer: the same complaint again is counted and not written. */
import type { Log } from '../../domain/log.ts';
import type { Clock } from '../../domain/timeline.ts';

/** The same complaint is written again after this long, with the count of those left out. */
export const REPEAT_AFTER_MS = 10 * 60_000;

/** Datagrams of one peer this close together are one attempt. */
export const ATTEMPT_MS = 3_000;

/** Peers remembered at most; beyond it the oldest is forgotten, so a scan from many addresses costs nothing. */
export const MAX_REMEMBERED = 256;

/** What is wrong, and what the person who reads it should do. */
export interface Complaint {
  readonly reason: string;
  readonly remedy: string;
}

interface Written {
  readonly writtenAtMs: number;
  leftOutCount: number;
}

export class Complaints {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #written = new Map<string, Written>();
  readonly #attempts = new Map<string, number>();

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /**
   * Writes a warning unless the same one was written lately.
   *
   * @param peer whose complaint it is; complaints of two peers are told apart. Empty: nobody's.
   */
  warn(event: string, peer: string, complaint: Complaint): void {
    const nowMs = this.#clock.nowMs();
    const key = `${event}|${peer}|${complaint.reason}`;
    const known = this.#written.get(key);
    if (known !== undefined && nowMs - known.writtenAtMs < REPEAT_AFTER_MS) {
      known.leftOutCount += 1;
      return;
    }
    this.#log.warn(event, {
      reason: complaint.reason,
      remedy: complaint.remedy,
      ...(peer === '' ? {} : { peer }),
      ...(known !== undefined && known.leftOutCount > 0 ? { repeatedCount: known.leftOutCount } : {}),
    });
    remember(this.#written, key, { writtenAtMs: nowMs, leftOutCount: 0 });
  }

  /** True for the first call with this key, and after a silence of `ATTEMPT_MS`. */
  isNewAttempt(key: string): boolean {
    const nowMs = this.#clock.nowMs();
    const lastMs = this.#attempts.get(key);
    remember(this.#attempts, key, nowMs);
    return lastMs === undefined || nowMs - lastMs >= ATTEMPT_MS;
  }
}

/** The newest entry is the last one of the map, so the first is the one to forget. */
function remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= MAX_REMEMBERED) return;
  const oldest = map.keys().next();
  if (oldest.done !== true) map.delete(oldest.value);
}
