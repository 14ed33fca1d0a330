/** Frame headers of the audio formats that MPEG-TS carries: sync word, length, rate and channels. */
import {
  AV_CODEC_ID_AAC,
  AV_CODEC_ID_AAC_LATM,
  AV_CODEC_ID_AC3,
  AV_CODEC_ID_EAC3,
  AV_CODEC_ID_MP2,
  AV_CODEC_ID_MP3,
  AV_CODEC_ID_OPUS,
  type AVCodecID,
} from 'node-av/constants';
import type { AudioFrameHeader, AudioHeaderReader } from './audio-framing.ts';

/** The reader for a codec in MPEG-TS; undefined for one that comes in whole frames anyway. */
export function audioHeaderReader(codecId: AVCodecID): AudioHeaderReader | undefined {
  if (codecId === AV_CODEC_ID_AAC) return readAdtsHeader;
  if (codecId === AV_CODEC_ID_AAC_LATM) return readLoasHeader;
  if (codecId === AV_CODEC_ID_AC3 || codecId === AV_CODEC_ID_EAC3) return readAc3Header;
  if (codecId === AV_CODEC_ID_MP2 || codecId === AV_CODEC_ID_MP3) return readMpegAudioHeader;
  if (codecId === AV_CODEC_ID_OPUS) return readOpusHeader;
  return undefined;
}

const AAC_RATES_HZ = [
  96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
];
const AAC_CHANNELS = [0, 1, 2, 3, 4, 5, 6, 8];
const ADTS_HEADER_BYTES = 7;

/** AAC in ADTS (ISO 13818-7 §6.2). */
export const readAdtsHeader: AudioHeaderReader = (bytes, offset) => {
  if (byteAt(bytes, offset) !== 0xff || (byteAt(bytes, offset + 1) & 0xf6) !== 0xf0) return undefined;
  const third = byteAt(bytes, offset + 2);
  const fourth = byteAt(bytes, offset + 3);
  const sampleRateHz = AAC_RATES_HZ[(third >> 2) & 0x0f];
  const channelCount = AAC_CHANNELS[((third & 1) << 2) | (fourth >> 6)] ?? 0;
  const byteCount =
    ((fourth & 3) << 11) | (byteAt(bytes, offset + 4) << 3) | (byteAt(bytes, offset + 5) >> 5);
  if (sampleRateHz === undefined || byteCount < ADTS_HEADER_BYTES) return undefined;
  const blockCount = (byteAt(bytes, offset + 6) & 3) + 1;
  return { byteCount, sampleCount: 1024 * blockCount, sampleRateHz, channelCount };
};

/** AAC in LOAS/LATM (ISO 14496-3 §1.7.2); its rate and channels are inside the payload, so 48 kHz stereo is assumed. */
export const readLoasHeader: AudioHeaderReader = (bytes, offset) => {
  const second = byteAt(bytes, offset + 1);
  if (byteAt(bytes, offset) !== 0x56 || (second & 0xe0) !== 0xe0) return undefined;
  const payloadByteCount = ((second & 0x1f) << 8) | byteAt(bytes, offset + 2);
  if (payloadByteCount === 0) return undefined;
  return { byteCount: payloadByteCount + 3, sampleCount: 1024, sampleRateHz: 48_000, channelCount: 2 };
};

const MPEG_RATES_HZ = [44100, 48000, 32000];
/** kbit/s by bitrate index: MPEG-1 layers II and III, MPEG-2 layers II and III (ISO 11172-3 §2.4.2.3, ISO 13818-3). */
const MPEG1_LAYER2_KBPS = [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384];
const MPEG1_LAYER3_KBPS = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const MPEG2_KBPS = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];

/** MPEG audio layers II and III (ISO 11172-3 §2.4.1.3). */
export const readMpegAudioHeader: AudioHeaderReader = (bytes, offset) => {
  const second = byteAt(bytes, offset + 1);
  if (byteAt(bytes, offset) !== 0xff || (second & 0xe0) !== 0xe0) return undefined;
  const version = (second >> 3) & 3; // 3 is MPEG-1, 2 is MPEG-2, 0 is MPEG-2.5
  const layer = 4 - ((second >> 1) & 3);
  if (version === 1 || (layer !== 2 && layer !== 3)) return undefined;
  const third = byteAt(bytes, offset + 2);
  const fullRateHz = MPEG_RATES_HZ[(third >> 2) & 3];
  const kbps = mpegAudioKbps(version, layer, third >> 4);
  if (fullRateHz === undefined || kbps === undefined || kbps === 0) return undefined;
  const sampleRateHz = fullRateHz / (version === 3 ? 1 : version === 2 ? 2 : 4);
  const sampleCount = layer === 3 && version !== 3 ? 576 : 1152;
  const padding = (third >> 1) & 1;
  const byteCount = Math.floor((sampleCount * kbps * 1000) / 8 / sampleRateHz) + padding;
  return { byteCount, sampleCount, sampleRateHz, channelCount: byteAt(bytes, offset + 3) >> 6 === 3 ? 1 : 2 };
};

function mpegAudioKbps(version: number, layer: number, index: number): number | undefined {
  if (version !== 3) return MPEG2_KBPS[index];
  return layer === 2 ? MPEG1_LAYER2_KBPS[index] : MPEG1_LAYER3_KBPS[index];
}

const AC3_RATES_HZ = [48000, 44100, 32000];
const AC3_KBPS = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640];
/** Full-bandwidth channels by acmod (ETSI TS 102 366 §4.4.2.3). */
const AC3_CHANNELS = [2, 1, 2, 3, 3, 4, 4, 5];
const EAC3_BLOCKS = [1, 2, 3, 6];
const AC3_BLOCK_SAMPLES = 256;

