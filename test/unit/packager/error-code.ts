import { MirrorError } from '../../../domain/errors.ts';

/** Runs it. @returns the code of the MirrorError that it threw, or `none`. Anything else that is thrown is. */
export function errorCodeOf(action: () => unknown): string {
  try {
    action();
    return 'none';
  } catch (error) {
    if (error instanceof MirrorError) return error.code;
    throw error;
  }
}
