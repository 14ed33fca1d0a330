import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CMCD_BODY_BYTES_MAX, CMCD_LINES_MAX, CMCD_PATH } from '../../../domain/cmcd.ts';
import { ViewerReports, viewerMetricLines } from '../../../origin/viewer-reports.ts';
import { FIRST_ORDINAL } from '../hls/live-edge-samples.ts';
import { OriginBed, RecordedResponse, settle } from './origin-bed.ts';

const line = (streamId: string, more = '') =>
  `cid="${streamId}",e=t,ltc=600,mirror-covered-ms="30000",mirror-dropped="3",mirror-stalled-ms="450",mirror-stalls="2",sta=p,ts=1,v=2${more}`;

describe('reports of viewers', () => {
  it('are added up for each stream, and begin anew when they are taken', () => {
    const reports = new ViewerReports({ isKnown: () => true });
    reports.add(`${line('cam-1')}\n${line('cam-2')}\n`);
    reports.add(line('cam-1').replace('ltc=600', 'ltc=800'));
    const taken = reports.take();
    expect(taken.get('cam-1')).toEqual({
      viewerReportCount: 2,
      viewerLatencyMs: 700,
      viewerWorstLatencyMs: 800,
      viewerCoveredMs: 60_000,
      viewerStalledMs: 900,
      viewerStallCount: 4,
      viewerDroppedFrameCount: 6,
    });
    expect(taken.get('cam-2')?.viewerReportCount).toBe(1);
    expect(reports.take().size).toBe(0);
    expect([reports.reportCount, reports.refusedCount]).toEqual([3, 0]);
  });

  it('name only streams that are followed, however many names are sent', () => {
    const reports = new ViewerReports({ isKnown: (id) => id === 'cam-1' });
    for (let count = 0; count < 500; count++) reports.add(`${line(`made-up-${count}`)}\n${line('cam-1')}`);
    expect([...reports.take().keys()]).toEqual(['cam-1']);
    expect(reports.refusedCount).toBe(500);
  });

  it('cannot claim more than can be', () => {
    const reports = new ViewerReports({ isKnown: () => true });
    reports.add(
      'cid="cam-1",e=t,ltc=99999999,mirror-covered-ms="99999999",mirror-dropped="99999999",mirror-stalled-ms="99999999",mirror-stalls="99999999",ts=1,v=2',
    );
    reports.add('cid="cam-1",mirror-covered-ms="-5",ltc=-1');
    expect(reports.take().get('cam-1')).toEqual({
      viewerReportCount: 1,
      viewerLatencyMs: 60_000,
      viewerWorstLatencyMs: 60_000,
      viewerCoveredMs: 60_000,
      viewerStalledMs: 60_000,
      viewerStallCount: 500,
      viewerDroppedFrameCount: 4_000,
    });
  });

  it('whatever is sent, nothing is thrown and no more lines are read than a page has panes', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.array(fc.constantFrom(line('a'), 'x=', '"', ',,', '=1', '(1', '\n'))),
        (text) => {
          const reports = new ViewerReports({ isKnown: () => true });
          reports.add(typeof text === 'string' ? text : text.join('\n'));
          expect(reports.reportCount + reports.refusedCount).toBeLessThanOrEqual(CMCD_LINES_MAX);
          for (const [, values] of reports.take())
            for (const value of Object.values(values)) expect(value >= 0 || Number.isNaN(value)).toBe(true);
        },
      ),
    );
  });

  it('are logged as metrics of the stream and of all together; what nobody said is left out', () => {
    const reports = new ViewerReports({ isKnown: () => true });
    reports.add('cid="cam-1",mirror-covered-ms="1000"');
    const text = viewerMetricLines(reports.take(), { nowMs: 5, environmentName: 'dev' });
    const logged: unknown = JSON.parse(text);
    expect(logged).toMatchObject({ environment: 'dev', stream: 'cam-1', viewerCoveredMs: 1_000 });
    expect(logged).toHaveProperty(
      ['_aws', 'CloudWatchMetrics', 0, 'Dimensions'],
      [['environment'], ['environment', 'stream']],
    );
    expect(logged).not.toHaveProperty('viewerLatencyMs');
  });
});

describe('the place where reports are sent', () => {
  let bed: OriginBed;

  beforeEach(async () => {
    vi.useFakeTimers();
    bed = new OriginBed();
    await bed.open();
    await bed.publishBoth(FIRST_ORDINAL, FIRST_ORDINAL + 6);
    await bed.get('/open/cam/av.m3u8');
  });
  afterEach(async () => {
    await bed.stop();
    vi.useRealTimers();
  });

  async function post(...chunks: string[]): Promise<RecordedResponse> {
    const response = new RecordedResponse();
    async function* body() {
      for (const chunk of chunks) yield Buffer.from(chunk);
    }
    bed.origin.handle(
      { method: 'POST', url: CMCD_PATH, headers: {}, [Symbol.asyncIterator]: body },
      response,
    );
    await settle();
    return response;
  }

  it('takes them, piece by piece, and answers 204 to any page', async () => {
    const response = await post(line('cam').slice(0, 20), line('cam').slice(20));
    expect(response.status).toBe(204);
    expect(response.headers['access-control-allow-origin']).toBe('*');
    expect(bed.origin.metrics().viewerReportCount).toBe(1);
    expect(bed.origin.viewerReports.take().get('cam')?.viewerStallCount).toBe(2);
  });

  it('reads no more than a page has to say', async () => {
    expect((await post('x'.repeat(CMCD_BODY_BYTES_MAX), 'x')).status).toBe(413);
    expect(bed.origin.metrics().refusedViewerReportCount).toBe(1);
  });

  it('a page of another host may ask whether it may', async () => {
    const preflight = await bed.get(CMCD_PATH, {}, 'OPTIONS');
    expect(preflight.headers['access-control-allow-methods']).toContain('POST');
    expect(preflight.headers['access-control-allow-headers']).toContain('Content-Type');
  });

  it('is no stream: GET finds nothing there', async () => {
    expect((await bed.get(CMCD_PATH)).status).toBe(404);
  });
});
