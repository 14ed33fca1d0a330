/** The log of a process with a parent: each line is a message, so that the parent can show or store it. */
import type { Log, LogFields } from '../domain/log.ts';
import { LeveledLog } from './leveled-log.ts';
import type { LogLevel } from './log-level.ts';
import type { RunnerMessage } from './runner-ipc.ts';

export class IpcLog extends LeveledLog {
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
    const whole = { fields: {}, ...options };
    super(whole);
    this.#options = whole;
  }

  child(fields: LogFields): Log {
    return new IpcLog({ ...this.#options, fields: { ...this.#options.fields, ...fields } });
  }

  protected override line(level: LogLevel, event: string, fields: LogFields): void {
    const { send } = this.#options;
    send({ kind: 'log', level, event, fields });
  }
}
