/** The feed's sound on its way to the grid: decode, resample to the rendition's rate, lay on the sample line. */
import { AV_NOPTS_VALUE } from 'node-av/constants';
import { Frame, type Packet } from 'node-av/lib';
import type { AudioProfile } from '../../domain/profile.ts';
import type { SourceTrack } from '../media.ts';
import type { Decoder } from './decoder.ts';
import { FilterChain } from './filter-chain.ts';
import { soundFilters } from './options.ts';
import { TimestampUnwrapper } from './reclock.ts';

/** A departure from the expected position beyond this is a gap or an overlap, not drift. */
const DISCONTINUITY_MS = 100;

/** A block of samples at the rendition's rate. */
export interface SoundBlock {
  /** Since EPOCH. */
  readonly firstSample: number;
  readonly planes: readonly Float32Array[];
  readonly sampleCount: number;
}

/** Everything about decoded sound that a filter graph depends on. */
export interface SoundShape {
  readonly sampleRateHz: number;
  readonly format: number;
  readonly channelCount: number;
  readonly channelMask: bigint;
}

export class SoundPath {
  readonly decoder: Decoder;
  readonly #profile: AudioProfile;
  readonly #wallMs: (sourceMs: number) => number | undefined;
  readonly #deliver: (block: SoundBlock) => void;
  readonly #unwrapper = new TimestampUnwrapper();
  readonly #out: Frame;
  #chain: FilterChain | undefined;
  #shape: SoundShape | undefined;
  /** Sample since EPOCH that the running chain counts from. */
  #base = 0;
  #expectedWallMs = Number.NaN;

  constructor(options: {
    decoder: Decoder;
    profile: AudioProfile;
    /** Where a source instant lies on the wall clock; undefined while nobody knows. */
    wallMs: (sourceMs: number) => number | undefined;
    deliver: (block: SoundBlock) => void;
  }) {
    this.decoder = options.decoder;
    this.#profile = options.profile;
    this.#wallMs = options.wallMs;
    this.#deliver = options.deliver;
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
    const wallMs = this.#wallMs(sourceMs);
    if (wallMs === undefined) return;
    const chain = await this.#chainFor(frame, wallMs);
    this.#expectedWallMs = wallMs + (frame.nbSamples * 1000) / frame.sampleRate;
    frame.pts = BigInt(Math.round((wallMs * this.#profile.sampleRateHz) / 1000) - this.#base);
    if ((await chain.put(frame)) === 'error') return;
    while (await chain.take(this.#out)) {
      this.#deliver({
        firstSample: Number(this.#out.pts) + this.#base,
        planes: (this.#out.data ?? []).map(floatsOf),
        sampleCount: this.#out.nbSamples,
      });
      this.#out.unref();
    }
  }

  async #chainFor(frame: Frame, wallMs: number): Promise<FilterChain> {
    const { sampleRateHz } = this.#profile;
    const shape = shapeOf(frame);
    const continues = Math.abs(wallMs - this.#expectedWallMs) <= DISCONTINUITY_MS;
    if (this.#chain && this.#shape && sameShape(shape, this.#shape) && continues) return this.#chain;
    this.#chain?.free();
    this.#chain = undefined;
    this.#base = Math.round((wallMs * sampleRateHz) / 1000);
    this.#shape = shape;
    this.#chain = await FilterChain.forFrame(frame, {
      timeBase: { num: 1, den: sampleRateHz },
      description: soundFilters(this.#profile),
    });
    return this.#chain;
  }

  free(): void {
    this.#chain?.free();
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
