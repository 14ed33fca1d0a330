/**
 * The one error type of the project. An *expected* outcome (a request that must wait, a duplicate write)
 * is a union value, never an exception; a `MirrorError` is for what went wrong.
 */

/** What a code means and what the person who reads it should do. Listed in docs/errors.md. */
export interface ErrorDefinition {
  /** True when the same call may succeed later without any change by the caller. */
  readonly retryable: boolean;
  /** One sentence: what happened. */
  readonly meaning: string;
  /** One sentence: what to do next. */
  readonly remedy: string;
}

export class MirrorError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  readonly remedy: string;

  constructor(code: string, definition: ErrorDefinition, detail?: string, options?: { cause?: unknown }) {
    super(detail ? `${definition.meaning} ${detail}` : definition.meaning, options);
    this.name = 'MirrorError';
    this.code = code;
    this.retryable = definition.retryable;
    this.remedy = definition.remedy;
  }
}

/**
 * Declares one family of errors and returns a constructor function for them.
 *
 * @example
 * const ingestErrors = defineErrors('INGEST', { BAD_PASSPHRASE: { retryable: false, meaning: '…', remedy: '…' } });
 * throw ingestErrors.create('BAD_PASSPHRASE', 'Port 9001.');
 */
export function defineErrors<const Family extends string, const Name extends string>(
  family: Family,
  definitions: Readonly<Record<Name, ErrorDefinition>>,
) {
  return {
    family,
    definitions,
    create(name: Name, detail?: string, options?: { cause?: unknown }): MirrorError {
      return new MirrorError(`${family}_${name}`, definitions[name], detail, options);
    },
    is(error: unknown, name: Name): error is MirrorError {
      return error instanceof MirrorError && error.code === `${family}_${name}`;
    },
  };
}

/** The text of any thrown value, for a log line. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
