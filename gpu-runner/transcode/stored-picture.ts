/** The last picture of CMAF parts that were published, as a frame that the encoder of this hardware takes. */
import { AV_PIX_FMT_YUV420P, AVMEDIA_TYPE_VIDEO } from 'node-av/constants';
import { Codec, CodecContext, FormatContext, Frame, Packet } from 'node-av/lib';
import type { VideoProfile } from '../../domain/profile.ts';
import { openWithOptions, resultOf, textOf } from './codec-call.ts';
import { transcodeErrors } from './errors.ts';
import { FilterChain } from './filter-chain.ts';
import type { HardwareChoice } from './hardware.ts';
import { memoryInput } from './memory-input.ts';
import { slatePicture } from './no-signal.ts';
import { filterText, pictureFilters, shapeOf } from './picture-graph.ts';

export interface StoredPictureOptions {
  readonly target: VideoProfile;
  readonly encodesOn: HardwareChoice;
  /** Told why there is a plain slate instead of the picture. */
  readonly onUnreadable: (error: unknown) => void;
}

/**
 * @param video the init segment of a video track and parts of it, the first of which begins with a keyframe.
 * @returns a frame of the rendition's size in the memory that the encoder reads.
 * @throws MirrorError `TRANSCODE_FILTER_FAILED`
 */
export async function storedPicture(video: Uint8Array, options: StoredPictureOptions): Promise<Frame> {
  const { target, encodesOn, onUnreadable } = options;
  using read = await lastPicture(video).catch((error: unknown) => {
    onUnreadable(error);
    return slateFrame(target);
  });
  const chain = await FilterChain.forFrame(read, {
    timeBase: { num: 1, den: target.timescaleHz },
    description: filterText(pictureFilters(shapeOf(read), target, encodesOn.kind)),
    device: encodesOn.kind === 'nvidia' ? encodesOn.device : undefined,
  });
  try {
    const picture = new Frame();
    picture.alloc();
    if (chain.put(read) === 'ok' && (await chain.take(picture))) return picture;
    picture.free();
    throw unreadable('no picture came out of the filters');
  } finally {
    chain.free();
  }
}

function slateFrame(target: VideoProfile): Frame {
  const { bytes, widthPx: width, heightPx: height } = slatePicture(target);
  return Frame.fromVideoBuffer(Buffer.from(bytes.buffer), { width, height, format: AV_PIX_FMT_YUV420P });
}

async function lastPicture(video: Uint8Array): Promise<Frame> {
  using io = memoryInput(video);
  await using input = new FormatContext();
  input.allocContext();
  input.pb = io;
  const opened = await input.openInput('', null, null);
  if (opened < 0) throw unreadable(textOf(opened));
  const stream = input.streams.find(({ codecpar }) => codecpar.codecType === AVMEDIA_TYPE_VIDEO);
  const codec = stream && Codec.findDecoder(stream.codecpar.codecId);
  if (!codec) throw unreadable('it has no video track that can be decoded');
  using decoder = new CodecContext();
  decoder.allocContext3(codec);
  decoder.parametersToContext(stream.codecpar);
  const problem = await openWithOptions(decoder, codec, { threads: '1' });
  if (problem) throw unreadable(problem);
  // Awaited here: what it reads from is closed when this function returns.
  return await decodeLast(input, stream.index, decoder);
}

async function decodeLast(input: FormatContext, streamIndex: number, decoder: CodecContext): Promise<Frame> {
  let shown: Frame | undefined;
  const drain = async () => {
    for (;;) {
      const next = new Frame();
      next.alloc();
      if (resultOf(await decoder.receiveFrame(next)) !== 'ok') return next.free();
      shown?.free();
      shown = next;
    }
  };
  using packet = new Packet();
  packet.alloc();
  while ((await input.readFrame(packet)) >= 0) {
    if (packet.streamIndex === streamIndex) await decoder.sendPacket(packet);
    packet.unref();
    await drain();
  }
  await decoder.sendPacket(null);
  await drain();
  if (shown) return shown;
  throw unreadable('nothing in it could be decoded');
}

function unreadable(why: string) {
  return transcodeErrors.create('FILTER_FAILED', `The stream's last picture cannot be read: ${why}.`);
}
