/** Text from callers that will end in answers, logs, tags and tables. */
import * as z from 'zod';

/**
 * One line without control or bidirectional characters: neither a log line nor a table can be forged with
 * it. Length counts UTF-16 units.
 */
export function plainText(charCountMax: number, charCountMin = 1) {
  return z
    .string()
    .min(charCountMin)
    .max(charCountMax)
    .regex(
      /^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]*$/u,
      'must be one line without control, formatting or unpaired surrogate characters',
    );
}
