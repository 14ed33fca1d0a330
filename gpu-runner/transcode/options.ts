/**
 * Every encoder, decoder and filter setting of the runner, for both kinds of hardware, in one table. The same
 * quality targets (profile) go in; what differs is how each implementation calls them. A test holds every
 * name and value against what the FFmpeg inside node-av accepts.
 */
import { FF_ENCODER_H264_NVENC, FF_ENCODER_LIBX264, type FFVideoEncoder } from 'node-av/constants';
import type { AudioProfile, Profile } from '../../domain/profile.ts';

export type HardwareKind = 'cpu' | 'nvidia';

/** AVOption names and values, of the codec context and of the codec's own. */
export type OptionTable = Readonly<Record<string, string>>;

/**
 * Size of the rate control buffer as time at the target bitrate. A part of 100 ms can at most empty the whole
 * buffer and use what flows in meanwhile: 200 ms make that 3 times its share, the limit. Measured on the
 * hardest contents of rate.test.ts: 2.2 times.
 */
export const VBV_MS = 200;

export function slotsPerSegment(profile: Profile): number {
  return (profile.video.frameRate * profile.segmentMs) / 1000;
}

export function videoEncoderName(hardware: HardwareKind): FFVideoEncoder {
  return hardware === 'nvidia' ? FF_ENCODER_H264_NVENC : FF_ENCODER_LIBX264;
}

/** Shared by both encoders: rate control, GOP shape, global headers. */
function commonVideoOptions(profile: Profile): OptionTable {
  const { bitrateBps } = profile.video;
  return {
    b: String(bitrateBps),
    maxrate: String(bitrateBps),
    bufsize: String(Math.round((bitrateBps * VBV_MS) / 1000)),
    // One GOP is one segment. Keyframes are forced at segment starts; this only keeps others away.
    g: String(slotsPerSegment(profile)),
    bf: '0',
    flags: '+global_header+cgop',
    'forced-idr': '1',
    profile: 'high',
  };
}

export function videoEncoderOptions(hardware: HardwareKind, profile: Profile): OptionTable {
  const common = commonVideoOptions(profile);
  if (hardware === 'nvidia') {
    return {
      ...common,
      preset: 'p4',
      // Ultra low latency: no reordering, no look-ahead; `delay` 0 hands each picture back at once.
      tune: 'ull',
      zerolatency: '1',
      delay: '0',
      surfaces: '4',
      rc: 'cbr',
      'rc-lookahead': '0',
      'no-scenecut': '1',
      strict_gop: '1',
      b_adapt: '0',
      // One frame may not take more than its share of the small buffer; two passes keep IDR pictures in it.
      multipass: 'qres',
      'spatial-aq': '1',
      aud: '0',
      // Captions go on as they came; what repeats a picture takes them off it (captions.ts).
      a53cc: '1',
    };
  }
  return {
    ...common,
    // Within 0.002 SSIM of `veryfast` here, at less than 60 % of its time (docs/decisions/x264-superfast.md).
    preset: 'superfast',
    tune: 'zerolatency',
    // One encoder is one thread: streams share a machine as processes, and slices would cost bits.
    threads: '1',
    sc_threshold: '0',
    'x264-params': 'scenecut=0:open-gop=0:sliced-threads=0:nal-hrd=none:filler=0',
    a53cc: '1',
  };
}

/** Up to this bitrate of a channel the highest tones are given up for the sake of the others. */
const LOW_BITRATE_PER_CHANNEL_BPS = 40_000;

/**
 * A quarter of the time of the coder that newer FFmpeg takes by default (`twoloop`), and as good by two
 * perceptual measures, with the band cut and without the two tools that did harm or nothing
 * (docs/decisions/aac-fast.md).
 */
export function audioEncoderOptions({ audio }: Profile): OptionTable {
  const isLow = audio.bitrateBps / audio.channelCount <= LOW_BITRATE_PER_CHANNEL_BPS;
  return {
    b: String(audio.bitrateBps),
    profile: 'aac_low',
    flags: '+global_header',
    aac_coder: 'fast',
    aac_is: '0',
    aac_tns: '0',
    ...(isLow ? { cutoff: '15000' } : {}),
  };
}

/** More pixels than 1920x1080 has. */
export const LARGE_PIXEL_COUNT = 2_100_000;
/** From 1280x720 on a second thread is worth its cost. */
const MEDIUM_PIXEL_COUNT = 1_000_000;

/**
 * Settings of the CPU video decoders (hevc, h264). Slice threads add no delay, but work only where the encoder
 * cut its pictures for it (slices, WPP). Above 1080p one core is too slow for pictures in one piece, so there
 * frame threads are used, which cost a frame of delay each beyond the first.
 */
export function videoDecoderOptions(source: { widthPx: number; heightPx: number }): OptionTable {
  const pixelCount = source.widthPx * source.heightPx;
  if (pixelCount > LARGE_PIXEL_COUNT) return { threads: '4', thread_type: 'frame' };
  return { threads: pixelCount > MEDIUM_PIXEL_COUNT ? '2' : '1', thread_type: 'slice' };
}

/** Settings of hevc and h264 with the CUDA hardware decoder behind them. */
export function hardwareDecoderOptions(): OptionTable {
  // Threads bring nothing: the GPU decodes. Frame threads would cost a frame of delay each.
  return {
    threads: '1',
    hwaccel_flags: '+allow_profile_mismatch',
    // A deinterlacer holds three pictures, and one is on its way: beyond what the decoder itself needs.
    extra_hw_frames: '4',
  };
}

/** Any rate, layout and format to the rendition's. Timestamps in and out are samples of the rendition. */
export function soundFilters(profile: AudioProfile): string {
  const layout = profile.channelCount === 1 ? 'mono' : 'stereo';
  return `aresample=osr=${profile.sampleRateHz}:ochl=${layout}:osf=fltp`;
}
