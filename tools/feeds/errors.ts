import { defineErrors } from '../../domain/errors.ts';

export const feedErrors = defineErrors('FEED', {
  OPTIONS: {
    retryable: false,
    meaning: 'The options of the feed do not fit together.',
    remedy: 'Correct the option named here; npm run feed -- --help lists all of them.',
  },
  CODEC: {
    retryable: false,
    meaning: 'The media library refused the codec settings.',
    remedy: 'Choose another codec, size or frame rate.',
  },
  CONNECT: {
    retryable: true,
    meaning: 'The receiver could not be reached.',
    remedy: 'Check address, port and passphrase, and that the stream is started and waiting.',
  },
  SEND: {
    retryable: true,
    meaning: 'The connection to the receiver broke.',
    remedy: 'Start the feed again; the receiver takes the next sender on the same port.',
  },
});
