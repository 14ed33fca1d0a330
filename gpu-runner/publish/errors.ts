import { defineErrors } from '../../domain/errors.ts';

export const publishErrors = defineErrors('PUBLISH', {
  SECOND_RUNNER: {
    retryable: true,
    meaning: 'Another runner publishes this stream, so this one yields.',
    remedy:
      'Stop one of the two. If there is only one, the clock of its machine was set back: check its time service.',
  },
  INIT_CONFLICT: {
    retryable: false,
    meaning: 'An init segment with other bytes is stored for this stream: its encoder settings have changed.',
    remedy:
      'Give the stream back its former settings, or remove streams/{id}/ from the media store while it is stopped, or create it under another id.',
  },
  STREAM_REMOVED: {
    retryable: false,
    meaning: 'The stream was removed while this runner published it.',
    remedy: 'Nothing, if it was deleted on purpose: the runner ends. Otherwise create the stream again.',
  },
  NOT_STARTED: {
    retryable: true,
    meaning: 'The stream could not be opened, because the media store or the live edge does not answer.',
    remedy: 'Read the cause; the runner can be started again as soon as both answer.',
  },
});
