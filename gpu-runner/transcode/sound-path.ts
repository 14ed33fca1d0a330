/** The feed's sound on its way to the grid: decode, resample to the rendition's rate, lay on the sample line. */
import { AV_CH_LAYOUT_STEREO, AV_NOPTS_VALUE, AV_SAMPLE_FMT_FLTP } from 'node-av/constants';
import { Frame, type Packet } from 'node-av/lib';
import type { AudioProfile } from '../../domain/profile.ts';
import type { SourceTrack } from '../media.ts';
import type { Decoder } from './decoder.ts';
import { FilterChain } from './filter-chain.ts';
import { soundFilters } from './options.ts';
import { type SoundBlock, SoundFitter } from './sound-fitter.ts';
import { TimestampUnwrapper } from './timestamp-unwrapper.ts';

/** The resampler is emptied to the last block this often, should it ever give more than it gets. */
const DRAIN_EVERY = 16;

/** Everything about decoded sound that a filter graph depends on. */
export interface SoundShape {
  readonly sampleRateHz: number;
  readonly format: number;
  readonly channelCount: number;
  readonly channelMask: bigint;
}

/** Where a source instant lies on the wall clock, and which mapping says so. */
export interface WallPosition {
  readonly wallMs: number;
  readonly mapping: symbol;
}

export class SoundPath {
  readonly decoder: Decoder;
  readonly #profile: AudioProfile;
  readonly #locate: (sourceMs: number) => WallPosition | undefined;
  readonly #deliver: (block: SoundBlock) => void;
  readonly #unwrapper = new TimestampUnwrapper();
  readonly #out: Frame;
  readonly #fitter: SoundFitter;
  #chain: FilterChain | undefined;
  #shape: SoundShape | undefined;
  #putCount = 0;

  constructor(options: {
    decoder: Decoder;
    profile: AudioProfile;
    /** Where a source instant lies on the wall clock; undefined while nobody knows. */
    locate: (sourceMs: number) => WallPosition | undefined;
    deliver: (block: SoundBlock) => void;
  }) {
    this.decoder = options.decoder;
    this.#profile = options.profile;
    this.#locate = options.locate;
    this.#deliver = options.deliver;
    this.#fitter = new SoundFitter({ sampleRateHz: options.profile.sampleRateHz });
    this.#out = new Frame();
    this.#out.alloc();
  }

  get shape(): SoundShape | undefined {
    return this.#shape;
  }

  get track(): SourceTrack {
    return this.decoder.track;
  }

  async take(packet: Packet): Promise<void> {
    await this.decoder.decode(packet, (frame) => this.#onDecoded(frame));
  }

  async #onDecoded(frame: Frame): Promise<void> {
    const timestamp = frame.bestEffortTimestamp;
    if (timestamp === AV_NOPTS_VALUE || frame.nbSamples === 0 || frame.sampleRate === 0) return;
    const { num, den } = this.track.timeBase;
    const sourceMs = (this.#unwrapper.unwrap(Number(timestamp)) * num * 1000) / den;
    const position = this.#locate(sourceMs);
    if (!position) return;
    const wallSample = (position.wallMs * this.#profile.sampleRateHz) / 1000;
    const shape = shapeOf(frame);
    if (this.#shape && !sameShape(shape, this.#shape)) this.#dropChain();
    this.#shape = shape;
    if (this.#isAsWanted(shape)) this.#lay(frame, wallSample, position.mapping);
    else await this.#convert(frame, wallSample, position.mapping);
  }

  #isAsWanted(shape: SoundShape): boolean {
    const { sampleRateHz, channelCount } = this.#profile;
    const sameRate = shape.sampleRateHz === sampleRateHz && shape.channelCount === channelCount;
    return sameRate && shape.format === AV_SAMPLE_FMT_FLTP && shape.channelMask === AV_CH_LAYOUT_STEREO;
  }

  /** The position goes through the resampler as a timestamp, so that its delay is accounted for. */
  async #convert(frame: Frame, wallSample: number, mapping: symbol): Promise<void> {
    const base = Math.round(wallSample);
    this.#chain ??= await FilterChain.forFrame(frame, {
      timeBase: { num: 1, den: this.#profile.sampleRateHz },
      description: soundFilters(this.#profile),
    });
    frame.pts = BigInt(base);
    if (this.#chain.put(frame) === 'error') return;
    // One block in is one block out, nearly always.
    this.#putCount = (this.#putCount + 1) % DRAIN_EVERY;
    do {
      if (!this.#chain.takeNow(this.#out)) return;
      this.#lay(this.#out, Number(this.#out.pts) + wallSample - base, mapping);
      this.#out.unref();
    } while (this.#putCount === 0);
  }

  #lay(frame: Frame, wallSample: number, mapping: symbol): void {
    this.#deliver(this.#fitter.fit(wallSample, (frame.data ?? []).map(floatsOf), frame.nbSamples, mapping));
  }

  #dropChain(): void {
    this.#chain?.free();
    this.#chain = undefined;
  }

  free(): void {
    this.#dropChain();
    this.#out.free();
    this.decoder.free();
  }
}

function floatsOf(plane: Buffer): Float32Array {
  // A plane of the library is aligned; a copy made by Buffer need not be.
  if (plane.byteOffset % 4 === 0)
    return new Float32Array(plane.buffer, plane.byteOffset, Math.floor(plane.byteLength / 4));
  return new Float32Array(plane.buffer.slice(plane.byteOffset, plane.byteOffset + plane.byteLength));
}

function shapeOf(frame: Frame): SoundShape {
  const { nbChannels, mask } = frame.channelLayout;
  return {
    sampleRateHz: frame.sampleRate,
    format: frame.format,
    channelCount: nbChannels,
    channelMask: mask,
  };
}

function sameShape(a: SoundShape, b: SoundShape): boolean {
  return (
    a.sampleRateHz === b.sampleRateHz &&
    a.format === b.format &&
    a.channelCount === b.channelCount &&
    a.channelMask === b.channelMask
  );
}
