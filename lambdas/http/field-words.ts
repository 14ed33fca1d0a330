/** What is wrong with one field of a request, in words for the person who sent it; never its value. */
import type { z } from 'zod';

type RawIssue = Parameters<z.core.$ZodErrorMap>[0];

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

/** @returns undefined where the schema's own words, or those of its library, say it best. */
export function wordsOf(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is missing' : `must be ${TYPES[issue.expected] ?? issue.expected}`;
    case 'too_small':
      return bound(issue.origin, 'at least', issue.minimum);
    case 'too_big':
      return bound(issue.origin, 'at most', issue.maximum);
    case 'invalid_value':
      return `must be ${oneOf(issue.values)}`;
    case 'invalid_union':
      return unionWords(issue);
    case 'unrecognized_keys':
      return 'there is no such field here';
    default:
      return undefined;
  }
}

function bound(origin: string, which: string, limit: number | bigint): string {
  if (origin === 'string') return `must have ${which} ${limit} character${limit === 1 ? '' : 's'}`;
  if (origin === 'array') return `must have ${which} ${limit} ${limit === 1 ? 'entry' : 'entries'}`;
  return `must be ${which} ${limit}`;
}

/** A union of constants, or one that a field tells apart. */
function unionWords(issue: Extract<RawIssue, { code: 'invalid_union' }>): string | undefined {
  if (Array.isArray(issue.options)) return `must be ${oneOf(issue.options)}`;
  const inner = issue.errors.flat();
  const values = inner.flatMap((error) => (error.code === 'invalid_value' ? error.values : []));
  return values.length > 0 && values.length === inner.length ? `must be ${oneOf(values)}` : undefined;
}

function oneOf(values: readonly unknown[]): string {
  const words = values.map(String);
  const last = words.pop() ?? '';
  return words.length === 0 ? last : `${words.join(', ')} or ${last}`;
}
