/** How a feed's picture becomes the rendition's: fitted into the frame, BT.709, 8 bits, square pixels. */
import {
  AV_FRAME_FLAG_INTERLACED,
  AVCOL_SPC_UNSPECIFIED,
  AVCOL_TRC_ARIB_STD_B67,
  AVCOL_TRC_SMPTE2084,
} from 'node-av/constants';
import type { Frame } from 'node-av/lib';
import type { VideoProfile } from '../../domain/profile.ts';
import { type HardwareKind, LARGE_PIXEL_COUNT } from './options.ts';

/** Everything about a picture that a filter graph depends on. A change of any of it means a new graph. */
export interface PictureShape {
  readonly widthPx: number;
  readonly heightPx: number;
  /** Width of a pixel over its height. */
  readonly pixelAspect: number;
  readonly format: number;
  readonly colorSpace: number;
  readonly colorRange: number;
  readonly transfer: number;
  readonly interlaced: boolean;
  /** Decoded by the GPU and still in its memory. */
  readonly onGpu: boolean;
}

export function shapeOf(frame: Frame): PictureShape {
  const { num, den } = frame.sampleAspectRatio;
  return {
    widthPx: frame.width,
    heightPx: frame.height,
    pixelAspect: num > 0 && den > 0 ? num / den : 1,
    format: frame.format,
    colorSpace: frame.colorSpace,
    colorRange: frame.colorRange,
    transfer: frame.colorTrc,
    interlaced: frame.hasFlags(AV_FRAME_FLAG_INTERLACED),
    onGpu: frame.isHwFrame(),
  };
}

export function sameShape(a: PictureShape, b: PictureShape): boolean {
  return (
    a.widthPx === b.widthPx &&
    a.heightPx === b.heightPx &&
    a.pixelAspect === b.pixelAspect &&
    a.format === b.format &&
    a.colorSpace === b.colorSpace &&
    a.colorRange === b.colorRange &&
    a.transfer === b.transfer &&
    a.interlaced === b.interlaced &&
    a.onGpu === b.onGpu
  );
}

export interface Fit {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly leftPx: number;
  readonly topPx: number;
}

const even = (value: number) => 2 * Math.round(value / 2);

/**
 * Fits a picture into the target without cropping or stretching: bars above and below, or left and right.
 * All results are even, as 4:2:0 chroma wants it.
 */
export function fitInto(
  source: Pick<PictureShape, 'widthPx' | 'heightPx' | 'pixelAspect'>,
  target: Pick<VideoProfile, 'widthPx' | 'heightPx'>,
): Fit {
  const aspect = (source.widthPx * source.pixelAspect) / source.heightPx;
  const targetAspect = target.widthPx / target.heightPx;
  let { widthPx, heightPx } = target;
  if (aspect > targetAspect) heightPx = Math.min(target.heightPx, Math.max(2, even(widthPx / aspect)));
  else widthPx = Math.min(target.widthPx, Math.max(2, even(heightPx * aspect)));
  return {
    widthPx,
    heightPx,
    leftPx: 2 * Math.floor((target.widthPx - widthPx) / 4),
    topPx: 2 * Math.floor((target.heightPx - heightPx) / 4),
  };
}

export function isHdr(shape: Pick<PictureShape, 'transfer'>): boolean {
  return shape.transfer === AVCOL_TRC_SMPTE2084 || shape.transfer === AVCOL_TRC_ARIB_STD_B67;
}

/** One filter with its settings. */
export interface FilterSpec {
  readonly name: string;
  readonly options: Readonly<Record<string, string | number>>;
}

/** The way FFmpeg writes a chain of filters. */
export function filterText(specs: readonly FilterSpec[]): string {
  return specs
    .map(({ name, options }) => {
      const settings = Object.entries(options).map(([key, value]) => `${key}=${value}`);
      return settings.length > 0 ? `${name}=${settings.join(':')}` : name;
    })
    .join(',');
}

/**
 * The filters between a decoded picture and the encoder. What the GPU decoded stays there; what the CPU
 * decoded is scaled there too and goes up small when the GPU encodes.
 */
export function pictureFilters(
  shape: PictureShape,
  target: VideoProfile,
  encodesOn: HardwareKind,
): FilterSpec[] {
  if (shape.onGpu) return gpuFilters(shape, target);
  const onCpu = cpuFilters(shape, target, encodesOn === 'nvidia' ? 'nv12' : 'yuv420p');
  return encodesOn === 'nvidia' ? [...onCpu, { name: 'hwupload_cuda', options: {} }] : onCpu;
}

