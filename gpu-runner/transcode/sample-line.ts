/**
 * Sound on the grid, as a line of samples since EPOCH: blocks are written where they belong, frames are read
 * in order, holes are silence. Pure. One fixed buffer; nothing is allocated per block.
 */
export class SampleLine {
  readonly #capacity: number;
  readonly #channels: readonly Float32Array[];
  /** First sample that is not read yet. */
  #readPosition: number;
  /** One past the last sample that was written. */
  #writePosition: number;

  constructor(options: { channelCount: number; capacitySamples: number; firstSample: number }) {
    this.#capacity = options.capacitySamples;
    this.#channels = Array.from(
      { length: options.channelCount },
      () => new Float32Array(options.capacitySamples),
    );
    this.#readPosition = options.firstSample;
    this.#writePosition = options.firstSample;
  }

  get readPosition(): number {
    return this.#readPosition;
  }

  get writePosition(): number {
    return this.#writePosition;
  }

  /**
   * Writes a block. What is older than the read position is late and dropped; what is further ahead than the
   * buffer is long is dropped too.
   *
   * @returns how many samples were kept.
   */
  write(firstSample: number, planes: readonly Float32Array[], sampleCount: number): number {
    const from = Math.max(firstSample, this.#readPosition);
    const to = Math.min(firstSample + sampleCount, this.#readPosition + this.#capacity);
    if (to <= from) return 0;
    planes.forEach((plane, channel) => {
      const line = this.#channels[channel];
      if (line) this.#copyIn(line, plane.subarray(from - firstSample, to - firstSample), from);
    });
    this.#writePosition = Math.max(this.#writePosition, to);
    return to - from;
  }

  /** Reads the next `sampleCount` samples of each channel, one after the other, into `into`; clears them. */
  read(sampleCount: number, into: Float32Array): void {
    this.#channels.forEach((line, channel) => {
      this.#copyOut(line, into.subarray(channel * sampleCount, (channel + 1) * sampleCount));
    });
    this.#readPosition += sampleCount;
    this.#writePosition = Math.max(this.#writePosition, this.#readPosition);
  }

  /** Moves the read position ahead; what lies between is lost. */
  skipTo(sample: number): void {
    if (sample <= this.#readPosition) return;
    if (sample - this.#readPosition >= this.#capacity) for (const line of this.#channels) line.fill(0);
    else
      for (const line of this.#channels)
        for (let at = this.#readPosition; at < sample; at++) line[at % this.#capacity] = 0;
    this.#readPosition = sample;
    this.#writePosition = Math.max(this.#writePosition, sample);
  }

  #copyIn(line: Float32Array, block: Float32Array, position: number): void {
    const start = position % this.#capacity;
    const untilEnd = Math.min(block.length, this.#capacity - start);
    line.set(block.subarray(0, untilEnd), start);
    line.set(block.subarray(untilEnd), 0);
  }

  #copyOut(line: Float32Array, into: Float32Array): void {
    const start = this.#readPosition % this.#capacity;
    const untilEnd = Math.min(into.length, this.#capacity - start);
    into.set(line.subarray(start, start + untilEnd));
    into.set(line.subarray(0, into.length - untilEnd), untilEnd);
    line.fill(0, start, start + untilEnd);
    line.fill(0, 0, into.length - untilEnd);
  }
}
