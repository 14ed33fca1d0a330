/** Tells whether a caller knows the passphrase, from the key that it wrapped with it (SRT draft §3.2.2, §6.1). */
import { createDecipheriv, pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify(pbkdf2);

const FIXED_BYTES = 16;
/** Version 1, packet type 2 (key material), and the signature "HAI" (§3.2.2). */
const FIRST_BYTE = 0x12;
const SIGNATURE = 0x2029;
const ITERATION_COUNT = 2048;
const SALT_BYTES = 16;
/** PBKDF2 takes the last 64 bits of the salt (§6.1.4). */
const DERIVATION_SALT_BYTES = 8;
const WRAP_OVERHEAD_BYTES = 8;
/** RFC 3394 §2.2.3.1. */
const WRAP_INITIAL_VALUE = Buffer.alloc(8, 0xa6);
const CIPHERS: Readonly<Record<number, string>> = {
  16: 'id-aes128-wrap',
  24: 'id-aes192-wrap',
  32: 'id-aes256-wrap',
};

export type KeyVerdict = 'right' | 'wrong' | 'unreadable';

export async function verifyPassphrase(keyMaterial: Buffer, passphrase: string): Promise<KeyVerdict> {
  if (keyMaterial.length < FIXED_BYTES + SALT_BYTES) return 'unreadable';
  if (keyMaterial[0] !== FIRST_BYTE || keyMaterial.readUInt16BE(1) !== SIGNATURE) return 'unreadable';
  const keyFlags = (keyMaterial[3] ?? 0) & 3;
  const keyCount = keyFlags === 3 ? 2 : 1;
  const saltBytes = (keyMaterial[14] ?? 0) * 4;
  const keyBytes = (keyMaterial[15] ?? 0) * 4;
  const cipher = CIPHERS[keyBytes];
  const wrapped = keyMaterial.subarray(FIXED_BYTES + saltBytes);
  const wrappedBytes = keyCount * keyBytes + WRAP_OVERHEAD_BYTES;
  if (keyFlags === 0 || saltBytes !== SALT_BYTES || cipher === undefined || wrapped.length < wrappedBytes)
    return 'unreadable';
  const salt = keyMaterial.subarray(
    FIXED_BYTES + SALT_BYTES - DERIVATION_SALT_BYTES,
    FIXED_BYTES + SALT_BYTES,
  );
  const keyEncryptionKey = await derive(passphrase, salt, ITERATION_COUNT, keyBytes, 'sha1');
  return unwraps(cipher, keyEncryptionKey, wrapped.subarray(0, wrappedBytes)) ? 'right' : 'wrong';
}

function unwraps(cipher: string, key: Buffer, wrapped: Buffer): boolean {
  const decipher = createDecipheriv(cipher, key, WRAP_INITIAL_VALUE);
  try {
    decipher.update(wrapped);
    decipher.final();
    return true;
  } catch (error) {
    // The integrity value did not come out (RFC 3394 §2.2.3): another passphrase wrapped it.
    if (error instanceof Error) return false;
    throw error;
  }
}
