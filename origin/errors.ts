import { defineErrors } from '../domain/errors.ts';

export const originErrors = defineErrors('ORIGIN', {
  BAD_CONFIG: {
    retryable: false,
    meaning: 'The configuration of the origin is wrong.',
    remedy: 'Correct every line that is named; origin/config.ts lists what there is.',
  },
  CANNOT_LISTEN: {
    retryable: true,
    meaning: 'The origin cannot listen on its port.',
    remedy: 'Stop what uses the port, or set MIRROR_PORT to another.',
  },
});
