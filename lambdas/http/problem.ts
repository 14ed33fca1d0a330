/** Errors as RFC 9457 problem documents. */
import type { ZodError } from 'zod';
import {
  CONTROL_ERROR_STATUS,
  type ControlErrorName,
  controlErrors,
  type NamedHolder,
  type NamedSession,
  NoFreeSlotError,
  ViewerStreamLimitError,
} from '../../domain/control/errors.ts';
import { MirrorError } from '../../domain/errors.ts';

export interface FieldError {
  /** RFC 6901 pointer into the body, or the parameter's name. */
  readonly pointer: string;
  readonly detail: string;
}

export interface Problem {
  readonly status: number;
  readonly body: {
    readonly type: string;
    readonly title: string;
    readonly status: number;
    readonly detail?: string;
    readonly instance: string;
    readonly code: string;
    readonly remedy: string;
    readonly retryable: boolean;
    readonly errors?: readonly FieldError[];
    /** Of CONTROL_NO_FREE_SLOT. */
    readonly holders?: readonly NamedHolder[];
    /** Of CONTROL_VIEWER_STREAM_LIMIT. */
    readonly sessions?: readonly NamedSession[];
  };
}

const FIELD_ERROR_COUNT_MAX = 20;
const FIELD_ERROR_CHAR_COUNT_MAX = 200;
/** For errors that may pass by themselves. */
export const RETRY_AFTER_S = 2;

/** A request that does not match its schema. */
export class InvalidRequestError extends Error {
  readonly errors: readonly FieldError[];

  constructor(errors: readonly FieldError[]) {
    super('invalid request');
    this.errors = errors;
  }
}

export function fieldErrors(error: ZodError, prefix: string): FieldError[] {
  return error.issues
    .flatMap((issue) => {
      const paths =
        issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
      return paths.map((path) => ({
        pointer: `${prefix}${path.map((step) => `/${pointerStep(String(step))}`).join('')}`,
        detail: issue.message.slice(0, FIELD_ERROR_CHAR_COUNT_MAX),
      }));
    })
    .slice(0, FIELD_ERROR_COUNT_MAX);
}

function pointerStep(step: string): string {
  return step.slice(0, FIELD_ERROR_CHAR_COUNT_MAX).replaceAll('~', '~0').replaceAll('/', '~1');
}

/**
 * The problem that an error is answered with. What is not a control error is not described: its message may
 * hold what callers must not read, and stands in the log beside the same request id.
 */
export function problemOf(error: unknown, requestId: string): Problem {
  if (error instanceof InvalidRequestError)
    return problem('INVALID_REQUEST', requestId, { errors: error.errors });
  if (error instanceof NoFreeSlotError) return problem('NO_FREE_SLOT', requestId, { holders: error.holders });
  if (error instanceof MirrorError) {
    const name = controlErrorName(error);
    const sessions = error instanceof ViewerStreamLimitError ? { sessions: error.sessions } : {};
    if (name) return problem(name, requestId, { ...detailOf(error, name), ...sessions });
    if (error.retryable) return problem('UNAVAILABLE', requestId);
  }
  return problem('INTERNAL', requestId);
}

export function controlErrorName(error: MirrorError): ControlErrorName | undefined {
  const name = error.code.slice(controlErrors.family.length + 1);
  return error.code.startsWith(`${controlErrors.family}_`) && isName(name) ? name : undefined;
}

function isName(name: string): name is ControlErrorName {
  return Object.hasOwn(controlErrors.definitions, name);
}

function detailOf(error: MirrorError, name: ControlErrorName): { detail?: string } {
  const detail = error.message.slice(controlErrors.definitions[name].meaning.length).trim();
  return detail === '' ? {} : { detail };
}

function problem(
  name: ControlErrorName,
  requestId: string,
  extra: Partial<Pick<Problem['body'], 'detail' | 'errors' | 'holders' | 'sessions'>> = {},
): Problem {
  const { meaning, remedy, retryable } = controlErrors.definitions[name];
  const status = CONTROL_ERROR_STATUS[name];
  const code = `${controlErrors.family}_${name}`;
  return {
    status,
    body: {
      type: `urn:mirror:error:${code.toLowerCase().replaceAll('_', '-')}`,
      title: meaning,
      status,
      ...extra,
      instance: `urn:mirror:request:${requestId}`,
      code,
      remedy,
      retryable,
    },
  };
}
