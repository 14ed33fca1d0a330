/**
 * H.264 byte streams (ITU-T H.264 Annex B, as encoders give them) into samples of an MP4 track, which hold
 * NAL units with a length before each (ISO 14496-15 §5.3.3.1).
 */
import { packagerErrors } from './errors.ts';

/** nal_unit_type (ITU-T H.264 table 7-1). */
export const NAL_TYPE = {
  slice: 1,
  idrSlice: 5,
  sequenceParameterSet: 7,
  pictureParameterSet: 8,
  accessUnitDelimiter: 9,
  fillerData: 12,
} as const;

/** Bytes of the length before each NAL unit; the avcC says the same (lengthSizeMinusOne). */
export const NAL_LENGTH_BYTE_COUNT = 4;

export function nalType(nalUnit: Uint8Array): number {
  return (nalUnit[0] ?? 0) & 0x1f;
}

/**
 * The NAL units of a byte stream, without start codes and without the zero bytes that may follow a unit.
 * The results are views into `bytes`. Bytes before the first start code are an error of the caller; they
 * give no unit.
 */
export function splitAnnexB(bytes: Uint8Array): Uint8Array[] {
  const units: Uint8Array[] = [];
  let start = startCodeAt(bytes, 0);
  while (start !== undefined) {
    const next = startCodeAt(bytes, start + 3);
    let end = next ?? bytes.byteLength;
    // trailing_zero_8bits and the zero_byte of the next start code belong to no unit (Annex B.1.1).
    while (end > start + 3 && bytes[end - 1] === 0) end -= 1;
    if (end > start + 3) units.push(bytes.subarray(start + 3, end));
    start = next;
  }
  return units;
}

/** Offset of the next 00 00 01 at or after `from`. */
function startCodeAt(bytes: Uint8Array, from: number): number | undefined {
  for (let one = bytes.indexOf(1, from + 2); one !== -1; one = bytes.indexOf(1, one + 1))
    if (bytes[one - 1] === 0 && bytes[one - 2] === 0) return one - 2;
  return undefined;
}

/** One video sample, ready for an mdat. */
export interface VideoSample {
  readonly bytes: Uint8Array;
  /** Holds an IDR picture, whatever the encoder's flag says: only that is a random access point (CMAF). */
  readonly independent: boolean;
}

/**
 * Makes a sample of one access unit. What the sample entry already says (parameter sets), and what only a
 * byte stream needs (delimiters, filler), stays out.
 *
 * @param accessUnit Annex B.
 * @param known the parameter sets of the init segment.
 * @throws MirrorError `PACKAGER_BAD_ACCESS_UNIT`, `PACKAGER_PARAMETER_SETS_CHANGED`.
 */
export function videoSampleOf(accessUnit: Uint8Array, known: readonly Uint8Array[]): VideoSample {
  const kept: Uint8Array[] = [];
  let independent = false;
  let hasSlice = false;
  for (const unit of splitAnnexB(accessUnit)) {
    const type = nalType(unit);
    if (type === NAL_TYPE.accessUnitDelimiter || type === NAL_TYPE.fillerData) continue;
    if (type === NAL_TYPE.sequenceParameterSet || type === NAL_TYPE.pictureParameterSet) {
      if (!known.some((set) => equalBytes(set, unit))) {
        throw packagerErrors.create('PARAMETER_SETS_CHANGED');
      }
      continue;
    }
    if (type === NAL_TYPE.idrSlice) independent = true;
    // Types 1 to 5 carry slices (table 7-1).
    if (type >= NAL_TYPE.slice && type <= NAL_TYPE.idrSlice) hasSlice = true;
    kept.push(unit);
  }
  if (!hasSlice) {
    throw packagerErrors.create('BAD_ACCESS_UNIT', `${accessUnit.byteLength} bytes without a slice.`);
  }
  return { bytes: lengthPrefixed(kept), independent };
}

function lengthPrefixed(units: readonly Uint8Array[]): Uint8Array {
  const byteCount = units.reduce((sum, unit) => sum + NAL_LENGTH_BYTE_COUNT + unit.byteLength, 0);
  const bytes = new Uint8Array(byteCount);
  const view = new DataView(bytes.buffer);
  let offset = 0;
  for (const unit of units) {
    view.setUint32(offset, unit.byteLength);
    bytes.set(unit, offset + NAL_LENGTH_BYTE_COUNT);
    offset += NAL_LENGTH_BYTE_COUNT + unit.byteLength;
  }
  return bytes;
}

export function equalBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.byteLength === other.byteLength && one.every((byte, index) => byte === other[index]);
}
