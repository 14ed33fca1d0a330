import { defineErrors } from '../../domain/errors.ts';

export const packagerErrors = defineErrors('PACKAGER', {
  BAD_PARAMETER_SETS: {
    retryable: false,
    meaning: 'The H.264 encoder gave no usable sequence and picture parameter sets.',
    remedy: 'The encoder must run with global headers on, so that its extradata holds one SPS and one PPS.',
  },
  BAD_AUDIO_CONFIG: {
    retryable: false,
    meaning: 'The AAC encoder gave no usable AudioSpecificConfig.',
    remedy:
      'The encoder must be AAC-LC at the rate and channel count of the profile, with global headers on.',
  },
  PROFILE_MISMATCH: {
    retryable: false,
    meaning: 'The encoder makes something else than the profile says.',
    remedy: 'Give the transcoder and the packager the same profile.',
  },
  OFF_GRID: {
    retryable: true,
    meaning: 'A frame does not lie on the grid of its track.',
    remedy: 'Nothing, if it happens once: the part becomes a gap. Otherwise report a bug of the transcoder.',
  },
  BAD_ACCESS_UNIT: {
    retryable: true,
    meaning: 'A frame from the encoder is not an access unit of its codec.',
    remedy: 'Nothing, if it happens once: the part becomes a gap. Otherwise report a bug of the transcoder.',
  },
  PARAMETER_SETS_CHANGED: {
    retryable: false,
    meaning: 'The H.264 encoder changed its parameter sets in the middle of the stream.',
    remedy: 'Encoder settings are constant for the life of a runner: restart it instead of reconfiguring.',
  },
});
