/** Troubles that repeat twenty times a second are logged once in a while, with their number. */
import { MirrorError, messageOf } from '../domain/errors.ts';
import type { Log, LogFields } from '../domain/log.ts';
import type { Clock } from '../domain/timeline.ts';

export class RateLimitedLog {
  private readonly log: Log;
  private readonly clock: Clock;
  private readonly intervalMs: number;
  private readonly lastByEvent = new Map<string, { atMs: number; suppressedCount: number }>();

  constructor({ log, clock, intervalMs }: { log: Log; clock: Clock; intervalMs: number }) {
    this.log = log;
    this.clock = clock;
    this.intervalMs = intervalMs;
  }

  /** Logs a warning, unless the same event was logged within the interval; those are counted. */
  warn(event: string, error: unknown, fields: LogFields = {}): void {
    const nowMs = this.clock.nowMs();
    const last = this.lastByEvent.get(event);
    if (last && nowMs - last.atMs < this.intervalMs) {
      last.suppressedCount += 1;
      return;
    }
    this.lastByEvent.set(event, { atMs: nowMs, suppressedCount: 0 });
    this.log.warn(event, {
      ...fields,
      ...errorFields(error),
      ...(last && last.suppressedCount > 0 ? { suppressedCount: last.suppressedCount } : {}),
    });
  }
}

/** What a log line says of a thrown value. */
export function errorFields(error: unknown): LogFields {
  if (error === undefined) return {};
  if (!(error instanceof MirrorError)) return { error: messageOf(error) };
  return {
    error: error.message,
    code: error.code,
    remedy: error.remedy,
    ...(error.cause === undefined ? {} : { cause: messageOf(error.cause) }),
  };
}
