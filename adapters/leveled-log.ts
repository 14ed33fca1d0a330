/** What every log does alike: leaves out what is below its level, adds its own fields, and masks secrets. */
import type { Log, LogFields } from '../domain/log.ts';
import { isLogged, type LogLevel, withoutSecrets } from './log-level.ts';

export abstract class LeveledLog implements Log {
  readonly #least: LogLevel;
  readonly #own: LogFields;

  constructor({ level, fields }: { readonly level: LogLevel; readonly fields: LogFields }) {
    this.#least = level;
    this.#own = fields;
  }

  debug(event: string, fields?: LogFields): void {
    this.#log('debug', event, fields);
  }
  info(event: string, fields?: LogFields): void {
    this.#log('info', event, fields);
  }
  warn(event: string, fields?: LogFields): void {
    this.#log('warn', event, fields);
  }
  error(event: string, fields?: LogFields): void {
    this.#log('error', event, fields);
  }

  abstract child(fields: LogFields): Log;

  /** Writes one line. The fields are whole and hold no secret. */
  protected abstract line(level: LogLevel, event: string, fields: LogFields): void;

  #log(level: LogLevel, event: string, fields: LogFields = {}): void {
    if (isLogged(level, this.#least)) this.line(level, event, withoutSecrets({ ...this.#own, ...fields }));
  }
}
