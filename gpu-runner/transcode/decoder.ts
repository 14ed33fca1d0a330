/** One decoder of the feed: packets in, frames out, errors counted and survived. */
import { AVMEDIA_TYPE_VIDEO } from 'node-av/constants';
import { Codec, CodecContext, Frame, type Packet } from 'node-av/lib';
import type { SourceTrack } from '../media.ts';
import { openWithOptions, resultOf } from './codec-call.ts';
import { transcodeErrors } from './errors.ts';
import { videoDecoderOptions } from './options.ts';

export class Decoder {
  readonly track: SourceTrack;
  readonly hardware: 'cpu' | 'nvidia';
  readonly #context: CodecContext;
  readonly #frame: Frame;
  readonly #onError: () => void;

  private constructor(
    track: SourceTrack,
    hardware: 'cpu' | 'nvidia',
    context: CodecContext,
    onError: () => void,
  ) {
    this.track = track;
    this.hardware = hardware;
    this.#context = context;
    this.#onError = onError;
    this.#frame = new Frame();
    this.#frame.alloc();
  }

  /** @throws MirrorError `TRANSCODE_MISSING_CODEC` when nothing here decodes the feed's codec. */
  static async open(track: SourceTrack, onError: () => void): Promise<Decoder> {
    const parameters = track.codecParameters;
    const codec = Codec.findDecoder(parameters.codecId);
    if (!codec)
      throw transcodeErrors.create('MISSING_CODEC', `No decoder for codec id ${parameters.codecId}.`);
    const context = new CodecContext();
    context.allocContext3(codec);
    parameters.toContext(context);
    context.pktTimebase = { ...track.timeBase } as CodecContext['pktTimebase'];
    const options =
      parameters.codecType === AVMEDIA_TYPE_VIDEO
        ? videoDecoderOptions({ widthPx: parameters.width, heightPx: parameters.height })
        : {};
    const problem = await openWithOptions(context, codec, options);
    if (problem) {
      context.freeContext();
      throw transcodeErrors.create('MISSING_CODEC', `${codec.name}: ${problem}`);
    }
    return new Decoder(track, 'cpu', context, onError);
  }

  /**
   * Decodes one packet. `onFrame` may take the frame's data (move it out) but not the frame itself, which is
   * used again.
   */
  async decode(packet: Packet, onFrame: (frame: Frame) => Promise<void>): Promise<void> {
    let sent = resultOf(await this.#context.sendPacket(packet));
    if (sent === 'again') {
      await this.#drain(onFrame);
      sent = resultOf(await this.#context.sendPacket(packet));
    }
    if (sent !== 'ok') this.#onError();
    await this.#drain(onFrame);
  }

  async #drain(onFrame: (frame: Frame) => Promise<void>): Promise<void> {
    for (;;) {
      const received = resultOf(await this.#context.receiveFrame(this.#frame));
      if (received === 'error') {
        this.#onError();
        continue;
      }
      if (received !== 'ok') return;
      if (this.#frame.decodeErrorFlags !== 0) this.#onError();
      await onFrame(this.#frame);
      this.#frame.unref();
    }
  }

  free(): void {
    this.#frame.free();
    this.#context.freeContext();
  }
}
