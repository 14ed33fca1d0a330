import { parse } from 'hls-parser';
import { describe, expect, it } from 'vitest';
import { writeManifest } from '../../../domain/dash/manifest.ts';
import { bandwidthOf } from '../../../domain/hls/bandwidth.ts';
import { hlsRulesOf } from '../../../domain/hls/hls-rules.ts';
import { writeMultivariantPlaylist } from '../../../domain/hls/multivariant-playlist.ts';
import { EPOCH_MS } from '../../../domain/timeline.ts';
import { SAMPLE_INFO, SILENT_INFO } from './live-edge-samples.ts';

describe('the multivariant playlist', () => {
  it('has av as its one variant, with what a player chooses by', () => {
    const playlist = parse(writeMultivariantPlaylist(SAMPLE_INFO, 'open'));
    if (!playlist.isMasterPlaylist) throw new Error('Not a multivariant playlist.');
    expect(playlist.variants).toHaveLength(1);
    expect(playlist.independentSegments).toBe(true);
    expect(playlist.variants[0]).toMatchObject({
      uri: 'av.m3u8',
      codecs: 'avc1.42c01e,mp4a.40.2',
      resolution: { width: 640, height: 360 },
      frameRate: 30,
    });
  });

  it('declares media and boxes: the peak above the average, and both above the media alone', () => {
    const { averageBps, peakBps } = bandwidthOf(SAMPLE_INFO, ['video', 'audio']);
    expect(averageBps).toBeGreaterThan(464_000);
    expect(peakBps).toBeGreaterThan(averageBps);
    expect(writeMultivariantPlaylist(SAMPLE_INFO, 'open')).toContain(
      `BANDWIDTH=${peakBps},AVERAGE-BANDWIDTH=${averageBps}`,
    );
  });

  it('of a stream without sound names no audio codec', () => {
    expect(writeMultivariantPlaylist(SILENT_INFO, 'open')).toContain('CODECS="avc1.42c01e",');
  });

  it('under /live/ carries the signature on; under /open/ needs no version', () => {
    const live = writeMultivariantPlaylist(SAMPLE_INFO, 'live');
    expect(live).toContain('#EXT-X-VERSION:11\n');
    expect(live).toContain('\nav.m3u8?Policy={$Policy}&Signature={$Signature}&Key-Pair-Id={$Key-Pair-Id}\n');
    expect(writeMultivariantPlaylist(SAMPLE_INFO, 'open')).not.toMatch(/VERSION|DEFINE|\?/);
  });
});

describe('the MPD', () => {
  it('is the same text at any time while the stream lives', () => {
    expect(writeManifest({ info: SAMPLE_INFO, access: 'open' })).toBe(
      writeManifest({ info: { ...SAMPLE_INFO, firstMediaSequenceNumber: 1 }, access: 'open' }),
    );
  });

  it('numbers segments by the grid: number n begins n half seconds after EPOCH', () => {
    const text = writeManifest({ info: SAMPLE_INFO, access: 'open' });
    expect(text).toContain(`availabilityStartTime="${new Date(EPOCH_MS).toISOString()}"`);
    expect(text).toContain('<Period id="0" start="PT0S">');
    expect(text).toContain('timescale="90000" duration="45000" startNumber="0"');
    expect(text).toContain('timescale="48000" duration="24000" startNumber="0"');
    expect(text).toContain('media="video/$Number$.m4s"');
  });

  it('lets a segment be asked for as soon as its first part is out', () => {
    const text = writeManifest({ info: SAMPLE_INFO, access: 'open' });
    expect(text.match(/availabilityTimeOffset="0.4" availabilityTimeComplete="false"/g)).toHaveLength(2);
  });

  it('gives the clock, the latency to aim for, and the instant that media time 0 means', () => {
    const text = writeManifest({ info: SAMPLE_INFO, access: 'open' });
    expect(text).toContain('<UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-iso:2014" value="time"/>');
    expect(text).toContain('<Latency referenceId="0" target="1000" min="500" max="3000"/>');
    expect(text).toContain(`wallClockTime="${new Date(EPOCH_MS).toISOString()}" presentationTime="0"`);
  });

  it('under /live/ hands the query of its URL to every segment', () => {
    expect(writeManifest({ info: SAMPLE_INFO, access: 'live' })).toContain('useMPDUrlQuery="true"');
    expect(writeManifest({ info: SAMPLE_INFO, access: 'open' })).not.toContain('UrlQueryInfo');
  });

  it('of a stream that ended has a duration and is not asked for again', () => {
    const ended = writeManifest({ info: SAMPLE_INFO, access: 'open', endedAtMs: EPOCH_MS + 12_300 });
    expect(ended).toContain('mediaPresentationDuration="PT12.3S"');
    expect(ended).not.toContain('minimumUpdatePeriod');
  });

  it('of a stream without sound has one adaptation set', () => {
    expect(writeManifest({ info: SILENT_INFO, access: 'open' }).match(/<AdaptationSet /g)).toHaveLength(1);
  });

  it('is well-formed: every element is closed', () => {
    const open: string[] = [];
    const crossed: string[] = [];
    for (const [, slash, name, rest] of writeManifest({ info: SAMPLE_INFO, access: 'live' }).matchAll(
      /<(\/?)([A-Za-z:]+)([^>?]*)>/g,
    )) {
      if (slash) {
        if (open.pop() !== name) crossed.push(name ?? '');
      } else if (!rest?.endsWith('/')) open.push(name ?? '');
    }
    expect({ open, crossed }).toEqual({ open: [], crossed: [] });
  });
});

describe('the rules of a grid', () => {
  it.each([
    [500, 100, 1, 0.1, 0.107, 0.321],
    [1000, 200, 1, 0.2, 0.214, 0.642],
    [2000, 500, 2, 0.5, 0.512, 1.536],
  ])('%s ms segments of %s ms parts', (segmentMs, partMs, targetDurationS, videoS, audioS, holdBackS) => {
    const rules = hlsRulesOf({ ...SAMPLE_INFO, segmentMs, partMs });
    expect(rules).toMatchObject({
      targetDurationS,
      partTargetS: { video: videoS, av: videoS, audio: audioS },
      partHoldBackS: holdBackS,
      holdBackS: 3 * targetDurationS,
      canSkipUntilS: 6 * targetDurationS,
    });
  });
});
