/**
 * The sound side of the grid: frames of 1024 samples since EPOCH, in order, from the sample line; what is
 * missing when a frame falls due is silence.
 */
import type { Profile } from '../../domain/profile.ts';
import { audioFramesOfPart, partOfTicks } from '../../domain/timeline.ts';
import type { EncodedFrame } from '../media.ts';
import type { AudioEncoder, EncodedSound } from './audio-encoder.ts';

import { SampleLine } from './sample-line.ts';
import { SlidingExtreme } from './sliding-extreme.ts';
import type { SoundBlock } from './sound-fitter.ts';

/** Longest time that a frame waits for its samples beyond its nominal end, on a feed whose pictures are on time. */
export const MAX_SOUND_WAIT_MS = 400;
/** How long a frame waits as long as nobody knows how late the sound of this feed is. */
const FIRST_SOUND_WAIT_MS = 200;
/** Added to the lateness that was seen. */
const SOUND_WAIT_MARGIN_MS = 10;
/** Without a block for this long there is no sound to wait for. */
const SOUND_LOSS_MS = 1_000;
/** Silence is known in advance: it goes in early enough that the encoder's delay costs nothing. */
const SILENCE_LEAD_FRAMES = 3;
/** Sound further ahead than this is not kept. */
const LINE_CAPACITY_MS = 2_000;

export interface SoundOutputOptions {
  readonly profile: Profile;
  readonly encoder: Pick<AudioEncoder, 'encode'>;
  readonly onFrame: (frame: EncodedFrame) => void;
  readonly onError: (error: unknown) => void;
}

export class SoundOutput {
  readonly #options: SoundOutputOptions;
  readonly #line: SampleLine;
  readonly #samples: Float32Array;
  readonly #lateness = new SlidingExtreme(Math.max);
  readonly #firstFrame: number;
  /** The next frame to be handed to the encoder. */
  #nextFrame: number;
  #lastBlockMs = Number.NEGATIVE_INFINITY;

  constructor(firstSegment: number, options: SoundOutputOptions) {
    this.#options = options;
    const { audio, segmentMs } = options.profile;
    const firstSample = (firstSegment * segmentMs * audio.sampleRateHz) / 1000;
    this.#firstFrame = Math.ceil(firstSample / audio.frameSampleCount);
    // One frame more in front: an access unit overlaps with the frame before it.
    this.#nextFrame = this.#firstFrame - 1;
    this.#samples = new Float32Array(audio.channelCount * audio.frameSampleCount);
    this.#line = new SampleLine({
      channelCount: audio.channelCount,
      capacitySamples: (LINE_CAPACITY_MS * audio.sampleRateHz) / 1000,
      firstSample: this.#nextFrame * audio.frameSampleCount,
    });
  }

  write(block: SoundBlock, nowMs: number): void {
    // The frame that ends just after the block begins has waited for the whole block.
    const startMs = (block.firstSample * 1000) / this.#options.profile.audio.sampleRateHz;
    if (nowMs - this.#lastBlockMs > SOUND_LOSS_MS) this.#lateness.clear();
    this.#lastBlockMs = nowMs;
    this.#lateness.add(nowMs, nowMs - startMs);
    this.#line.write(block.firstSample, block.planes, block.sampleCount);
  }

  /**
   * Encodes the frames of every part that is complete or due.
   *
   * @param expectsSound false while the feed is gone or has no sound: silence needs no waiting.
   * @param behindMs how long after its instant the feed's picture is ready; sound may be as late on top.
   * @returns when the next part's frames are due.
   */
  fill(nowMs: number, expectsSound: boolean, behindMs = 0): number {
    const { sampleRateHz, frameSampleCount } = this.#options.profile.audio;
    const frameMs = (frameSampleCount * 1000) / sampleRateHz;
    const waits = expectsSound && nowMs - this.#lastBlockMs <= SOUND_LOSS_MS;
    for (;;) {
      const last = this.#lastFrameOfRun();
      const dueMs = waits
        ? (last + 1) * frameMs + this.#waitMs(behindMs)
        : (last - SILENCE_LEAD_FRAMES) * frameMs;
      const complete = this.#line.writePosition >= (last + 1) * frameSampleCount;
      if (!complete && dueMs > nowMs) return dueMs;
      while (this.#nextFrame <= last) this.#encode(this.#nextFrame++);
    }
  }

  /**
   * Nobody can use a frame before its part is whole, and four or five in a row take the encoder less time than one
   * every 21 ms. An access unit comes with the frame after its own, so that one belongs to the run.
   */
  #lastFrameOfRun(): number {
    const { profile } = this.#options;
    const { sampleRateHz, frameSampleCount } = profile.audio;
    const part = partOfTicks((this.#nextFrame - 1) * frameSampleCount, sampleRateHz, profile);
    const { firstFrameIndex, frameCount } = audioFramesOfPart(part, profile);
    return firstFrameIndex + frameCount;
  }

  /** The encoder fell behind or the process was stopped: the frames up to this instant are given up. */
  skipTo(ms: number): void {
    const { sampleRateHz, frameSampleCount } = this.#options.profile.audio;
    const frame = Math.ceil((ms * sampleRateHz) / 1000 / frameSampleCount);
    this.#nextFrame = Math.max(this.#nextFrame, frame);
  }

  #waitMs(behindMs: number): number {
    const lateness = this.#lateness.value;
    const behind = Math.max(0, behindMs);
    const waitMs = lateness === undefined ? FIRST_SOUND_WAIT_MS + behind : lateness + SOUND_WAIT_MARGIN_MS;
    return Math.min(MAX_SOUND_WAIT_MS + behind, waitMs);
  }

  #encode(frame: number): void {
    const { encoder, onFrame, onError, profile } = this.#options;
    const { frameSampleCount } = profile.audio;
    this.#line.skipTo(frame * frameSampleCount);
    this.#line.read(frameSampleCount, this.#samples);
    let unit: EncodedSound | undefined;
    try {
      unit = encoder.encode(this.#samples, frame);
    } catch (error) {
      onError(error);
    }
    if (!unit || unit.frameIndex < this.#firstFrame) return;
    onFrame({
      track: 'audio',
      decodeTimeTicks: unit.frameIndex * frameSampleCount,
      durationTicks: frameSampleCount,
      independent: true,
      bytes: unit.bytes,
    });
  }
}
