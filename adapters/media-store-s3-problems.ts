/** What an error of the S3 client means for the media store. Codes: S3 API Reference, "Error responses". */
import { MirrorError, messageOf } from '../domain/errors.ts';
import { storeErrors } from './errors.ts';

/** `If-None-Match: *` found an object. */
export function isExists(error: unknown): boolean {
  return statusOf(error) === 412 || nameOf(error) === 'PreconditionFailed';
}

/** Two conditional writes of one key at once; S3 asks to try again. */
export function isConflict(error: unknown): boolean {
  return statusOf(error) === 409;
}

export function isMissingObject(error: unknown): boolean {
  return nameOf(error) === 'NoSuchKey' || nameOf(error) === 'NotFound';
}

/** Whether the request may have been carried out although it failed here. */
export function isAmbiguous(error: unknown): boolean {
  const status = statusOf(error);
  return status === undefined || status >= 500;
}

const FORBIDDEN = new Set([
  'AccessDenied',
  'AccountProblem',
  'AllAccessDisabled',
  'CredentialsProviderError',
  'ExpiredToken',
  'InvalidAccessKeyId',
  'InvalidToken',
  'SignatureDoesNotMatch',
]);
const TIMED_OUT = new Set(['AbortError', 'TimeoutError', 'RequestTimeout', 'ETIMEDOUT']);
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'CERT_HAS_EXPIRED',
  'NetworkingError',
]);

export function storeProblem(error: unknown, detail = ''): MirrorError {
  if (error instanceof MirrorError) return error;
  const text = `${detail} ${nameOf(error)}: ${messageOf(error)}.`.trim();
  return storeErrors.create(kindOf(error), text, { cause: error });
}

function kindOf(error: unknown): keyof typeof storeErrors.definitions {
  const status = statusOf(error);
  const names = [nameOf(error), systemCodeOf(error)];
  const isOneOf = (set: ReadonlySet<string>) => names.some((name) => set.has(name));
  if (isOneOf(FORBIDDEN) || status === 401 || status === 403) return 'FORBIDDEN';
  if (isOneOf(new Set(['NoSuchBucket']))) return 'NOT_FOUND';
  if (isOneOf(new Set(['SlowDown', 'Throttling', 'TooManyRequests'])) || status === 429 || status === 503)
    return 'THROTTLED';
  // In this order: the SDK gives a connection that was reset the name TimeoutError.
  if (isOneOf(UNREACHABLE)) return 'UNREACHABLE';
  if (isOneOf(TIMED_OUT)) return 'TIMEOUT';
  return 'FAILED';
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'Error';
}

function systemCodeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** The HTTP status that the SDK keeps beside the error; undefined when there was no answer. */
function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('$metadata' in error)) return undefined;
  const metadata: unknown = error.$metadata;
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return undefined;
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}
