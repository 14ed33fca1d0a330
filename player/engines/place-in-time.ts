/**
 * Where a stream's content lies exactly. The grid puts a picture into a slot, a frame long; the chunks say how far
 * from it the picture would lie without slots, and when its camera captured it, if the camera tells.
 */
import { readProducerReference } from '../../domain/cmaf/producer-reference.ts';
import { CAPTURE_TO_GRID_MS, SEED_PROFILE } from '../../domain/profile.ts';
import type { Rendition } from '../../domain/renditions.ts';

/** Content is never further from its slot than a mapping may lag; what says more is not ours. */
const OFF_GRID_MAX_MS = 100;

export class PlaceInTime {
  readonly #timescaleHz: number;
  #offGridMs = 0;
  #isCaptured = false;

  constructor(rendition: Rendition) {
    const { video, audio } = SEED_PROFILE;
    this.#timescaleHz = rendition === 'audio' ? audio.sampleRateHz : video.timescaleHz;
  }

  /** To be added to an instant of the grid, ms. */
  get offGridMs(): number {
    return this.#offGridMs;
  }

  /** From capture to the instant on the timeline, ms; undefined when the camera does not tell. */
  get sinceCaptureMs(): number | undefined {
    return this.#isCaptured ? CAPTURE_TO_GRID_MS : undefined;
  }

  /** @param bytes the beginning of a chunk. */
  learn(bytes: Uint8Array): void {
    const reference = readProducerReference(bytes, this.#timescaleHz);
    if (!reference) return;
    const isCaptured = reference.kind === 'captured';
    const offGridMs = reference.unixMs + (isCaptured ? CAPTURE_TO_GRID_MS : 0) - reference.gridMs;
    if (Math.abs(offGridMs) > OFF_GRID_MAX_MS) return;
    this.#isCaptured = isCaptured;
    this.#offGridMs = offGridMs;
  }
}
