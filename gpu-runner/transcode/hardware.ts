/** Which hardware this runner uses: decided once, at the start, by trying it. */
import { AV_HWDEVICE_TYPE_CUDA, AV_PIX_FMT_CUDA, AV_PIX_FMT_NV12 } from 'node-av/constants';
import { HardwareDeviceContext, HardwareFramesContext } from 'node-av/lib';
import { messageOf } from '../../domain/errors.ts';
import type { Log } from '../../domain/log.ts';
import type { VideoProfile } from '../../domain/profile.ts';
import type { Hardware } from '../../domain/stream.ts';
import { textOf } from './codec-call.ts';
import { transcodeErrors } from './errors.ts';

/** An open CUDA device. All decoders, filters and the encoder of one runner share it. */
export interface GpuDevice {
  readonly context: HardwareDeviceContext;
}

export type HardwareChoice =
  | { readonly kind: 'cpu' }
  | { readonly kind: 'nvidia'; readonly device: GpuDevice };

/**
 * Chooses the hardware and says in the log which it is and why.
 *
 * @param tryEncoder opens the NVIDIA encoder and encodes with it; throws when it cannot. A data-centre card
 *   may decode and scale but have no encoder, so having a device is not enough.
 * @throws MirrorError `TRANSCODE_NO_NVIDIA` when `nvidia` was asked for and is not to be had.
 */
export async function chooseHardware(options: {
  readonly wanted: Hardware;
  readonly log: Log;
  readonly tryEncoder: (device: GpuDevice) => Promise<void>;
}): Promise<HardwareChoice> {
  const { wanted, log } = options;
  if (wanted === 'cpu') {
    log.info('hardware-chosen', { hardware: 'cpu', reason: 'asked for' });
    return { kind: 'cpu' };
  }
  const found = await findNvidia(options.tryEncoder);
  if (found.kind === 'found') {
    log.info('hardware-chosen', { hardware: 'nvidia', reason: 'the encoder made a picture' });
    return { kind: 'nvidia', device: found.device };
  }
  if (wanted === 'nvidia') throw transcodeErrors.create('NO_NVIDIA', found.reason);
  log.info('hardware-chosen', { hardware: 'cpu', reason: found.reason });
  return { kind: 'cpu' };
}

async function findNvidia(
  tryEncoder: (device: GpuDevice) => Promise<void>,
): Promise<{ kind: 'found'; device: GpuDevice } | { kind: 'absent'; reason: string }> {
  const context = new HardwareDeviceContext();
  const created = context.create(AV_HWDEVICE_TYPE_CUDA);
  if (created < 0) return { kind: 'absent', reason: `No CUDA device: ${textOf(created)}.` };
  try {
    await tryEncoder({ context });
    return { kind: 'found', device: { context } };
  } catch (error) {
    context.free();
    return { kind: 'absent', reason: `The GPU has no encoder to use: ${messageOf(error)}` };
  }
}

/** A pool of pictures at the rendition's size in GPU memory, in the layout that the encoder takes. */
export function newGpuPool(
  device: GpuDevice,
  size: Pick<VideoProfile, 'widthPx' | 'heightPx'>,
): HardwareFramesContext {
  const pool = new HardwareFramesContext();
  pool.alloc(device.context);
  pool.format = AV_PIX_FMT_CUDA;
  pool.swFormat = AV_PIX_FMT_NV12;
  pool.width = size.widthPx;
  pool.height = size.heightPx;
  const code = pool.init();
  if (code < 0) {
    pool.free();
    throw transcodeErrors.create('NO_NVIDIA', `No pictures in GPU memory: ${textOf(code)}.`);
  }
  return pool;
}
