/** The log of a process with a parent: each line is a message, so that the parent can show or store it. */
import type { Log, LogFields } from '../domain/log.ts';
import { isLogged, type LogLevel, withoutSecrets } from './log-level.ts';
import type { RunnerMessage } from './runner-ipc.ts';

export class IpcLog implements Log {
  readonly #options: {
    readonly send: (message: RunnerMessage) => boolean;
    readonly level: LogLevel;
    readonly fields: LogFields;
  };

  /** @param options.send a message that cannot be sent is lost: the parent is gone, and the process ends. */
  constructor(options: {
    readonly send: (message: RunnerMessage) => boolean;
    readonly level: LogLevel;
    readonly fields?: LogFields;
  }) {
    this.#options = { fields: {}, ...options };
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
    return new IpcLog({ ...this.#options, fields: { ...this.#options.fields, ...fields } });
  }

  #line(level: LogLevel, event: string, fields: LogFields = {}): void {
    const { send, fields: own } = this.#options;
    if (!isLogged(level, this.#options.level)) return;
    send({ kind: 'log', level, event, fields: withoutSecrets({ ...own, ...fields }) });
  }
}