function cpuFilters(shape: PictureShape, target: VideoProfile, format: 'yuv420p' | 'nv12'): FilterSpec[] {
  const specs: FilterSpec[] = [];
  let source = shape;
  if (fieldIsEnough(shape, target)) {
    // No deinterlacer, no wait for the next field; half the lines to scale.
    specs.push({ name: 'field', options: { type: 'top' } });
    source = { ...shape, heightPx: shape.heightPx / 2, pixelAspect: shape.pixelAspect / 2 };
  } else if (shape.interlaced) {
    specs.push({ name: 'bwdif', options: { mode: fieldMode(target), deint: 'all' } });
  }
  const fit = fitInto(source, target);
  const size = { w: fit.widthPx, h: fit.heightPx, flags: SCALE_FLAGS };
  if (isHdr(shape)) {
    // Scaled first: tone-mapping at the rendition's size costs a tenth of tone-mapping 1080p.
    specs.push(
      { name: 'scale', options: { ...size, out_color_matrix: 'bt2020', out_range: 'tv' } },
      { name: 'format', options: { pix_fmts: 'yuv420p10le' } },
      { name: 'tonemapx', options: { ...TONE_MAP, format } },
    );
  } else {
    const inMatrix = matrixOf(shape);
    specs.push(
      {
        name: 'scale',
        options: { ...size, in_color_matrix: inMatrix, out_color_matrix: 'bt709', out_range: 'tv' },
      },
      { name: 'format', options: { pix_fmts: format } },
    );
  }
  return [...specs, ...bars('pad', fit, target), { name: 'setsar', options: { sar: 1 } }];
}

/**
 * DEVIATION: the GPU does not convert BT.601 to BT.709. Such feeds (SD cameras) keep their matrix while the
 * rendition says BT.709: greens and reds are off by a few percent.
 */
function gpuFilters(shape: PictureShape, target: VideoProfile): FilterSpec[] {
  const specs: FilterSpec[] = [];
  if (shape.interlaced)
    specs.push({ name: 'bwdif_cuda', options: { mode: fieldMode(target), deint: 'all' } });
  const fit = fitInto(shape, target);
  const size = { w: fit.widthPx, h: fit.heightPx, interp_algo: 'bicubic' };
  if (isHdr(shape))
    specs.push(
      { name: 'scale_cuda', options: { ...size, format: 'p010le' } },
      { name: 'tonemap_cuda', options: { ...TONE_MAP, format: 'nv12' } },
    );
  else specs.push({ name: 'scale_cuda', options: { ...size, format: 'nv12' } });
  return [...specs, ...bars('pad_cuda', fit, target), { name: 'setsar', options: { sar: 1 } }];
}

const SCALE_FLAGS = 'bicubic';

/** BT.2390 keeps mid-tones; 203 cd/m2 is where HDR puts the white of a sheet of paper (ITU-R BT.2408). */
const TONE_MAP = { tonemap: 'bt2390', desat: 0, t: 'bt709', m: 'bt709', p: 'bt709', r: 'tv' } as const;

function bars(name: 'pad' | 'pad_cuda', fit: Fit, target: VideoProfile): FilterSpec[] {
  if (fit.widthPx === target.widthPx && fit.heightPx === target.heightPx) return [];
  const { widthPx: w, heightPx: h } = target;
  return [{ name, options: { w, h, x: fit.leftPx, y: fit.topPx, color: 'black' } }];
}

/** Feeds that do not say are BT.709 from 720 lines on, BT.601 below, as their makers meant it. */
function matrixOf(shape: PictureShape): string {
  if (shape.colorSpace !== AVCOL_SPC_UNSPECIFIED) return 'auto';
  return shape.heightPx >= 720 ? 'bt709' : 'smpte170m';
}

/** A single field carries enough lines, and the grid does not ask for both fields of each frame. */
function fieldIsEnough(shape: PictureShape, target: VideoProfile): boolean {
  if (!shape.interlaced || shape.heightPx % 2 !== 0) return false;
  return shape.heightPx / 2 >= fitInto(shape, target).heightPx && fieldMode(target) === 'send_frame';
}

/** At 50 and 60 slots a second each field becomes a picture of its own. */
function fieldMode(target: VideoProfile): 'send_frame' | 'send_field' {
  return target.frameRate > 30 ? 'send_field' : 'send_frame';
}

/** Pictures that a filter holds back or doubles are placed on the grid after it, others before. */
export function placesAfterFilter(shape: PictureShape, target: VideoProfile): boolean {
  return shape.interlaced && (shape.onGpu || !fieldIsEnough(shape, target));
}

/**
 * Whether the filters take a picture of this shape in a millisecond or two, as little as handing it to another
 * thread and back costs: pictures up to 1080p that are only scaled.
 */
export function scalesQuickly(shape: PictureShape, encodesOn: HardwareKind): boolean {
  const isLarge = shape.widthPx * shape.heightPx > LARGE_PIXEL_COUNT;
  return encodesOn === 'cpu' && !shape.onGpu && !shape.interlaced && !isHdr(shape) && !isLarge;
}
