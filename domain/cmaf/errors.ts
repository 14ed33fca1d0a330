import { defineErrors } from '../errors.ts';

export const cmafErrors = defineErrors('CMAF', {
  MALFORMED: {
    retryable: false,
    meaning: 'These bytes are not the ISO base media boxes that were expected.',
    remedy:
      'Delete the stored init segment of the stream so that the runner writes it anew, or report a bug.',
  },
  TOO_LARGE: {
    retryable: false,
    meaning: 'A box would be larger than its 32-bit size can say.',
    remedy: 'Lower the bitrate or the part duration of the profile.',
  },
});
