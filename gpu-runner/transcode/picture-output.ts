/**
 * The picture side of the grid: every slot is filled once and in order, by a picture of the feed, by a repeat
 * of the last one, or by the NO SIGNAL picture, and encoded.
 */
import type { Frame } from 'node-av/lib';
import type { Log } from '../../domain/log.ts';
import type { Profile } from '../../domain/profile.ts';
import type { RunnerSpec } from '../../domain/stream.ts';
import type { EncodedFrame } from '../media.ts';
import { forgetCaptions } from './captions.ts';
import { lossPicture } from './loss-picture.ts';
import { slotsPerSegment } from './options.ts';
import type { Reservation } from './picture-path.ts';
import { SerialQueue } from './serial-queue.ts';
import { SlotFiller } from './slot-filler.ts';
import { MAX_SLOT_WAIT_MS } from './source-clock.ts';
import type { VideoEncoder } from './video-encoder.ts';

/** Slots that wait for the encoder: two seconds at the highest rate. Beyond it whole parts are given up. */
const MAX_WAITING_SLOTS = 120;
/** Output this far behind the clock is given up, up to the next segment start. */
export const MAX_OUTPUT_LAG_MS = 1_000;

/** Work for the encoder, in slot order. Without a picture the slot repeats what was shown last. */
interface SlotItem {
  /** Absent for a picture that came too late for a slot of its own. */
  readonly slot?: number;
  readonly picture?: Promise<Frame | undefined>;
  readonly signalLost?: boolean;
}

export interface PictureCounters {
  repeatedFrameCount: number;
  droppedFrameCount: number;
  skippedPartCount: number;
}

export interface PictureOutputOptions {
  readonly profile: Profile;
  readonly encoder: Pick<VideoEncoder, 'encode'>;
  /** What was shown before the first picture of this output; owned by it. */
  readonly shown?: Frame;
  readonly signalLoss: RunnerSpec['signalLoss'];
  readonly log: Log;
  readonly counters: PictureCounters;
  readonly onFrame: (frame: EncodedFrame) => void;
  /** Output up to this instant was given up, because the machine could not keep up. */
  readonly onSkip: (toMs: number) => void;
  readonly onError: (error: unknown) => void;
}

export class PictureOutput {
  readonly #options: PictureOutputOptions;
  readonly #queue: SerialQueue<SlotItem>;
  readonly #filler: SlotFiller;
  #shown: Frame | undefined;
  #lossPicture: Frame | undefined;

  /** Output begins at this segment. */
  constructor(firstSegment: number, options: PictureOutputOptions) {
    this.#options = options;
    this.#shown = options.shown;
    this.#filler = new SlotFiller({
      frameRate: options.profile.video.frameRate,
      firstSlot: firstSegment * slotsPerSegment(options.profile),
    });
    this.#queue = new SerialQueue({
      limit: MAX_WAITING_SLOTS,
      handle: (item) => this.#encode(item),
      onError: options.onError,
    });
  }

  get filler(): SlotFiller {
    return this.#filler;
  }

  /**
   * Places a picture that belongs at `wallMs`; undefined when nobody will see it. Its place in the queue is
   * taken now, so that a repeat that falls due while it is scaled comes after it.
   */
  place(wallMs: number): Reservation | undefined {
    const { counters } = this.#options;
    const placement = this.#filler.place(wallMs);
    if (placement.kind === 'surplus') {
      counters.droppedFrameCount++;
      return undefined;
    }
    if (placement.kind === 'late') counters.droppedFrameCount++;
    if (placement.kind === 'fill')
      for (let back = placement.repeatCount; back > 0; back--) this.#repeat(placement.slot - back, false);
    const { promise, resolve } = deferred<Frame | undefined>();
    const slot = placement.kind === 'fill' ? { slot: placement.slot } : {};
    if (this.#queue.push({ ...slot, picture: promise })) return { fulfil: resolve };
    counters.droppedFrameCount++;
    return undefined;
  }

  /**
   * Repeats the last picture, or shows NO SIGNAL, in every slot that is due.
   *
   * @param dueMs when the filler's next slot stops waiting for a picture.
   * @returns when the next slot is due.
   */
  fill(nowMs: number, signalLost: boolean, dueMs: (filler: SlotFiller) => number): number {
    this.#giveUpIfBehind(nowMs);
    while (dueMs(this.#filler) <= nowMs) this.#repeat(this.#filler.repeat(), signalLost);
    return dueMs(this.#filler);
  }

  #repeat(slot: number, signalLost: boolean): void {
    this.#options.counters.repeatedFrameCount++;
    this.#queue.push({ slot, signalLost });
  }

  #giveUpIfBehind(nowMs: number): void {
    const { profile, counters, log } = this.#options;
    const filler = this.#filler;
    const lagMs = nowMs - MAX_SLOT_WAIT_MS - (filler.nextSlot - this.#queue.length) * filler.frameMs;
    if (lagMs < MAX_OUTPUT_LAG_MS) return;
    const from = filler.nextSlot - this.#queue.length;
    for (const item of this.#queue.clear()) void item.picture?.then((picture) => picture?.free());
    const segment = Math.floor(nowMs / profile.segmentMs) + 1;
    filler.skipTo(segment * slotsPerSegment(profile));
    const skippedPartCount = Math.ceil(((filler.nextSlot - from) * filler.frameMs) / profile.partMs);
    counters.skippedPartCount += skippedPartCount;
    log.warn('output-behind', { lagMs: Math.round(lagMs), skippedPartCount });
    this.#options.onSkip(segment * profile.segmentMs);
  }

  async #encode(item: SlotItem): Promise<void> {
    const { encoder, profile, onFrame } = this.#options;
    const picture = await item.picture;
    if (picture) {
      this.#shown?.free();
      this.#shown = picture;
      this.#lossPicture?.free();
      this.#lossPicture = undefined;
    }
    if (item.slot === undefined || !this.#shown) return;
    const encoded = await encoder.encode(
      item.signalLost ? await this.#lost(this.#shown) : this.#shown,
      item.slot,
    );
    if (!item.signalLost) forgetCaptions(this.#shown);
    const durationTicks = profile.video.timescaleHz / profile.video.frameRate;
    onFrame({
      track: 'video',
      decodeTimeTicks: encoded.slot * durationTicks,
      durationTicks,
      independent: encoded.keyframe,
      bytes: encoded.bytes,
    });
  }

  async #lost(last: Frame): Promise<Frame> {
    this.#lossPicture ??= await lossPicture(last, this.#options.signalLoss, this.#options.profile.video);
    return this.#lossPicture;
  }

  /** Waits for what is in work and frees the pictures. */
  async close(): Promise<void> {
    for (const item of this.#queue.clear()) void item.picture?.then((picture) => picture?.free());
    await this.#queue.idle();
    this.#shown?.free();
    this.#lossPicture?.free();
  }
}

/** Promise.withResolvers is not there on Node 20. */
function deferred<Value>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  let resolve: (value: Value) => void = () => undefined;
  const promise = new Promise<Value>((resolvePromise) => {
    resolve = resolvePromise;
  });
  return { promise, resolve };
}
