/** Which object keys the stores accept. The same rule for all, so that a key that works on disk works on S3. */
import { storeErrors } from './errors.ts';

/** S3 allows 1,024 bytes; a path on disk needs room for the data directory. */
const MAX_KEY_CHARACTER_COUNT = 512;
const SEGMENT = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,128}$/;

/** @throws MirrorError `STORE_BAD_KEY` for anything that could leave the store's directory or confuse a URL. */
export function assertKey(key: string): void {
  const sound = key.length <= MAX_KEY_CHARACTER_COUNT && key.split('/').every((name) => SEGMENT.test(name));
  if (!sound) throw storeErrors.create('BAD_KEY', JSON.stringify(key.slice(0, MAX_KEY_CHARACTER_COUNT)));
}

/**
 * A prefix must end with a slash: it names a folder, since that is all that a disk and an S3 directory bucket
 * can list by.
 */
export function assertPrefix(prefix: string): void {
  if (!prefix.endsWith('/'))
    throw storeErrors.create('BAD_KEY', `The prefix ${prefix} must end with a slash.`);
  assertKey(prefix.slice(0, -1));
}

/** Live parts go when they are old. Init segments stay as long as their stream. */
export function isPartKey(key: string): boolean {
  return /(?:^|\/)\d+\.\d+\.m4s$/.test(key);
}
