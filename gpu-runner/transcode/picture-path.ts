/** The feed's pictures on their way to the grid: decode, place, scale. One packet at a time. */
import { AV_NOPTS_VALUE } from 'node-av/constants';
import { Frame, type Packet } from 'node-av/lib';
import type { Log } from '../../domain/log.ts';
import type { VideoProfile } from '../../domain/profile.ts';
import type { SourceTrack } from '../media.ts';
import { CaptionCarry } from './captions.ts';
import { type CaptureTime, captureTimeOf, captureTimeOfPacket } from './capture-time.ts';
import { Decoder } from './decoder.ts';
import { FilterChain, type TimeBase } from './filter-chain.ts';
import type { HardwareChoice } from './hardware.ts';
import {
  filterText,
  type PictureShape,
  pictureFilters,
  placesAfterFilter,
  sameShape,
  scalesQuickly,
  shapeOf,
} from './picture-graph.ts';
import { RateMeter } from './rate-meter.ts';
import { TimestampUnwrapper } from './timestamp-unwrapper.ts';

/** A place in the output that waits for its picture. Must be fulfilled exactly once. */
export interface Reservation {
  /** Hands the picture over; undefined when there is none after all, and the last one is repeated. */
  fulfil(picture: Frame | undefined): void;
}

/**
 * Decides about a decoded picture before it costs anything more: undefined means that nobody will see it.
 *
 * @param capture when the camera captured it, if the feed says so.
 */
export type PictureGate = (sourceMs: number, capture: CaptureTime | undefined) => Reservation | undefined;

export class PicturePath {
  readonly decoder: Decoder;
  readonly #target: VideoProfile;
  readonly #encodesOn: HardwareChoice;
  readonly #log: Log;
  readonly #gate: PictureGate;
  readonly #unwrapper = new TimestampUnwrapper();
  readonly #rate = new RateMeter();
  readonly #captions = new CaptionCarry();
  #shape: PictureShape | undefined;
  #chain: FilterChain | undefined;
  /** From the feed's timestamps to Unix time, as the sender's reports say. */
  #captureOffsetMs: number | undefined;

  constructor(options: {
    decoder: Decoder;
    target: VideoProfile;
    /** Where the pictures must end up. */
    encodesOn: HardwareChoice;
    log: Log;
    gate: PictureGate;
  }) {
    this.decoder = options.decoder;
    this.#target = options.target;
    this.#encodesOn = options.encodesOn;
    this.#log = options.log;
    this.#gate = options.gate;
  }

  get frameRate(): number | undefined {
    return this.#rate.framesPerSecond;
  }

  get shape(): PictureShape | undefined {
    return this.#shape;
  }

  get track(): SourceTrack {
    return this.decoder.track;
  }

  async take(packet: Packet): Promise<void> {
    const unixMs = packet.pts === AV_NOPTS_VALUE ? undefined : captureTimeOfPacket(packet);
    if (unixMs !== undefined) {
      const sourceMs = this.#sourceMs(packet.pts, this.track.timeBase);
      this.#captureOffsetMs = unixMs - sourceMs;
    }
    await this.decoder.decode(packet, (frame) => this.#onDecoded(frame));
  }

  async #onDecoded(frame: Frame): Promise<void> {
    const timestamp = frame.bestEffortTimestamp;
    if (timestamp === AV_NOPTS_VALUE) return;
    const chain = await this.#chainFor(frame);
    frame.pts = timestamp;
    if (this.#shape && placesAfterFilter(this.#shape, this.#target))
      return this.#scaleThenPlace(chain, frame);
    const sourceMs = this.#sourceMs(timestamp, this.track.timeBase);
    this.#rate.add(sourceMs);
    const reservation = this.#gate(sourceMs, this.#captureOf(frame, sourceMs));
    if (!reservation) {
      this.#captions.dropped(frame);
      return;
    }
    this.#captions.shown(frame);
    let picture: Frame | undefined;
    try {
      if (chain.put(frame) === 'ok') picture = await this.#takeFrom(chain);
    } finally {
      // Whatever happens: a place that is never fulfilled would hold up all that come after it.
      reservation.fulfil(picture);
    }
  }

  /** A deinterlacer holds pictures back and may make two of one: place what comes out of it. */
  async #scaleThenPlace(chain: FilterChain, frame: Frame): Promise<void> {
    if (chain.put(frame) === 'error') return;
    for (let picture = await this.#takeFrom(chain); picture; picture = await this.#takeFrom(chain)) {
      const sourceMs = this.#sourceMs(picture.pts, chain.outputTimeBase);
      this.#rate.add(sourceMs);
      const reservation = this.#gate(sourceMs, this.#captureOf(picture, sourceMs));
      if (reservation) reservation.fulfil(picture);
      else picture.free();
    }
  }

  #captureOf(frame: Frame, sourceMs: number): CaptureTime | undefined {
    const told = captureTimeOf(frame, this.#rate.framesPerSecond);
    if (told || this.#captureOffsetMs === undefined) return told;
    return { kind: 'instant', unixMs: sourceMs + this.#captureOffsetMs };
  }

  async #takeFrom(chain: FilterChain): Promise<Frame | undefined> {
    const picture = new Frame();
    picture.alloc();
    const isQuick = this.#shape !== undefined && scalesQuickly(this.#shape, this.#encodesOn.kind);
    if (isQuick ? chain.takeNow(picture) : await chain.take(picture)) return picture;
    picture.free();
    return undefined;
  }

  #sourceMs(timestamp: bigint, timeBase: TimeBase): number {
    const ticks = this.#unwrapper.unwrap(Number(timestamp));
    return (ticks * timeBase.num * 1000) / timeBase.den;
  }

  async #chainFor(frame: Frame): Promise<FilterChain> {
    const shape = shapeOf(frame);
    if (this.#chain && this.#shape && sameShape(this.#shape, shape)) return this.#chain;
    this.#chain?.free();
    this.#chain = undefined;
    const description = filterText(pictureFilters(shape, this.#target, this.#encodesOn.kind));
    const device = this.#encodesOn.kind === 'nvidia' ? this.#encodesOn.device : undefined;
    this.#chain = await FilterChain.forFrame(frame, { timeBase: this.track.timeBase, description, device });
    this.#shape = shape;
    this.#log.info('picture-graph-built', { widthPx: shape.widthPx, heightPx: shape.heightPx, description });
    return this.#chain;
  }

  free(): void {
    this.#chain?.free();
    this.decoder.free();
  }
}
