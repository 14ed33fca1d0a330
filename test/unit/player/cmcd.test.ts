import { validateCmcdEvents } from '@svta/cml-cmcd';
import { describe, expect, it, vi } from 'vitest';
import { CMCD_EVERY_MS } from '../../../domain/cmcd.ts';
import { ViewerReports, viewerMetricLines } from '../../../origin/viewer-reports.ts';
import { CmcdReporter } from '../../../player/cmcd.ts';
import type { PaneMeasure } from '../../../player/pane-measure.ts';

const PANE: PaneMeasure = {
  streamId: 'cam-1',
  engine: 'clock-mse',
  phase: 'playing',
  latencyMs: 512.4,
  skewMs: 3,
  bufferMs: 240.6,
  playbackRate: 1.005,
  bitrateBps: 4e5,
  requestsPerS: 2,
  glassToGlassMs: undefined,
  neededLatencyMs: 500,
  shownInstantMs: 1,
  stallCount: 2,
  stalledMs: 700,
  seekCount: 0,
  engineCount: 1,
  requestCount: 10,
  byteCount: 1_000,
  droppedFrameCount: 4,
};

class Bench {
  panes: readonly PaneMeasure[] = [PANE];
  nowMs = 1_780_000_000_000;
  readonly sent: string[] = [];
  readonly reporter = new CmcdReporter({
    panes: () => this.panes,
    send: (body) => this.sent.push(body),
    sessionId: '7b9d6c1e-0000-4000-8000-000000000000',
    nowMs: () => this.nowMs,
    isHidden: () => false,
  });
}

describe('the report of a page', () => {
  it('is valid CMCD version 2 in event mode, one line for each pane', () => {
    const bench = new Bench();
    bench.panes = [PANE, { ...PANE, streamId: 'cam-2', phase: 'stalled', latencyMs: undefined }];
    bench.reporter.report();
    bench.reporter.report();
    const lines = bench.sent.at(-1)?.trimEnd().split('\n') ?? [];
    expect(lines).toHaveLength(2);
    expect(validateCmcdEvents(lines.join('\n')).issues).toEqual([]);
    expect(lines[0]).toContain('cid="cam-1"');
    expect(lines[0]).toContain('ltc=512');
    expect(lines[0]).toContain('sta=p');
    expect(lines[1]).toContain('sta=r');
    expect(lines[1]).not.toContain('ltc');
  });

  it('says what happened since the one before, so that it can be added up', () => {
    const bench = new Bench();
    bench.nowMs += CMCD_EVERY_MS;
    bench.panes = [{ ...PANE, stallCount: 3, stalledMs: 1_000, droppedFrameCount: 9 }];
    bench.reporter.report();
    expect(bench.sent[0]).toContain('mirror-stalled-ms="300"');
    expect(bench.sent[0]).toContain('mirror-stalls="1"');
    expect(bench.sent[0]).toContain('mirror-dropped="5"');
    expect(bench.sent[0]).toContain(`mirror-covered-ms="${CMCD_EVERY_MS}"`);
  });

  it('counts a pane that came since from its beginning, and says nothing without panes', () => {
    const bench = new Bench();
    bench.panes = [{ ...PANE, streamId: 'cam-3' }];
    bench.reporter.report();
    expect(bench.sent[0]).toContain('mirror-stalled-ms="700"');
    bench.reporter.report();
    expect(bench.sent[1]).toContain('mirror-stalled-ms="0"');
    bench.panes = [];
    bench.reporter.report();
    expect(bench.sent).toHaveLength(2);
  });

  it('comes every half minute, and once more when the page goes', () => {
    vi.useFakeTimers();
    const bench = new Bench();
    const ending = new AbortController();
    void bench.reporter.run(ending.signal);
    vi.advanceTimersByTime(2 * CMCD_EVERY_MS);
    expect(bench.sent).toHaveLength(2);
    ending.abort();
    expect(bench.sent).toHaveLength(3);
    vi.advanceTimersByTime(CMCD_EVERY_MS);
    expect(bench.sent).toHaveLength(3);
    vi.useRealTimers();
  });

  it('is understood by the origin, and becomes metrics of its stream', () => {
    const bench = new Bench();
    const reports = new ViewerReports({ isKnown: () => true });
    bench.nowMs += CMCD_EVERY_MS;
    bench.panes = [{ ...PANE, stallCount: 4, stalledMs: 1_300 }];
    bench.reporter.report();
    reports.add(bench.sent[0] ?? '');
    expect(reports.take().get('cam-1')).toEqual({
      viewerReportCount: 1,
      viewerLatencyMs: 512,
      viewerWorstLatencyMs: 512,
      viewerCoveredMs: CMCD_EVERY_MS,
      viewerStalledMs: 600,
      viewerStallCount: 2,
      viewerDroppedFrameCount: 0,
    });
    expect(viewerMetricLines(reports.take(), { nowMs: 0, environmentName: 'dev' })).toBe('');
  });
});
