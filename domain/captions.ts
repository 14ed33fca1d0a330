/**
 * CEA-608/708 captions in H.264: user data registered by ITU-T T.35 in an SEI message (H.264 §D.1.6, ATSC A/53
 * Part 4 §6.2.3).
 */

/** One construct of cc_data: two bytes of text or command, and which service they belong to. */
export interface CaptionConstruct {
  /** 0 and 1 are the fields of CEA-608; 2 and 3 are packets of CEA-708. */
  readonly kind: number;
  readonly first: number;
  readonly second: number;
}

/** H.264 table 7-1. */
export const SEI_NAL_TYPE = 6;
const T35_PAYLOAD_TYPE = 4;
/** United States, ATSC, "GA94", cc_data. */
const CAPTION_PREFIX = [0xb5, 0x00, 0x31, 0x47, 0x41, 0x39, 0x34, 0x03];

/**
 * The captions of one NAL unit, in order; empty when it has none. Never throws, whatever the bytes.
 *
 * @param unit without start code or length.
 */
export function captionsOfNalUnit(unit: Uint8Array): CaptionConstruct[] {
  if (((unit[0] ?? 0) & 0x1f) !== SEI_NAL_TYPE) return [];
  const bytes = withoutEmulationPrevention(unit.subarray(1));
  const found: CaptionConstruct[] = [];
  let offset = 0;
  // The last byte holds the trailing bits.
  while (offset + 2 < bytes.byteLength) {
    const type = readExtended(bytes, offset);
    const size = readExtended(bytes, type.end);
    if (type.value === T35_PAYLOAD_TYPE)
      found.push(...captionsOfPayload(bytes.subarray(size.end, size.end + size.value)));
    offset = size.end + size.value;
  }
  return found;
}

/** Numbers that grow by bytes of 255 (H.264 §7.3.2.3.1). */
function readExtended(bytes: Uint8Array, start: number): { value: number; end: number } {
  let value = 0;
  let end = start;
  while (bytes[end] === 0xff) {
    value += 0xff;
    end += 1;
  }
  return { value: value + (bytes[end] ?? 0), end: end + 1 };
}

function captionsOfPayload(payload: Uint8Array): CaptionConstruct[] {
  if (CAPTION_PREFIX.some((byte, index) => payload[index] !== byte)) return [];
  const flags = payload[CAPTION_PREFIX.length] ?? 0;
  const isProcessed = (flags & 0x40) !== 0;
  const constructs: CaptionConstruct[] = [];
  // After the flags comes a byte without meaning.
  let offset = CAPTION_PREFIX.length + 2;
  for (let count = isProcessed ? flags & 0x1f : 0; count > 0; count -= 1, offset += 3) {
    const [marker, first, second] = payload.subarray(offset, offset + 3);
    if (marker === undefined || first === undefined || second === undefined) break;
    const isValid = (marker & 0x04) !== 0;
    if (isValid) constructs.push({ kind: marker & 0x03, first, second });
  }
  return constructs;
}

/** Takes out the byte 3 that keeps data from looking like a start code (H.264 §7.4.1). */
function withoutEmulationPrevention(bytes: Uint8Array): Uint8Array {
  const kept = new Uint8Array(bytes.byteLength);
  let length = 0;
  let zeroCount = 0;
  for (const byte of bytes) {
    if (zeroCount >= 2 && byte === 3) {
      zeroCount = 0;
      continue;
    }
    zeroCount = byte === 0 ? zeroCount + 1 : 0;
    kept[length] = byte;
    length += 1;
  }
  return kept.subarray(0, length);
}
