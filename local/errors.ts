/** What can go wrong when everything is started on one machine. Each is one sentence for the person at the terminal. */
import { defineErrors } from '../domain/errors.ts';

export const localErrors = defineErrors('LOCAL', {
  PORT_BUSY: {
    retryable: true,
    meaning: 'The port is taken by another program.',
    remedy: 'Choose another with npm start -- --port, or end the other program.',
  },
  PORT_FORBIDDEN: {
    retryable: false,
    meaning: 'This user may not listen on the port.',
    remedy: 'Choose a port above 1023 with npm start -- --port.',
  },
  NO_FEED_PORT: {
    retryable: true,
    meaning: 'No free UDP port was found for a feed.',
    remedy: 'End programs that hold UDP ports from 9001 on.',
  },
  DATA_DIR_UNUSABLE: {
    retryable: true,
    meaning: 'The data directory cannot be written.',
    remedy: 'Name one that this user may write, on a disk with space, with npm start -- --data-dir.',
  },
  DATA_DIR_IN_USE: {
    retryable: true,
    meaning: 'Another mirror runs on this data directory.',
    remedy: 'End it, or choose another directory with npm start -- --data-dir.',
  },
  CODEC_MISSING: {
    retryable: false,
    meaning: 'The media library (node-av) cannot be loaded on this machine.',
    remedy: 'It exists for Linux (glibc), macOS and Windows on x64 and arm64: use one of them.',
  },
  NO_NVIDIA: {
    retryable: false,
    meaning: 'There is no NVIDIA GPU that this program can use.',
    remedy: 'Install its driver and let this user use it, or start without --hardware nvidia.',
  },
  BAD_CERTIFICATE: {
    retryable: false,
    meaning: 'The TLS certificate or its key cannot be used.',
    remedy: 'Give both --cert and --key as PEM files that belong together, or neither.',
  },
  SECRETS_UNREADABLE: {
    retryable: false,
    meaning: 'The secrets of the data directory cannot be read.',
    remedy: 'Make the file readable, or delete it: keys and the operator token are then made anew.',
  },
  REDIS_UNUSABLE: {
    retryable: true,
    meaning: 'The Redis of --redis cannot be used.',
    remedy: 'Check that it runs, and the URL with its password.',
  },
  S3_UNUSABLE: {
    retryable: true,
    meaning: 'The bucket of --s3 cannot be used.',
    remedy:
      'Check that the server runs, that the bucket of --s3-bucket exists, and AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
  },
  PAGE_BROKEN: {
    retryable: false,
    meaning: 'The page could not be bundled.',
    remedy: 'The lines above name the file.',
  },
});
