/** How a feed's picture becomes the rendition's: fitted into the frame, BT.709, 8 bits, square pixels. */
import {
  AV_FRAME_FLAG_INTERLACED,
  AVCOL_SPC_UNSPECIFIED,
  AVCOL_TRC_ARIB_STD_B67,
  AVCOL_TRC_SMPTE2084,
} from 'node-av/constants';
import type { Frame } from 'node-av/lib';
import type { VideoProfile } from '../../domain/profile.ts';

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
    a.interlaced === b.interlaced
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
    leftPx: even((target.widthPx - widthPx) / 2 - 0.5),
    topPx: even((target.heightPx - heightPx) / 2 - 0.5),
  };
}

export function isHdr(shape: Pick<PictureShape, 'transfer'>): boolean {
  return shape.transfer === AVCOL_TRC_SMPTE2084 || shape.transfer === AVCOL_TRC_ARIB_STD_B67;
}

/** The filter description for the CPU path. */
export function cpuPictureFilters(shape: PictureShape, target: VideoProfile): string {
  const filters: string[] = [];
  let source = shape;
  if (shape.interlaced) {
    if (fieldIsEnough(shape, target)) {
      // One field has as many lines as the rendition needs: no deinterlacer, no wait for the next field.
      filters.push('field=type=top');
      source = { ...shape, heightPx: shape.heightPx / 2, pixelAspect: shape.pixelAspect / 2 };
    } else
      filters.push(`bwdif=mode=${wantsFieldRate(shape, target) ? 'send_field' : 'send_frame'}:deint=all`);
  }
  const fit = fitInto(source, target);
  const matrixIn =
    shape.colorSpace === AVCOL_SPC_UNSPECIFIED ? (shape.heightPx >= 720 ? 'bt709' : 'smpte170m') : 'auto';
  const scale = `scale=w=${fit.widthPx}:h=${fit.heightPx}:flags=bicubic`;
  if (isHdr(shape)) {
    // Scaled first: tone-mapping 640x360 costs a tenth of tone-mapping 1080p.
    filters.push(
      `${scale}:out_color_matrix=bt2020nc:out_range=tv`,
      'format=yuv420p10le',
      'tonemapx=tonemap=bt2390:desat=0:t=bt709:m=bt709:p=bt709:r=tv:format=yuv420p',
    );
  } else
    filters.push(
      `${scale}:in_color_matrix=${matrixIn}:out_color_matrix=bt709:out_range=tv`,
      'format=yuv420p',
    );
  if (fit.widthPx !== target.widthPx || fit.heightPx !== target.heightPx)
    filters.push(`pad=w=${target.widthPx}:h=${target.heightPx}:x=${fit.leftPx}:y=${fit.topPx}:color=black`);
  filters.push('setsar=1');
  return filters.join(',');
}

/** A single field carries enough lines, and the grid does not ask for both fields of each frame. */
export function fieldIsEnough(shape: PictureShape, target: VideoProfile): boolean {
  const fit = fitInto(shape, target);
  return shape.heightPx / 2 >= fit.heightPx && !wantsFieldRate(shape, target);
}

function wantsFieldRate(_shape: PictureShape, target: VideoProfile): boolean {
  return target.frameRate > 30;
}
