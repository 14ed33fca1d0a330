/**
 * Answers that wait in the registry for a repeated request hold tickets and session tokens. They are sealed
 * with a key made of the request itself, which the registry never sees: only who repeats the request can read
 * the answer.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

const NONCE_BYTE_COUNT = 12;
const TAG_BYTE_COUNT = 16;

/** @param parts what only the caller knows: the Idempotency-Key and the body. */
export function sealingKey(parts: readonly (string | Uint8Array)[]): Buffer {
  const hash = createHash('sha256').update('mirror-sealed-answer');
  for (const part of parts) hash.update(createHash('sha256').update(part).digest());
  return hash.digest();
}

export function sealed(text: string, key: Buffer): string {
  const nonce = randomBytes(NONCE_BYTE_COUNT);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url');
}

/** @throws Error when it was sealed with another key, or changed. */
export function opened(text: string, key: Buffer): string {
  const bytes = Buffer.from(text, 'base64url');
  const nonce = bytes.subarray(0, NONCE_BYTE_COUNT);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTE_COUNT });
  decipher.setAuthTag(bytes.subarray(NONCE_BYTE_COUNT, NONCE_BYTE_COUNT + TAG_BYTE_COUNT));
  const body = bytes.subarray(NONCE_BYTE_COUNT + TAG_BYTE_COUNT);
  return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
}
