/** Structured log: one JSON object per line, as CloudWatch and other collectors read it. */
import type { Log, LogFields } from '../domain/log.ts';
import type { Clock } from '../domain/timeline.ts';
import { LeveledLog } from './leveled-log.ts';
import type { LogLevel } from './log-level.ts';

export class JsonLog extends LeveledLog {
  readonly #options: {
    readonly clock: Clock;
    readonly write: (line: string) => void;
    readonly level: LogLevel;
    readonly fields: LogFields;
  };

  /**
   * @param options.write takes one whole line with its line end, e.g. `(line) => process.stdout.write(line)`.
   * @param options.level the least important level that is written.
   */
  constructor(options: {
    readonly clock: Clock;
    readonly write: (line: string) => void;
    readonly level?: LogLevel;
    readonly fields?: LogFields;
  }) {
    const whole = { level: 'info' as const, fields: {}, ...options };
    super(whole);
    this.#options = whole;
  }

  child(fields: LogFields): Log {
    return new JsonLog({ ...this.#options, fields: { ...this.#options.fields, ...fields } });
  }

  protected override line(level: LogLevel, event: string, fields: LogFields): void {
    const { clock, write } = this.#options;
    const time = new Date(clock.nowMs()).toISOString();
    write(`${JSON.stringify({ time, level, event, ...fields })}\n`);
  }
}
