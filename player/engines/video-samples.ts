/** Finds the pictures' NAL units in CMAF chunks as they come from the network, in pieces of any size. */
import { EPOCH_MS } from '../../domain/timeline.ts';

export interface VideoSample {
  /** When the picture belongs, Unix ms. */
  readonly instantMs: number;
  /** Without their lengths. */
  readonly nalUnits: readonly Uint8Array[];
}

/** A chunk is a part of 100 ms: a few kilobytes. What does not end within this is no chunk of ours. */
const PENDING_BYTES_MAX = 256 * 1024;
const HEADER_BYTE_COUNT = 8;
/** The trun flag of ISO 14496-12 §8.8.8.1 that our packager sets beside the sizes. */
const FIRST_SAMPLE_FLAGS = 0x4;
const SAMPLE_FLAGS = 0x400;

interface Run {
  readonly decodeTimeTicks: number;
  readonly sizes: readonly number[];
}

export interface VideoSampleReaderOptions {
  readonly timescaleHz: number;
  /** What one chunk covers. */
  readonly chunkMs: number;
}

export class VideoSampleReader {
  readonly #options: VideoSampleReaderOptions;
  #pending = new Uint8Array(0);
  #run: Run | undefined;

  constructor(options: VideoSampleReaderOptions) {
    this.#options = options;
  }

  /** After a break in the bytes. */
  reset(): void {
    this.#pending = new Uint8Array(0);
    this.#run = undefined;
  }

  /** @returns the pictures that are complete now. Never throws, whatever the bytes. */
  add(bytes: Uint8Array): VideoSample[] {
    const joined = new Uint8Array(this.#pending.byteLength + bytes.byteLength);
    joined.set(this.#pending);
    joined.set(bytes, this.#pending.byteLength);
    const samples: VideoSample[] = [];
    let offset = 0;
    for (;;) {
      const found = boxAt(joined, offset);
      if (!found) break;
      if (found.type === 'moof') this.#run = runOf(found.payload);
      else if (found.type === 'mdat' && this.#run) samples.push(...this.#samplesOf(this.#run, found.payload));
      offset = found.end;
    }
    this.#pending = joined.slice(offset);
    if (this.#pending.byteLength > PENDING_BYTES_MAX) this.reset();
    return samples;
  }

  #samplesOf({ decodeTimeTicks, sizes }: Run, payload: Uint8Array): VideoSample[] {
    const { timescaleHz, chunkMs } = this.#options;
    const startMs = EPOCH_MS + (decodeTimeTicks * 1000) / timescaleHz;
    let offset = 0;
    return sizes.map((size, index) => {
      const nalUnits = nalUnitsOf(payload.subarray(offset, offset + size));
      offset += size;
      // All pictures of a chunk last equally long.
      return { instantMs: startMs + (index * chunkMs) / sizes.length, nalUnits };
    });
  }
}

interface Box {
  readonly type: string;
  readonly payload: Uint8Array;
  readonly end: number;
}

/** @returns undefined when the box is not whole yet. */
function boxAt(bytes: Uint8Array, offset: number): Box | undefined {
  if (offset + HEADER_BYTE_COUNT > bytes.byteLength) return undefined;
  const size = viewOf(bytes).getUint32(offset);
  const end = offset + size;
  if (size < HEADER_BYTE_COUNT || end > bytes.byteLength) return undefined;
  const type = String.fromCharCode(...bytes.subarray(offset + 4, offset + HEADER_BYTE_COUNT));
  return { type, payload: bytes.subarray(offset + HEADER_BYTE_COUNT, end), end };
}

function childOf(bytes: Uint8Array, type: string): Uint8Array | undefined {
  for (let found = boxAt(bytes, 0); found; found = boxAt(bytes, found.end))
    if (found.type === type) return found.payload;
  return undefined;
}

/** Times and sizes of a moof with one track, as our packager writes it (ISO 14496-12 §8.8). */
function runOf(movieFragment: Uint8Array): Run | undefined {
  const track = childOf(movieFragment, 'traf');
  const time = track && childOf(track, 'tfdt');
  const run = track && childOf(track, 'trun');
  if (!time || !run || time.byteLength < 12 || run.byteLength < 12) return undefined;
  const view = viewOf(run);
  const flags = view.getUint32(0) & 0xffffff;
  const sampleCount = view.getUint32(4);
  const firstOffset = 12 + ((flags & FIRST_SAMPLE_FLAGS) === 0 ? 0 : 4);
  const step = (flags & SAMPLE_FLAGS) === 0 ? 4 : 8;
  if (firstOffset + sampleCount * step > run.byteLength) return undefined;
  const sizes = Array.from({ length: sampleCount }, (_, index) => view.getUint32(firstOffset + index * step));
  return { decodeTimeTicks: Number(viewOf(time).getBigUint64(4)), sizes };
}

/** Each NAL unit has four bytes of length before it (ISO 14496-15 §5.3.2). */
function nalUnitsOf(sample: Uint8Array): Uint8Array[] {
  const units: Uint8Array[] = [];
  const view = viewOf(sample);
  for (let offset = 0; offset + 4 < sample.byteLength; ) {
    const end = offset + 4 + view.getUint32(offset);
    if (end > sample.byteLength) break;
    units.push(sample.subarray(offset + 4, end));
    offset = end;
  }
  return units;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
