import { defineErrors } from '../../domain/errors.ts';

/** What can be wrong with an ingest before any feed arrives. A bad feed is an event, not an error. */
export const ingestErrors = defineErrors('INGEST', {
  BAD_SDP: {
    retryable: false,
    meaning: 'The session description (SDP) cannot be received.',
    remedy:
      'Correct the SDP: one m= line with RTP/AVP per track, H264 or H265 video, and a port of this host.',
  },
  UNKNOWN_INPUT_FORMAT: {
    retryable: false,
    meaning: 'This build of FFmpeg lacks a demuxer that the ingest needs.',
    remedy: 'Install the node-av package of the version that package.json names, with its platform package.',
  },
});
