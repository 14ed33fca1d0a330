/** The sample entries of both tracks: what a decoder must know before the first sample. */
import { box, concatBytes, fourCc, fullBox, u8, u16, u32 } from '../../domain/cmaf/box.ts';
import type { AudioProfile, VideoProfile } from '../../domain/profile.ts';
import { NAL_LENGTH_BYTE_COUNT } from './annex-b.ts';
import type { AudioConfiguration, VideoConfiguration } from './codec-configuration.ts';
import { PROFILES_WITH_CHROMA_FORMAT } from './sequence-parameter-set.ts';

/** Which entry of `dref` holds the media: the first, which says "this file" (ISO 14496-12 §8.5.2.2). */
const DATA_REFERENCE_INDEX = 1;
/** 72 dpi as 16.16 fixed point, the constant that ISO 14496-12 §12.1.3.2 prescribes. */
const RESOLUTION_72_DPI = 0x0048_0000;

/** AVCSampleEntry `avc1` (ISO 14496-15 §5.4.2.1): parameter sets are here and in no sample. */
export function avcSampleEntry(configuration: VideoConfiguration, profile: VideoProfile): Uint8Array {
  return box(
    'avc1',
    new Uint8Array(6), // reserved
    u16(DATA_REFERENCE_INDEX),
    new Uint8Array(16), // pre_defined and reserved
    u16(profile.widthPx, profile.heightPx),
    u32(RESOLUTION_72_DPI, RESOLUTION_72_DPI, 0),
    u16(1), // frame_count: one frame in a sample
    new Uint8Array(32), // compressorname
    u16(0x18, 0xffff), // depth: colour without alpha; pre_defined -1
    avcConfiguration(configuration),
  );
}

/** AVCDecoderConfigurationRecord (ISO 14496-15 §5.3.3.1.2). */
export function avcConfiguration({ sps, spsNalUnit, ppsNalUnit }: VideoConfiguration): Uint8Array {
  const highProfileFields = PROFILES_WITH_CHROMA_FORMAT.has(sps.profileIdc)
    ? u8(
        0xfc | sps.chromaFormatIdc,
        0xf8 | (sps.bitDepthLuma - 8),
        0xf8 | (sps.bitDepthChroma - 8),
        0, // numOfSequenceParameterSetExt
      )
    : new Uint8Array(0);
  return box(
    'avcC',
    u8(1, sps.profileIdc, sps.constraints, sps.levelIdc),
    u8(0xfc | (NAL_LENGTH_BYTE_COUNT - 1)),
    u8(0xe0 | 1), // one SPS
    u16(spsNalUnit.byteLength),
    spsNalUnit,
    u8(1), // one PPS
    u16(ppsNalUnit.byteLength),
    ppsNalUnit,
    highProfileFields,
  );
}

/** MP4AudioSampleEntry `mp4a` (ISO 14496-14 §6.7.2, ISO 14496-12 §12.2.3.2). */
export function aacSampleEntry(configuration: AudioConfiguration, profile: AudioProfile): Uint8Array {
  return box(
    'mp4a',
    new Uint8Array(6), // reserved
    u16(DATA_REFERENCE_INDEX),
    new Uint8Array(8), // reserved
    u16(profile.channelCount),
    u16(16, 0, 0), // samplesize, pre_defined, reserved
    u32(profile.sampleRateHz * 0x1_0000), // 16.16 fixed point
    elementaryStreamDescriptor(configuration, profile),
  );
}

/** Tags of ISO 14496-1 table 1. */
const DESCRIPTOR_TAG = {
  elementaryStream: 3,
  decoderConfig: 4,
  decoderSpecificInfo: 5,
  syncLayerConfig: 6,
} as const;
/** objectTypeIndication: Audio ISO/IEC 14496-3 (ISO 14496-1 table 5). */
const OBJECT_TYPE_MPEG4_AUDIO = 0x40;
/** streamType 5 (AudioStream) in the upper six bits, upStream 0, reserved 1 (ISO 14496-1 §7.2.6.6). */
const AUDIO_STREAM_TYPE = (5 << 2) | 1;
/** A decoder's buffer for AAC-LC: 6144 bits a channel (ISO 14496-3 §4.5.3.1). */
const BUFFER_BYTE_COUNT_PER_CHANNEL = 6144 / 8;

function elementaryStreamDescriptor(configuration: AudioConfiguration, profile: AudioProfile): Uint8Array {
  const bufferByteCount = BUFFER_BYTE_COUNT_PER_CHANNEL * profile.channelCount;
  const decoderConfig = descriptor(
    DESCRIPTOR_TAG.decoderConfig,
    u8(OBJECT_TYPE_MPEG4_AUDIO, AUDIO_STREAM_TYPE),
    u32(bufferByteCount).subarray(1), // 24 bits
    u32(profile.bitrateBps, profile.bitrateBps), // maxBitrate, avgBitrate
    descriptor(DESCRIPTOR_TAG.decoderSpecificInfo, configuration.audioSpecificConfig),
  );
  return fullBox(
    'esds',
    { version: 0, flags: 0 },
    descriptor(
      DESCRIPTOR_TAG.elementaryStream,
      u16(0), // ES_ID, 0 in a file (ISO 14496-14 §4.1.2)
      u8(0), // no dependence, URL or OCR stream
      decoderConfig,
      descriptor(DESCRIPTOR_TAG.syncLayerConfig, u8(2)), // predefined: MP4 file
    ),
  );
}

/** A descriptor of ISO 14496-1 §8.3.3 with a size of one byte, which carries up to 127. */
function descriptor(tag: number, ...payloads: readonly Uint8Array[]): Uint8Array {
  const payload = concatBytes(payloads);
  return concatBytes([u8(tag, payload.byteLength), payload]);
}

/** The `stsd` box with its one entry (ISO 14496-12 §8.5.2). */
export function sampleDescription(entry: Uint8Array): Uint8Array {
  return fullBox('stsd', { version: 0, flags: 0 }, u32(1), entry);
}

/** Handler type of a track (ISO 14496-12 §8.4.3). */
export function handler(type: 'vide' | 'soun'): Uint8Array {
  return fullBox('hdlr', { version: 0, flags: 0 }, u32(0), fourCc(type), new Uint8Array(12), u8(0));
}
