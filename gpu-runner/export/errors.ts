import { defineErrors } from '../../domain/errors.ts';

export const exportErrors = defineErrors('EXPORT', {
  BAD_CONFIG: {
    retryable: false,
    meaning: 'The configuration of the export is wrong.',
    remedy: 'Correct every variable that is named; gpu-runner/export/README.md lists what there is.',
  },
  NOT_FOUND: {
    retryable: false,
    meaning: 'The recording, or an object that its playlist names, does not exist.',
    remedy: 'Look at its prefix in the recordings bucket: it may have expired.',
  },
  STILL_GROWING: {
    retryable: false,
    meaning: 'The recording has no end yet.',
    remedy: 'Stop the stream first, or wait: the export begins by itself when the recording is finished.',
  },
  EMPTY: {
    retryable: false,
    meaning: 'The recording holds no object.',
    remedy: 'Nothing: the stream was stopped before six seconds were recorded.',
  },
  MEDIA: {
    retryable: false,
    meaning: 'FFmpeg could not read the recording or write the export.',
    remedy: 'Play the recording’s playlist; if it plays, report the message and the key.',
  },
});
