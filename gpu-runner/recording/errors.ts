import { defineErrors } from '../../domain/errors.ts';

export const recordingErrors = defineErrors('RECORDING', {
  UNREADABLE: {
    retryable: false,
    meaning: 'The playlist of an earlier recording is not one that mirror wrote.',
    remedy: 'Nothing: a new recording is begun, and the earlier one stays as it is.',
  },
});
