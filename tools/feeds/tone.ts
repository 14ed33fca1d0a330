/**
 * The sound of a test feed: a quiet tone of its own pitch, and a beep of 1 kHz in the first 100 ms of each
 * second, in step with the white square of the picture. One second is computed once and repeated, which is
 * free of clicks because all pitches are whole numbers of Hz.
 */
import { FLASH_MS } from './scene.ts';

const BEEP_HZ = 1_000;
const TONE_LEVEL = 0.08;
const BEEP_LEVEL = 0.5;

export class Tone {
  private readonly second: Float32Array;

  constructor({ toneHz, sampleRateHz, beep }: { toneHz: number; sampleRateHz: number; beep: boolean }) {
    this.second = new Float32Array(sampleRateHz);
    const beepSampleCount = (sampleRateHz * FLASH_MS) / 1000;
    for (let at = 0; at < sampleRateHz; at++) {
      const phase = (2 * Math.PI * at) / sampleRateHz;
      const sound = beep && at < beepSampleCount;
      this.second[at] = sound
        ? BEEP_LEVEL * Math.sin(phase * BEEP_HZ)
        : TONE_LEVEL * Math.sin(phase * toneHz);
    }
  }

  /** Fills `target` with the samples from `firstSample` on, counted from the start of any second. */
  read(firstSample: number, target: Float32Array): void {
    const length = this.second.length;
    let from = ((firstSample % length) + length) % length;
    let filled = 0;
    while (filled < target.length) {
      const count = Math.min(length - from, target.length - filled);
      target.set(this.second.subarray(from, from + count), filled);
      filled += count;
      from = 0;
    }
  }
}
