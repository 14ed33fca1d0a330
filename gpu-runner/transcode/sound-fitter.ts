/**
 * Fits blocks of sound onto the grid to the sample. A feed's sample clock is not ours: where a block belongs
 * drifts against where the last one ended. Small departures are stretched away a sample or two per block,
 * large ones are gaps or overlaps. Pure.
 */

/** A departure beyond this is a gap or an overlap of the feed, not drift. */
const DISCONTINUITY_MS = 100;
/** Correction begins when sound is this far off, and ends when it is right again: no flapping in between. */
const BEGIN_CORRECTION_MS = 0.5;
const END_CORRECTION_SAMPLES = 2;
/** Largest change of a block's length: 0.2%, a fortieth of a semitone, and ten times the drift of a bad clock. */
const MAX_STRETCH = 0.002;

/** A block of samples at the rendition's rate. */
export interface SoundBlock {
  /** Since EPOCH. */
  readonly firstSample: number;
  readonly planes: readonly Float32Array[];
  readonly sampleCount: number;
}

export class SoundFitter {
  readonly #sampleRateHz: number;
  /** Where the next block begins if it continues the last one. */
  #nextSample: number | undefined;
  #mapping: symbol | undefined;
  #correcting = false;
  /** The last sample of each channel, for the curve into the next block. */
  readonly #lastSamples: number[] = [];

  constructor(options: { sampleRateHz: number }) {
    this.#sampleRateHz = options.sampleRateHz;
  }

  /**
   * @param wallSample where the block's first sample belongs, in samples since EPOCH, fractional.
   * @param mapping what placed it. With another one than the last block's the picture moved at once, and sound
   *   goes with it: it begins anew where it belongs now, however little that is.
   * @returns the block as it is to be laid down; the planes may be the ones that came in.
   */
  fit(
    wallSample: number,
    planes: readonly Float32Array[],
    sampleCount: number,
    mapping?: symbol,
  ): SoundBlock {
    const errorSamples = wallSample - (this.#nextSample ?? Number.NEGATIVE_INFINITY);
    const toleranceMs = mapping === this.#mapping ? DISCONTINUITY_MS : BEGIN_CORRECTION_MS;
    this.#mapping = mapping;
    const continues = Math.abs(errorSamples) <= (toleranceMs * this.#sampleRateHz) / 1000;
    const firstSample =
      continues && this.#nextSample !== undefined ? this.#nextSample : Math.round(wallSample);
    if (!continues) this.#correcting = false;
    else if (Math.abs(errorSamples) > (BEGIN_CORRECTION_MS * this.#sampleRateHz) / 1000)
      this.#correcting = true;
    else if (Math.abs(errorSamples) <= END_CORRECTION_SAMPLES) this.#correcting = false;
    const change = this.#correcting ? boundedChange(errorSamples, sampleCount) : 0;
    const fitted =
      change === 0
        ? planes
        : planes.map((plane, channel) => this.#stretch(plane, channel, sampleCount, change));
    planes.forEach((plane, channel) => {
      this.#lastSamples[channel] = plane[sampleCount - 1] ?? 0;
    });
    this.#nextSample = firstSample + sampleCount + change;
    return { firstSample, planes: fitted, sampleCount: sampleCount + change };
  }

  /** The block with `change` samples more or fewer, along a cubic curve (Catmull-Rom). */
  #stretch(plane: Float32Array, channel: number, sampleCount: number, change: number): Float32Array {
    const out = new Float32Array(sampleCount + change);
    const step = sampleCount / out.length;
    const before = this.#lastSamples[channel] ?? plane[0] ?? 0;
    const last = plane[sampleCount - 1] ?? 0;
    for (let at = 0; at < out.length; at++) {
      const position = at * step;
      const index = Math.floor(position);
      const share = position - index;
      const p0 = index > 0 ? (plane[index - 1] ?? last) : before;
      const p1 = plane[index] ?? last;
      const p2 = index + 1 < sampleCount ? (plane[index + 1] ?? last) : last;
      const p3 = index + 2 < sampleCount ? (plane[index + 2] ?? last) : last;
      const a = 1.5 * (p1 - p2) + 0.5 * (p3 - p0);
      const b = p0 - 2.5 * p1 + 2 * p2 - 0.5 * p3;
      out[at] = ((a * share + b) * share + 0.5 * (p2 - p0)) * share + p1;
    }
    return out;
  }
}

function boundedChange(errorSamples: number, sampleCount: number): number {
  const limit = Math.max(1, Math.floor(sampleCount * MAX_STRETCH));
  return Math.max(-limit, Math.min(limit, Math.round(errorSamples)));
}
