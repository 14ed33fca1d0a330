/** Structured logging. An event has a fixed name in kebab-case and fields; secrets never enter either. */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** A log whose lines all carry these fields. */
  child(fields: LogFields): Log;
}

export type LogFields = Readonly<
  Record<string, string | number | boolean | undefined | null | readonly string[]>
>;
