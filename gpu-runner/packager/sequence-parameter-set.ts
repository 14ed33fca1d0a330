/** Reads what the init segment needs of an H.264 sequence parameter set (ITU-T H.264 §7.3.2.1.1). */
import { packagerErrors } from './errors.ts';

export interface SequenceParameterSet {
  readonly profileIdc: number;
  /** constraint_set flags and reserved bits: the byte between profile and level. */
  readonly constraints: number;
  readonly levelIdc: number;
  /** 1 is 4:2:0. */
  readonly chromaFormatIdc: number;
  readonly bitDepthLuma: number;
  readonly bitDepthChroma: number;
  readonly widthPx: number;
  readonly heightPx: number;
}

/** Profiles whose parameter sets say the chroma format (§7.3.2.1.1). */
export const PROFILES_WITH_CHROMA_FORMAT = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134]);
const MACROBLOCK_SIZE_PX = 16;

/**
 * @param nalUnit the SPS with its NAL header byte, without start code.
 * @throws MirrorError `PACKAGER_BAD_PARAMETER_SETS` when it is cut short or nonsense.
 */
export function parseSequenceParameterSet(nalUnit: Uint8Array): SequenceParameterSet {
  const bits = new BitReader(withoutEmulationPrevention(nalUnit.subarray(1)));
  const profileIdc = bits.read(8);
  const constraints = bits.read(8);
  const levelIdc = bits.read(8);
  bits.readUnsignedExpGolomb(); // seq_parameter_set_id
  const chroma = { formatIdc: 1, bitDepthLuma: 8, bitDepthChroma: 8 };
  if (PROFILES_WITH_CHROMA_FORMAT.has(profileIdc)) {
    chroma.formatIdc = bits.readUnsignedExpGolomb();
    if (chroma.formatIdc === 3) bits.read(1); // separate_colour_plane_flag
    chroma.bitDepthLuma = bits.readUnsignedExpGolomb() + 8;
    chroma.bitDepthChroma = bits.readUnsignedExpGolomb() + 8;
    bits.read(1); // qpprime_y_zero_transform_bypass_flag
    if (bits.read(1) === 1) skipScalingMatrix(bits, chroma.formatIdc);
  }
  bits.readUnsignedExpGolomb(); // log2_max_frame_num_minus4
  skipPictureOrderCount(bits);
  bits.readUnsignedExpGolomb(); // max_num_ref_frames
  bits.read(1); // gaps_in_frame_num_value_allowed_flag
  const size = readSize(bits, chroma.formatIdc);
  return {
    profileIdc,
    constraints,
    levelIdc,
    chromaFormatIdc: chroma.formatIdc,
    bitDepthLuma: chroma.bitDepthLuma,
    bitDepthChroma: chroma.bitDepthChroma,
    ...size,
  };
}

/** Picture size in pixels after cropping (§7.4.2.1.1). */
function readSize(bits: BitReader, chromaFormatIdc: number): { widthPx: number; heightPx: number } {
  const widthInMacroblocks = bits.readUnsignedExpGolomb() + 1;
  const heightInMapUnits = bits.readUnsignedExpGolomb() + 1;
  const frameMacroblocksOnly = bits.read(1);
  if (frameMacroblocksOnly === 0) bits.read(1); // mb_adaptive_frame_field_flag
  bits.read(1); // direct_8x8_inference_flag
  const crop = { left: 0, right: 0, top: 0, bottom: 0 };
  if (bits.read(1) === 1) {
    crop.left = bits.readUnsignedExpGolomb();
    crop.right = bits.readUnsignedExpGolomb();
    crop.top = bits.readUnsignedExpGolomb();
    crop.bottom = bits.readUnsignedExpGolomb();
  }
  const fieldFactor = 2 - frameMacroblocksOnly;
  const cropUnitX = chromaFormatIdc === 1 || chromaFormatIdc === 2 ? 2 : 1;
  const cropUnitY = (chromaFormatIdc === 1 ? 2 : 1) * fieldFactor;
  return {
    widthPx: widthInMacroblocks * MACROBLOCK_SIZE_PX - cropUnitX * (crop.left + crop.right),
    heightPx: heightInMapUnits * MACROBLOCK_SIZE_PX * fieldFactor - cropUnitY * (crop.top + crop.bottom),
  };
}

function skipPictureOrderCount(bits: BitReader): void {
  const type = bits.readUnsignedExpGolomb();
  if (type === 0) {
    bits.readUnsignedExpGolomb(); // log2_max_pic_order_cnt_lsb_minus4
  } else if (type === 1) {
    bits.read(1); // delta_pic_order_always_zero_flag
    bits.readSignedExpGolomb(); // offset_for_non_ref_pic
    bits.readSignedExpGolomb(); // offset_for_top_to_bottom_field
    const count = bits.readUnsignedExpGolomb();
    for (let index = 0; index < count; index += 1) bits.readSignedExpGolomb();
  }
}

function skipScalingMatrix(bits: BitReader, chromaFormatIdc: number): void {
  const listCount = chromaFormatIdc === 3 ? 12 : 8;
  for (let list = 0; list < listCount; list += 1) {
    if (bits.read(1) === 0) continue;
    const coefficientCount = list < 6 ? 16 : 64;
    let last = 8;
    let next = 8;
    for (let index = 0; index < coefficientCount; index += 1) {
      if (next !== 0) next = (last + bits.readSignedExpGolomb() + 256) % 256;
      last = next === 0 ? last : next;
    }
  }
}

/** 00 00 03 stands for 00 00 inside a NAL unit (§7.4.1). */
function withoutEmulationPrevention(bytes: Uint8Array): Uint8Array {
  return bytes.filter((byte, index) => !(byte === 3 && bytes[index - 1] === 0 && bytes[index - 2] === 0));
}

/** Most zero bits before the one of an Exp-Golomb code: more do not fit into 32 bits (§9.1). */
const MAX_EXP_GOLOMB_ZERO_COUNT = 31;

class BitReader {
  private readonly bytes: Uint8Array;
  private bitOffset = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** @param bitCount 1 to 32. */
  read(bitCount: number): number {
    let value = 0;
    for (let index = 0; index < bitCount; index += 1) {
      const byte = this.bytes[this.bitOffset >> 3];
      if (byte === undefined) throw packagerErrors.create('BAD_PARAMETER_SETS', 'The SPS is cut short.');
      value = value * 2 + ((byte >> (7 - (this.bitOffset & 7))) & 1);
      this.bitOffset += 1;
    }
    return value;
  }

  readUnsignedExpGolomb(): number {
    let zeroCount = 0;
    while (this.read(1) === 0) {
      zeroCount += 1;
      if (zeroCount > MAX_EXP_GOLOMB_ZERO_COUNT)
        throw packagerErrors.create('BAD_PARAMETER_SETS', 'The SPS holds a number that is too large.');
    }
    return zeroCount === 0 ? 0 : 2 ** zeroCount - 1 + this.read(zeroCount);
  }

  readSignedExpGolomb(): number {
    const code = this.readUnsignedExpGolomb();
    return code % 2 === 1 ? (code + 1) / 2 : -code / 2;
  }
}
