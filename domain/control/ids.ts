/** Names and secrets made of random bytes. The bytes come from outside: this file only spells them. */

export interface Randomness {
  /** Cryptographically strong. */
  bytes(count: number): Uint8Array;
}

/** Crockford's base 32 in lower case: no letter that reads like a digit, safe in every name. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** Random characters of 5 bits each. */
export function randomText(randomness: Randomness, charCount: number): string {
  let text = '';
  for (const byte of randomness.bytes(charCount)) text += ALPHABET[byte & 31] ?? '';
  return text;
}

/** 60 bits: unique among the few hundred streams of an environment, and short enough to type. */
export function newStreamId(randomness: Randomness): string {
  return `s-${randomText(randomness, 12)}`;
}

export function newStartId(randomness: Randomness): string {
  return randomText(randomness, 12);
}

/** 130 bits: a session id is part of a URL, but its token and not the id is the key to it. */
export function newSessionId(randomness: Randomness): string {
  return randomText(randomness, 26);
}

export function newTicketId(randomness: Randomness): string {
  return randomText(randomness, 26);
}

/** 120 bits, within the 10 to 79 characters that SRT takes. */
export function newPassphrase(randomness: Randomness): string {
  return randomText(randomness, 24);
}
