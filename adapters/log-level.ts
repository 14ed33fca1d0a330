/** What every log shares: which levels there are, and which fields must never be written. */
import type { LogFields } from '../domain/log.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export function isLogged(level: LogLevel, least: LogLevel): boolean {
  return LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(least);
}

/** A net under the rule that secrets never enter a log: a field of such a name is masked all the same. */
const SECRET_NAME = /passphrase|password|secret|authorization|cookie|token$|privateKey/i;
/** The user part of a URL (`rediss://user:password@host`) and SRT's passphrase in a query string. */
const SECRET_IN_TEXT = /(\/\/[^/\s:@]*:)[^/\s@]+(?=@)|([?&](?:passphrase|Signature)=)[^&\s]+/g;

export function withoutSecrets(fields: LogFields): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      if (value !== undefined && value !== null && SECRET_NAME.test(name)) return [name, '***'];
      if (typeof value === 'string') return [name, masked(value)];
      return [name, Array.isArray(value) ? value.map(masked) : value];
    }),
  );
}

function masked(text: string): string {
  return text.replace(SECRET_IN_TEXT, '$1$2***');
}
