import { defineErrors } from '../../domain/errors.ts';

/** What can go wrong while a feed is turned into the rendition. */
export const transcodeErrors = defineErrors('TRANSCODE', {
  NO_NVIDIA: {
    retryable: false,
    meaning: 'The NVIDIA path was asked for, but this machine cannot run it.',
    remedy: 'Install the NVIDIA driver and pass the GPU to this process, or start with --hardware=cpu.',
  },
  MISSING_CODEC: {
    retryable: false,
    meaning: 'The FFmpeg inside node-av lacks a codec or filter that the rendition needs.',
    remedy: 'Install the node-av version that package-lock.json names, with its platform package.',
  },
  ENCODER_FAILED: {
    retryable: true,
    meaning: 'An encoder refused its settings or a frame.',
    remedy: 'Restart the runner; if it happens again, report the log line with the encoder name.',
  },
  FILTER_FAILED: {
    retryable: true,
    meaning: 'The pictures or sound of the feed could not be converted to the rendition.',
    remedy: 'Check the size, pixel format and channel layout of the feed in the status of the stream.',
  },
});
