/**
 * A picture every few seconds, gathered into sheets, and one of them as the poster. Only keyframes are decoded,
 * and of those only the ones that are shown.
 */
import { AV_CODEC_ID_H264, FF_ENCODER_MJPEG } from 'node-av/constants';
import { Codec, CodecContext, Frame, Packet, Rational, type Stream } from 'node-av/lib';
import { openWithOptions, resultOf } from '../transcode/codec-call.ts';
import { FilterChain } from '../transcode/filter-chain.ts';
import { exportErrors } from './errors.ts';

export const THUMBNAIL = {
  everyMs: 10_000,
  widthPx: 160,
  heightPx: 90,
  columns: 10,
  rows: 10,
} as const;
export const PLACES_PER_SHEET = THUMBNAIL.columns * THUMBNAIL.rows;

/** Of FFmpeg's scale for JPEG, from 2 (best) to 31. */
const POSTER_QUALITY = 3;
const SHEET_QUALITY = 5;
/** What FFmpeg calls FF_QP2LAMBDA. */
const LAMBDA_PER_QUALITY = 118;
const TIME_BASE = { num: 1, den: 1_000 };

export class Thumbnails {
  #decoder: CodecContext | undefined;
  #places: FilterChain | undefined;
  #lastPlace: Frame | undefined;
  #dueMs = 0;
  #placedCount = 0;
  /** On the time of the export; the instant that each place shows. */
  readonly shownMs: number[] = [];
  poster: Uint8Array | undefined;
  /** JPEG files. */
  readonly sheets: Uint8Array[] = [];

  async open(stream: Stream): Promise<void> {
    const codec = Codec.findDecoder(AV_CODEC_ID_H264);
    if (!codec) throw exportErrors.create('MEDIA', 'There is no decoder for H.264.');
    this.#decoder = new CodecContext();
    this.#decoder.allocContext3(codec);
    this.#decoder.parametersToContext(stream.codecpar);
    // Each keyframe is a picture of its own: none is held back for another.
    const problem = await openWithOptions(this.#decoder, codec, { threads: '1', flags: '+low_delay' });
    if (problem) throw exportErrors.create('MEDIA', `The decoder does not open: ${problem}.`);
  }

  /** @param atMs when the packet is shown, on the time of the export. */
  async take(packet: Packet, atMs: number): Promise<void> {
    if (!this.#decoder || !packet.isKeyframe || atMs < this.#dueMs) return;
    if ((await this.#decoder.sendPacket(packet)) < 0) return;
    using frame = new Frame();
    frame.alloc();
    // What cannot be decoded is no picture; the next keyframe will do.
    if (resultOf(await this.#decoder.receiveFrame(frame)) !== 'ok') return;
    this.poster ??= await jpegOf(await drawn(frame, `scale=out_range=full,format=yuvj420p`), POSTER_QUALITY);
    await this.#place(frame);
    this.#lastPlace?.free();
    this.#lastPlace = copyOf(frame);
    this.shownMs.push(atMs);
    this.#dueMs = atMs + THUMBNAIL.everyMs;
  }

  /** Fills the last sheet with its last picture, and gives back what is native. */
  async close(): Promise<void> {
    while (this.#lastPlace && this.#placedCount % PLACES_PER_SHEET > 0) await this.#place(this.#lastPlace);
    this.#lastPlace?.free();
    this.#places?.free();
    this.#decoder?.freeContext();
  }

  async #place(frame: Frame): Promise<void> {
    const { widthPx, heightPx, columns, rows } = THUMBNAIL;
    const description = `scale=${widthPx}:${heightPx}:out_range=full,format=yuvj420p,tile=${columns}x${rows}`;
    this.#places ??= await FilterChain.forFrame(frame, { timeBase: TIME_BASE, description });
    using handed = copyOf(frame);
    // The filter that makes sheets counts pictures, not time; they must only not stand still.
    handed.pts = BigInt(this.#placedCount);
    if (this.#places.put(handed) !== 'ok')
      throw exportErrors.create('MEDIA', 'A picture does not fit on its sheet.');
    this.#placedCount += 1;
    using sheet = new Frame();
    sheet.alloc();
    if (await this.#places.take(sheet)) this.sheets.push(await jpegOf(copyOf(sheet), SHEET_QUALITY));
  }
}

function copyOf(frame: Frame): Frame {
  const copy = frame.clone();
  if (!copy) throw exportErrors.create('MEDIA', 'There is no memory for a picture.');
  return copy;
}

async function drawn(frame: Frame, description: string): Promise<Frame> {
  const chain = await FilterChain.forFrame(frame, { timeBase: TIME_BASE, description });
  try {
    using input = copyOf(frame);
    const output = new Frame();
    output.alloc();
    if (chain.put(input) === 'ok' && (await chain.take(output))) return output;
    output.free();
    throw exportErrors.create('MEDIA', `No picture came out of ${description}.`);
  } finally {
    chain.free();
  }
}

/** Takes the picture over. */
async function jpegOf(picture: Frame, quality: number): Promise<Uint8Array> {
  using frame = picture;
  const codec = Codec.findEncoderByName(FF_ENCODER_MJPEG);
  if (!codec) throw exportErrors.create('MEDIA', 'There is no encoder for JPEG.');
  using encoder = new CodecContext();
  encoder.allocContext3(codec);
  encoder.width = frame.width;
  encoder.height = frame.height;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  encoder.pixelFormat = frame.format as typeof encoder.pixelFormat;
  encoder.timeBase = new Rational(1, 1);
  const lambda = quality * LAMBDA_PER_QUALITY;
  const problem = await openWithOptions(encoder, codec, {
    flags: '+qscale',
    global_quality: String(lambda),
    strict: 'unofficial',
    threads: '1',
  });
  if (problem) throw exportErrors.create('MEDIA', `The encoder for JPEG does not open: ${problem}.`);
  frame.quality = lambda;
  frame.pts = 0n;
  await encoder.sendFrame(frame);
  await encoder.sendFrame(null);
  using packet = new Packet();
  packet.alloc();
  if (resultOf(await encoder.receivePacket(packet)) !== 'ok' || !packet.data)
    throw exportErrors.create('MEDIA', 'The encoder for JPEG gave nothing.');
  return new Uint8Array(packet.data);
}
