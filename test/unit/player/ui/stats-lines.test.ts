import { describe, expect, it } from 'vitest';
import { combined, lineOf, spreadOf, sumOf } from '../../../../player/ui/stats-lines.ts';

describe('lines of the statistics', () => {
  it('what could not be measured is a gap, and the rest comes in the unit of the plot', () => {
    expect(lineOf('A', { timesMs: [500, 1_000], values: [2_000, Number.NaN] }, 0.001)).toEqual({
      label: 'A',
      timesMs: [500, 1_000],
      values: [2, undefined],
    });
  });

  it('of several panes the samples that lie nearest count together, whatever the beat of each', () => {
    const lines = [
      { label: 'A', timesMs: [1_000, 1_500, 2_000], values: [1, 2, 3] },
      { label: 'B', timesMs: [1_248, 1_752], values: [10, 20] },
      { label: 'C', timesMs: [2_010], values: [100] },
    ];
    expect(combined('All', lines, sumOf)).toEqual({
      label: 'All',
      timesMs: [1_000, 1_500, 2_000],
      values: [11, 22, 123],
    });
  });

  it('what one pane could not measure does not keep the others from counting', () => {
    const lines = [
      { label: 'A', timesMs: [1_000, 1_500], values: [4, 5] },
      { label: 'B', timesMs: [1_010, 1_490], values: [undefined, 7] },
    ];
    expect(combined('Skew', lines, spreadOf).values).toEqual([0, 2]);
  });

  it('a moment at which nothing was measured stays a gap', () => {
    const lines = [{ label: 'A', timesMs: [1_000], values: [undefined] }];
    expect(combined('All', lines, sumOf).values).toEqual([undefined]);
  });
});
