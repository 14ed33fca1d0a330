import { defineErrors } from '../domain/errors.ts';

export const runnerErrors = defineErrors('RUNNER', {
  BAD_CONFIG: {
    retryable: false,
    meaning: 'The configuration of the runner is wrong.',
    remedy: 'Correct every line that is named; gpu-runner/README.md lists what there is.',
  },
  ENDED_EARLY: {
    retryable: true,
    meaning: 'A part of the runner ended although nobody asked it to.',
    remedy: 'Nothing: the runner is started again. If it repeats, report the log lines before it.',
  },
});
