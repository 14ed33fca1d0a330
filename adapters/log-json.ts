/** Structured log: one JSON object per line, as CloudWatch and other collectors read it. */
import type { Log, LogFields } from '../domain/log.ts';
import type { Clock } from '../domain/timeline.ts';
import { isLogged, type LogLevel, withoutSecrets } from './log-level.ts';

export class JsonLog implements Log {
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
    this.#options = { level: 'info', fields: {}, ...options };
  }

  debug(event: string, fields?: LogFields): void {
    this.#line('debug', event, fields);
  }
  info(event: string, fields?: LogFields): void {
    this.#line('info', event, fields);
  }
  warn(event: string, fields?: LogFields): void {
    this.#line('warn', event, fields);
  }
  error(event: string, fields?: LogFields): void {
    this.#line('error', event, fields);
  }

  child(fields: LogFields): Log {
    return new JsonLog({ ...this.#options, fields: { ...this.#options.fields, ...fields } });
  }

  #line(level: LogLevel, event: string, fields: LogFields = {}): void {
    const { clock, write, fields: own } = this.#options;
    if (!isLogged(level, this.#options.level)) return;
    const time = new Date(clock.nowMs()).toISOString();
    write(`${JSON.stringify({ time, level, event, ...withoutSecrets({ ...own, ...fields }) })}\n`);
  }
}
