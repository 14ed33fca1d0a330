/** Makes the NO SIGNAL picture as a frame that the encoder of this hardware takes. */
import { AV_PIX_FMT_NV12, AV_PIX_FMT_YUV420P } from 'node-av/constants';
import { Frame } from 'node-av/lib';
import type { VideoProfile } from '../../domain/profile.ts';
import type { RunnerSpec } from '../../domain/stream.ts';
import { textOf } from './codec-call.ts';
import { transcodeErrors } from './errors.ts';
import { drawNoSignal, slatePicture } from './no-signal.ts';

/**
 * @param last the last picture, at the rendition's size, in CPU or GPU memory; it stays as it is.
 * @returns a new frame where `last` is, CPU or GPU memory.
 * @throws MirrorError `TRANSCODE_FILTER_FAILED`
 */
export async function lossPicture(
  last: Frame,
  signalLoss: RunnerSpec['signalLoss'],
  target: Pick<VideoProfile, 'widthPx' | 'heightPx'>,
): Promise<Frame> {
  const { widthPx, heightPx } = target;
  const onGpu = last.isHwFrame();
  using readable = onGpu ? await downloaded(last) : undefined;
  const seen = readable ?? last;
  const format = onGpu ? AV_PIX_FMT_NV12 : AV_PIX_FMT_YUV420P;
  const picture =
    signalLoss === 'slate' ? slatePicture(target) : { widthPx, heightPx, bytes: seen.toBuffer() };
  if (signalLoss === 'last-picture') drawNoSignal(picture);
  const drawn = Frame.fromVideoBuffer(
    Buffer.from(picture.bytes.buffer, picture.bytes.byteOffset, picture.bytes.byteLength),
    {
      width: widthPx,
      height: heightPx,
      format,
    },
  );
  drawn.copyProps(last);
  if (!onGpu) return drawn;
  try {
    return await uploaded(drawn, last);
  } finally {
    drawn.free();
  }
}

async function downloaded(frame: Frame): Promise<Frame> {
  const copy = new Frame();
  copy.alloc();
  copy.format = AV_PIX_FMT_NV12;
  const code = await frame.hwframeTransferData(copy);
  if (code < 0) throw transcodeErrors.create('FILTER_FAILED', `No picture from the GPU: ${textOf(code)}`);
  return copy;
}

/** Into a frame of the same pool that the encoder's pictures come from. */
async function uploaded(drawn: Frame, like: Frame): Promise<Frame> {
  const pool = like.hwFramesCtx;
  if (!pool) throw transcodeErrors.create('FILTER_FAILED', 'The last picture belongs to no GPU pool.');
  const frame = new Frame();
  frame.alloc();
  const allocated = pool.getBuffer(frame);
  const code = allocated < 0 ? allocated : await pool.transferData(frame, drawn);
  if (code < 0) {
    frame.free();
    throw transcodeErrors.create('FILTER_FAILED', `No picture to the GPU: ${textOf(code)}`);
  }
  frame.copyProps(like);
  return frame;
}
