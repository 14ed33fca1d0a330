import { describe, expect, it } from 'vitest';
import { alignedRows, plotInWords } from '../../../../player/ui/plot-data.ts';

describe('rows of a plot', () => {
  it('lines that share their times keep them, and what could not be measured is a gap', () => {
    const timesMs = [1_000, 2_000];
    const rows = alignedRows([
      { label: 'a', timesMs, values: [1, undefined] },
      { label: 'b', timesMs, values: [3, 4] },
    ]);
    expect(rows).toEqual([
      [1, 2],
      [1, null],
      [3, 4],
    ]);
  });

  it('lines with times of their own are put on all times, and only a gap of their own parts them', () => {
    const rows = alignedRows([
      { label: 'a', timesMs: [1_000, 3_000], values: [1, undefined] },
      { label: 'b', timesMs: [2_000], values: [5] },
    ]);
    expect(rows).toEqual([
      [1, 2, 3],
      [1, undefined, null],
      [undefined, 5, undefined],
    ]);
  });

  it('no line is no row', () => {
    expect(alignedRows([])).toEqual([[]]);
  });
});

describe('a plot in words', () => {
  const format = (value: number) => `${value} ms`;

  it('says the newest value and the range', () => {
    const series = [{ label: 'Stage', timesMs: [1, 2, 3], values: [40, 20, 30] }];
    expect(plotInWords('Latency', series, format)).toBe('Latency. now 30 ms, between 20 ms and 40 ms.');
  });

  it('names the lines when there are several, and says where nothing was measured', () => {
    const series = [
      { label: 'A', timesMs: [1], values: [5] },
      { label: 'B', timesMs: [1], values: [undefined] },
    ];
    expect(plotInWords('Latency', series, format)).toBe(
      'Latency. A: now 5 ms, between 5 ms and 5 ms; B: nothing measured.',
    );
  });
});
