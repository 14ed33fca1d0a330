import { describe, expect, it } from 'vitest';
import { SEED_PROFILE } from '../../../domain/profile.ts';
import { retryDelayMs } from '../../../player/retry-delay.ts';

const { segmentMs } = SEED_PROFILE;

describe('a pane that failed tries again', () => {
  it('later each time, and no later than after 2 s', () => {
    const longestMs = [1, 2, 3, 4, 5, 60].map((count) => retryDelayMs(count, () => 0));
    expect(longestMs).toEqual([300, 600, 1_200, 2_000, 2_000, 2_000]);
  });

  it('not in the rhythm of segments: what fails at one point of a segment is tried at others', () => {
    const delaysMs = [0, 0.2, 0.4, 0.6, 0.8].map((random) => retryDelayMs(9, () => random));
    const phases = new Set(delaysMs.map((ms) => Math.floor((ms % segmentMs) / 100)));
    expect(phases.size).toBeGreaterThanOrEqual(3);
  });
});
