/** From what the encoders declare (EncoderConfig) to what the init segment and the playlist say of them. */
import type { AudioProfile, VideoProfile } from '../../domain/profile.ts';
import { NAL_TYPE, nalType, splitAnnexB } from './annex-b.ts';
import { packagerErrors } from './errors.ts';
import { parseSequenceParameterSet, type SequenceParameterSet } from './sequence-parameter-set.ts';

export interface VideoConfiguration {
  /** NAL units without start codes. */
  readonly spsNalUnit: Uint8Array;
  readonly ppsNalUnit: Uint8Array;
  readonly sps: SequenceParameterSet;
  /** RFC 6381 §3.3: `avc1.` and profile, constraints and level in hexadecimal. */
  readonly codecs: string;
}

/**
 * @param extradata Annex B with one SPS and one PPS; other NAL units (SEI) are passed over.
 * @throws MirrorError `PACKAGER_BAD_PARAMETER_SETS`, `PACKAGER_PROFILE_MISMATCH`.
 */
export function videoConfigurationOf(extradata: Uint8Array, profile: VideoProfile): VideoConfiguration {
  const units = splitAnnexB(extradata);
  const spsNalUnit = onlyUnit(units, NAL_TYPE.sequenceParameterSet, 'SPS');
  const ppsNalUnit = onlyUnit(units, NAL_TYPE.pictureParameterSet, 'PPS');
  const sps = parseSequenceParameterSet(spsNalUnit);
  if (sps.widthPx !== profile.widthPx || sps.heightPx !== profile.heightPx) {
    throw packagerErrors.create(
      'PROFILE_MISMATCH',
      `Pictures are ${sps.widthPx}x${sps.heightPx}, the profile says ${profile.widthPx}x${profile.heightPx}.`,
    );
  }
  const hex = (byte: number) => byte.toString(16).padStart(2, '0');
  const codecs = `avc1.${hex(sps.profileIdc)}${hex(sps.constraints)}${hex(sps.levelIdc)}`;
  return { spsNalUnit, ppsNalUnit, sps, codecs };
}

function onlyUnit(units: readonly Uint8Array[], type: number, name: string): Uint8Array {
  const found = units.filter((unit) => nalType(unit) === type);
  const unit = found[0];
  // A parameter set of fewer than four bytes cannot hold its mandatory fields.
  if (found.length !== 1 || unit === undefined || (type === NAL_TYPE.sequenceParameterSet && unit.length < 4))
    throw packagerErrors.create('BAD_PARAMETER_SETS', `Expected one ${name}, found ${found.length}.`);
  return Uint8Array.from(unit);
}

export interface AudioConfiguration {
  readonly audioSpecificConfig: Uint8Array;
  /** RFC 6381 §3.3: `mp4a.40.` and the audio object type. */
  readonly codecs: string;
}

const AAC_LC_OBJECT_TYPE = 2;
/** samplingFrequencyIndex (ISO 14496-3 table 1.18); 15 means that the rate itself follows. */
const SAMPLE_RATES_HZ = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
];
const EXPLICIT_SAMPLE_RATE_INDEX = 15;

/**
 * @param audioSpecificConfig ISO 14496-3 §1.6.2.1.
 * @throws MirrorError `PACKAGER_BAD_AUDIO_CONFIG`, `PACKAGER_PROFILE_MISMATCH`.
 */
export function audioConfigurationOf(
  audioSpecificConfig: Uint8Array,
  profile: AudioProfile,
): AudioConfiguration {
  const [first, second] = audioSpecificConfig;
  if (first === undefined || second === undefined) {
    throw packagerErrors.create('BAD_AUDIO_CONFIG', `It has ${audioSpecificConfig.byteLength} bytes.`);
  }
  const objectType = first >> 3;
  if (objectType !== AAC_LC_OBJECT_TYPE)
    throw packagerErrors.create(
      'BAD_AUDIO_CONFIG',
      `Its audio object type is ${objectType}, not 2 (AAC-LC).`,
    );
  const rateIndex = ((first & 7) << 1) | (second >> 7);
  if (rateIndex === EXPLICIT_SAMPLE_RATE_INDEX)
    throw packagerErrors.create('BAD_AUDIO_CONFIG', 'Its sampling rate is none of the standard ones.');
  const sampleRateHz = SAMPLE_RATES_HZ[rateIndex];
  const channelCount = (second >> 3) & 15;
  if (sampleRateHz !== profile.sampleRateHz || channelCount !== profile.channelCount) {
    throw packagerErrors.create(
      'PROFILE_MISMATCH',
      `Audio is ${sampleRateHz ?? 'of an unknown rate in'} Hz with ${channelCount} channels, the profile says ` +
        `${profile.sampleRateHz} Hz with ${profile.channelCount}.`,
    );
  }
  return {
    audioSpecificConfig: Uint8Array.from(audioSpecificConfig),
    codecs: `mp4a.40.${objectType}`,
  };
}