/** AC-3 and E-AC-3 (ETSI TS 102 366 §4.3 and §E.1.2). */
export const readAc3Header: AudioHeaderReader = (bytes, offset) => {
  if (byteAt(bytes, offset) !== 0x0b || byteAt(bytes, offset + 1) !== 0x77) return undefined;
  const bitStreamId = byteAt(bytes, offset + 5) >> 3;
  if (bitStreamId > 16) return undefined;
  return bitStreamId > 10 ? eac3Header(bytes, offset) : ac3Header(bytes, offset);
};

function ac3Header(bytes: Uint8Array, offset: number): AudioFrameHeader | undefined {
  const fifth = byteAt(bytes, offset + 4);
  const sampleRateHz = AC3_RATES_HZ[fifth >> 6];
  const sizeCode = fifth & 0x3f;
  const kbps = AC3_KBPS[sizeCode >> 1];
  if (sampleRateHz === undefined || kbps === undefined) return undefined;
  const sampleCount = 6 * AC3_BLOCK_SAMPLES;
  const words = Math.floor((sampleCount * kbps * 1000) / 16 / sampleRateHz);
  const oddWord = sampleRateHz === 44_100 ? sizeCode & 1 : 0;
  const mode = byteAt(bytes, offset + 6) >> 5;
  return {
    byteCount: (words + oddWord) * 2,
    sampleCount,
    sampleRateHz,
    channelCount: (AC3_CHANNELS[mode] ?? 2) + ac3LowFrequencyChannels(bytes, offset, mode),
  };
}

/** The lfeon bit follows the mix levels, which are there or not by the mode (§4.3.1). */
function ac3LowFrequencyChannels(bytes: Uint8Array, offset: number, mode: number): number {
  const hasCenterMix = (mode & 1) !== 0 && mode !== 1;
  const hasSurroundMix = (mode & 4) !== 0;
  const skippedBits = 3 + (hasCenterMix ? 2 : 0) + (hasSurroundMix ? 2 : 0) + (mode === 2 ? 2 : 0);
  const bits = (byteAt(bytes, offset + 6) << 8) | byteAt(bytes, offset + 7);
  return (bits >> (15 - skippedBits)) & 1;
}

function eac3Header(bytes: Uint8Array, offset: number): AudioFrameHeader | undefined {
  const frameWords = (((byteAt(bytes, offset + 2) & 7) << 8) | byteAt(bytes, offset + 3)) + 1;
  const fifth = byteAt(bytes, offset + 4);
  const rateCode = fifth >> 6;
  const halfRateHz = AC3_RATES_HZ[(fifth >> 4) & 3];
  const fullRateHz = AC3_RATES_HZ[rateCode];
  const sampleRateHz = rateCode === 3 ? (halfRateHz === undefined ? undefined : halfRateHz / 2) : fullRateHz;
  if (sampleRateHz === undefined) return undefined;
  const blocks = rateCode === 3 ? 6 : (EAC3_BLOCKS[(fifth >> 4) & 3] ?? 6);
  // A dependent substream adds channels to the frame before it and no time of its own.
  const isDependent = byteAt(bytes, offset + 2) >> 6 === 1;
  return {
    byteCount: frameWords * 2,
    sampleCount: isDependent ? 0 : blocks * AC3_BLOCK_SAMPLES,
    sampleRateHz,
    channelCount: (AC3_CHANNELS[(fifth >> 1) & 7] ?? 2) + (fifth & 1),
  };
}

const OPUS_RATE_HZ = 48_000;
/** Samples of one Opus frame at 48 kHz by the configuration number (RFC 6716 §3.1). */
const SILK_SAMPLES = [480, 960, 1920, 2880];
const HYBRID_SAMPLES = [480, 960];
const CELT_SAMPLES = [120, 240, 480, 960];

/**
 * An Opus access unit with the control header that MPEG-TS puts before it (ETSI TS 103 491, "Opus in MPEG-TS"
 * §4.3). The channels are in the program map, which FFmpeg turns into extradata.
 */
export const readOpusHeader: AudioHeaderReader = (bytes, offset) => {
  const second = byteAt(bytes, offset + 1);
  if (byteAt(bytes, offset) !== 0x7f || (second & 0xe0) !== 0xe0) return undefined;
  let at = offset + 2;
  let payloadByteCount = 0;
  for (let size = 0xff; size === 0xff && at < bytes.length; at += 1) {
    size = byteAt(bytes, at);
    payloadByteCount += size;
  }
  if ((second & 0x10) !== 0) at += 2; // start trim
  if ((second & 0x08) !== 0) at += 2; // end trim
  if ((second & 0x04) !== 0) at += 1 + byteAt(bytes, at); // control extension
  const wrapperByteCount = at - offset;
  if (payloadByteCount === 0) return undefined;
  return {
    byteCount: wrapperByteCount + payloadByteCount,
    wrapperByteCount,
    sampleCount: opusSampleCount(byteAt(bytes, at), byteAt(bytes, at + 1)),
    sampleRateHz: OPUS_RATE_HZ,
    channelCount: (byteAt(bytes, at) & 4) === 0 ? 1 : 2,
  };
};

function opusSampleCount(tableOfContents: number, frameCountByte: number): number {
  const config = tableOfContents >> 3;
  const samples =
    config < 12
      ? SILK_SAMPLES[config & 3]
      : config < 16
        ? HYBRID_SAMPLES[config & 1]
        : CELT_SAMPLES[config & 3];
  const code = tableOfContents & 3;
  const frameCount = code === 0 ? 1 : code === 3 ? frameCountByte & 0x3f : 2;
  return (samples ?? 960) * frameCount;
}

function byteAt(bytes: Uint8Array, offset: number): number {
  return bytes[offset] ?? 0;
}
