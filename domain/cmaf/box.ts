/**
 * Writing and reading ISO base media boxes (ISO 14496-12 §4.2). A box is its bytes; a container is the
 * concatenation of its children. Nothing here knows what a box means.
 */
import { cmafErrors } from './errors.ts';

/** Bytes of a box header: 32-bit size and four-character type. */
export const BOX_HEADER_BYTE_COUNT = 8;
/** A box of 4 GiB or more needs a 64-bit size, which nothing that mirror writes comes near. */
const MAX_BOX_BYTE_COUNT = 0xffff_ffff;

/** Writes one box: size, type, and the payloads one after the other. */
export function box(type: string, ...payloads: readonly Uint8Array[]): Uint8Array {
  const bytes = concatBytes([new Uint8Array(BOX_HEADER_BYTE_COUNT), ...payloads]);
  if (bytes.byteLength > MAX_BOX_BYTE_COUNT)
    throw cmafErrors.create('TOO_LARGE', `Box ${type}: ${bytes.byteLength} bytes.`);
  new DataView(bytes.buffer).setUint32(0, bytes.byteLength);
  bytes.set(fourCc(type), 4);
  return bytes;
}

/** Writes a box with version and flags (FullBox, ISO 14496-12 §4.2). */
export function fullBox(
  type: string,
  { version, flags }: { version: number; flags: number },
  ...payloads: readonly Uint8Array[]
): Uint8Array {
  return box(type, u32(version * 0x100_0000 + flags), ...payloads);
}

/** A box that was found in a buffer. `payload` is a view into it, not a copy. */
export interface FoundBox {
  readonly type: string;
  /** The whole box with its header. */
  readonly bytes: Uint8Array;
  readonly payload: Uint8Array;
}

/**
 * The boxes that lie in `bytes` one after the other.
 *
 * @throws MirrorError `CMAF_MALFORMED` when a size does not fit; nothing is read outside of `bytes`.
 */
export function readBoxes(bytes: Uint8Array): FoundBox[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const boxes: FoundBox[] = [];
  let offset = 0;
  while (offset < bytes.byteLength) {
    const remaining = bytes.byteLength - offset;
    const byteCount = remaining < BOX_HEADER_BYTE_COUNT ? 0 : view.getUint32(offset);
    if (byteCount < BOX_HEADER_BYTE_COUNT || byteCount > remaining) {
      throw cmafErrors.create(
        'MALFORMED',
        `At byte ${offset}: a box of ${byteCount} bytes where ${remaining} are left.`,
      );
    }
    boxes.push({
      type: String.fromCharCode(...bytes.subarray(offset + 4, offset + 8)),
      bytes: bytes.subarray(offset, offset + byteCount),
      payload: bytes.subarray(offset + BOX_HEADER_BYTE_COUNT, offset + byteCount),
    });
    offset += byteCount;
  }
  return boxes;
}

/**
 * The one child of this type.
 *
 * @throws MirrorError `CMAF_MALFORMED` when there is none or more than one.
 */
export function onlyBox(boxes: readonly FoundBox[], type: string): FoundBox {
  const found = boxes.filter((candidate) => candidate.type === type);
  if (found.length !== 1 || found[0] === undefined)
    throw cmafErrors.create('MALFORMED', `Expected one box ${type}, found ${found.length}.`);
  return found[0];
}

export function concatBytes(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}

export function fourCc(text: string): Uint8Array {
  if (!/^[\x20-\x7e]{4}$/.test(text))
    throw cmafErrors.create('MALFORMED', `"${text}" is not a four-character code.`);
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

export function u8(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values);
}

/** Big-endian 16-bit numbers. */
export function u16(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 2);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of values.entries()) view.setUint16(index * 2, value);
  return bytes;
}

/** Big-endian 32-bit numbers. */
export function u32(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of values.entries()) view.setUint32(index * 4, value);
  return bytes;
}

/** A big-endian 64-bit number; `value` is a whole number from 0 to 2^53 - 1. */
export function u64(value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0)
    throw cmafErrors.create('MALFORMED', `${value} is not a whole number from 0 to 2^53 - 1.`);
  return u32(Math.floor(value / 2 ** 32), value % 2 ** 32);
}
