import { expect, test } from 'vitest';
import { defineErrors, MirrorError, messageOf } from '../../../domain/errors.ts';

const errors = defineErrors('TEST', {
  BROKEN: { retryable: true, meaning: 'The thing is broken.', remedy: 'Mend it.' },
  GONE: { retryable: false, meaning: 'The thing is gone.', remedy: 'Bring it back.' },
});

test('an error carries its code, what happened, what to do and its cause', () => {
  const cause = new Error('below');
  const error = errors.create('BROKEN', 'Port 9001.', { cause });
  expect(error).toBeInstanceOf(MirrorError);
  expect(error).toMatchObject({
    code: 'TEST_BROKEN',
    retryable: true,
    message: 'The thing is broken. Port 9001.',
    remedy: 'Mend it.',
    cause,
  });
});

test('a family tells its own errors from each other and from foreign ones', () => {
  expect(errors.is(errors.create('BROKEN'), 'BROKEN')).toBe(true);
  expect(errors.is(errors.create('GONE'), 'BROKEN')).toBe(false);
  expect(errors.is(new Error('TEST_BROKEN'), 'BROKEN')).toBe(false);
});

test('anything thrown has a message', () => {
  expect(messageOf(new Error('words'))).toBe('words');
  expect(messageOf('a string')).toBe('a string');
  expect(messageOf(undefined)).toBe('undefined');
});
