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

  it('of several panes the samples of the same half second count together', () => {
    const lines = [
      { label: 'A', timesMs: [1_000, 1_500], values: [1, 2] },
      { label: 'B', timesMs: [1_012, 1_490, 2_003], values: [10, undefined, 30] },
    ];
    expect(combined('All', lines, sumOf)).toEqual({
      label: 'All',
      timesMs: [1_000, 1_500, 2_000],
      values: [11, 2, 30],
    });
    expect(combined('All', lines, spreadOf).values).toEqual([9, 0, 0]);
  });

  it('a moment at which nothing was measured stays a gap', () => {
    const lines = [{ label: 'A', timesMs: [1_000], values: [undefined] }];
    expect(combined('All', lines, sumOf).values).toEqual([undefined]);
  });
});
