/** The log as a person reads it in a terminal: time, level, event, then the fields. */
import type { Log, LogFields } from '../domain/log.ts';
import type { Clock } from '../domain/timeline.ts';
import { isLogged, type LogLevel, withoutSecrets } from './log-level.ts';

const RESET = '\u001b[0m';
const COLOUR: Readonly<Record<LogLevel, string>> = {
  debug: '\u001b[2m',
  info: '',
  warn: '\u001b[33m',
  error: '\u001b[31m',
};

export class ConsoleLog implements Log {
  readonly #options: {
    readonly clock: Clock;
    readonly write: (line: string) => void;
    readonly level: LogLevel;
    readonly colour: boolean;
    readonly fields: LogFields;
  };

  /**
   * @param options.write takes one whole line with its line end.
   * @param options.level the least important level that is written.
   * @param options.colour whether the terminal shows colours.
   */
  constructor(options: {
    readonly clock: Clock;
    readonly write: (line: string) => void;
    readonly level?: LogLevel;
    readonly colour?: boolean;
    readonly fields?: LogFields;
  }) {
    this.#options = { level: 'info', colour: false, fields: {}, ...options };
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
    return new ConsoleLog({ ...this.#options, fields: { ...this.#options.fields, ...fields } });
  }

  #line(level: LogLevel, event: string, fields: LogFields = {}): void {
    const { clock, write, colour, fields: own } = this.#options;
    if (!isLogged(level, this.#options.level)) return;
    const time = new Date(clock.nowMs()).toISOString().slice(11, 23);
    const shown = Object.entries(withoutSecrets({ ...own, ...fields }))
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}=${readable(value)}`);
    const line = [time, level.toUpperCase().padEnd(5), event, ...shown].join(' ');
    const start = colour ? COLOUR[level] : '';
    write(start ? `${start}${line}${RESET}\n` : `${line}\n`);
  }
}

function readable(value: LogFields[string]): string {
  const text = Array.isArray(value) ? value.join(',') : String(value);
  return /^[\w.:/@,+-]+$/.test(text) ? text : JSON.stringify(text);
}
