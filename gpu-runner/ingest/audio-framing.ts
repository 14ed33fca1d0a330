/**
 * Cuts the sound of MPEG-TS into whole frames. A PES packet may hold several frames, or end inside one
 * (ISO 13818-1 §2.4.3.7); FFmpeg's own parser is not used because it cannot be switched on for the sound
 * alone, and on the picture it costs one frame of delay.
 */

/** What the header of one audio frame says. */
export interface AudioFrameHeader {
  readonly byteCount: number;
  readonly sampleCount: number;
  readonly sampleRateHz: number;
  readonly channelCount: number;
  /** Bytes before the frame that belong to its transport only, counted in `byteCount`. */
  readonly wrapperByteCount?: number;
}

/** One whole frame; `ptsTicks` is undefined until a timestamp was seen. */
export interface AudioFrame extends AudioFrameHeader {
  readonly bytes: Uint8Array;
  readonly ptsTicks: bigint | undefined;
}

/** Reads a frame header at an offset; undefined where none starts. Needs `HEADER_BYTES` readable bytes. */
export type AudioHeaderReader = (bytes: Uint8Array, offset: number) => AudioFrameHeader | undefined;

/** The most that any header reader looks at. */
export const HEADER_BYTES = 8;

/** Bytes kept of an unfinished frame; the longest frame of any format here is 8191 (ADTS). */
const MAX_PENDING_BYTES = 16_384;

const TICKS_PER_SECOND = 90_000n;

export class AudioFramer {
  readonly #readHeader: AudioHeaderReader;
  #pending: Uint8Array = new Uint8Array(0);
  #nextPtsTicks: bigint | undefined;

  constructor(readHeader: AudioHeaderReader) {
    this.#readHeader = readHeader;
  }

  /**
   * @param payload of one PES packet.
   * @param ptsTicks of the first frame that starts in it, 90 kHz; undefined when the PES has none.
   */
  push(payload: Uint8Array, ptsTicks: bigint | undefined): AudioFrame[] {
    const carriedByteCount = this.#pending.length;
    const bytes = carriedByteCount === 0 ? payload : joined(this.#pending, payload);
    const frames: AudioFrame[] = [];
    let ptsForNewFrame = ptsTicks;
    let offset = 0;
    // After bytes that were no frame, payload may look like a header: then the next one must follow too.
    let inStep = true;
    while (offset + HEADER_BYTES <= bytes.length) {
      const header = this.#readHeader(bytes, offset);
      if (header === undefined || (!inStep && !this.#headerFollows(bytes, offset + header.byteCount))) {
        inStep = false;
        offset += 1;
        continue;
      }
      if (offset + header.byteCount > bytes.length) break;
      if (offset >= carriedByteCount && ptsForNewFrame !== undefined) {
        this.#nextPtsTicks = ptsForNewFrame;
        ptsForNewFrame = undefined;
      }
      frames.push({
        ...header,
        bytes: bytes.subarray(offset + (header.wrapperByteCount ?? 0), offset + header.byteCount),
        ptsTicks: this.#nextPtsTicks,
      });
      if (this.#nextPtsTicks !== undefined) this.#nextPtsTicks += durationTicks(header);
      offset += header.byteCount;
      inStep = true;
    }
    this.#keep(bytes.subarray(offset), offset >= carriedByteCount ? ptsForNewFrame : undefined);
    return frames;
  }

  /** True also where the bytes end before the next header could be read. */
  #headerFollows(bytes: Uint8Array, offset: number): boolean {
    return offset + HEADER_BYTES > bytes.length || this.#readHeader(bytes, offset) !== undefined;
  }

  #keep(rest: Uint8Array, ptsTicks: bigint | undefined): void {
    this.#pending = rest.length > MAX_PENDING_BYTES ? new Uint8Array(0) : Uint8Array.from(rest);
    if (ptsTicks !== undefined && rest.length > 0) this.#nextPtsTicks = ptsTicks;
  }
}

export function durationTicks(header: Pick<AudioFrameHeader, 'sampleCount' | 'sampleRateHz'>): bigint {
  return (BigInt(header.sampleCount) * TICKS_PER_SECOND) / BigInt(header.sampleRateHz);
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}
