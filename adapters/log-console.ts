/** The log as a person reads it in a terminal: time, level, event, then the fields. */
import type { Log, LogFields } from '../domain/log.ts';
import type { Clock } from '../domain/timeline.ts';
import { LeveledLog } from './leveled-log.ts';
import type { LogLevel } from './log-level.ts';

const RESET = '\u001b[0m';
const COLOUR: Readonly<Record<LogLevel, string>> = {
  debug: '\u001b[2m',
  info: '',
  warn: '\u001b[33m',
  error: '\u001b[31m',
};

export class ConsoleLog extends LeveledLog {
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
    const whole = { level: 'info' as const, colour: false, fields: {}, ...options };
    super(whole);
    this.#options = whole;
  }

  child(fields: LogFields): Log {
    return new ConsoleLog({ ...this.#options, fields: { ...this.#options.fields, ...fields } });
  }

  protected override line(level: LogLevel, event: string, fields: LogFields): void {
    const { clock, write, colour } = this.#options;
    const time = new Date(clock.nowMs()).toISOString().slice(11, 23);
    const shown = Object.entries(fields)
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
