import { parse, setOptions } from 'hls-parser';
import { describe, expect, it } from 'vitest';
import { hlsRulesOf } from '../../../domain/hls/hls-rules.ts';
import { listingOf } from '../../../domain/hls/listing.ts';
import { type MediaPlaylistInput, writeMediaPlaylist } from '../../../domain/hls/media-playlist.ts';
import { NO_ORDINAL, PartLog } from '../../../domain/hls/part-log.ts';
import { RenditionTimeline, renditionsOf } from '../../../domain/hls/rendition-timeline.ts';
import type { PartEntry, StreamInfo } from '../../../domain/live-edge.ts';
import type { Rendition, Track } from '../../../domain/renditions.ts';
import { EPOCH_MS } from '../../../domain/timeline.ts';
import {
  FIRST_MSN,
  FIRST_ORDINAL,
  SAMPLE_INFO,
  SILENT_INFO,
  sampleGap,
  samplePart,
} from './live-edge-samples.ts';
import { readPlaylist, secondsOf } from './playlist-reader.ts';

const WINDOW_PART_COUNT = 300;
// The parser warns of PART tags by segments where the rule is by seconds, and of short independent parts.
setOptions({ silent: true });

/** The logs of a stream, and its playlists as they are now. */
class Stream {
  readonly info: StreamInfo;
  readonly logs: Record<Track, PartLog> = {
    video: new PartLog(WINDOW_PART_COUNT),
    audio: new PartLog(WINDOW_PART_COUNT),
  };

  constructor(info: StreamInfo = SAMPLE_INFO) {
    this.info = info;
  }

  part(track: Track, ordinal: number, overrides: Partial<PartEntry> = {}): this {
    this.logs[track].append(ordinal, samplePart(track, ordinal, overrides));
    return this;
  }

  gap(track: Track, ordinal: number): this {
    this.logs[track].append(ordinal, sampleGap(track, ordinal));
    return this;
  }

  parts(first: number, end: number): this {
    for (let ordinal = first; ordinal < end; ordinal += 1) this.part('video', ordinal).part('audio', ordinal);
    return this;
  }

  write(rendition: Rendition, options: Partial<MediaPlaylistInput> = {}): string | undefined {
    const timeline = new RenditionTimeline(rendition, this.info, this.logs);
    const rules = hlsRulesOf(this.info);
    const listing = listingOf(timeline, rules, options.ended ?? false);
    if (!listing) return undefined;
    const reports = renditionsOf(this.info)
      .filter((other) => other !== rendition)
      .map((other) => ({
        rendition: other,
        headOrdinal: new RenditionTimeline(other, this.info, this.logs).headOrdinal,
      }));
    return writeMediaPlaylist({
      timeline,
      listing,
      rules,
      reports,
      access: 'open',
      skip: false,
      ended: false,
      ...options,
    });
  }

  /** Written and read back; fails on any broken rule. */
  read(rendition: Rendition, options: Partial<MediaPlaylistInput> = {}) {
    const text = this.write(rendition, options);
    if (text === undefined) throw new Error('Nothing is listed.');
    const { playlist, problems } = readPlaylist(text);
    if (problems.length > 0) throw new Error(problems.join('\n'));
    return playlist;
  }
}

/** `count` whole segments. */
const streamOf = (count: number) => new Stream().parts(FIRST_ORDINAL, FIRST_ORDINAL + count * 5);

describe('media playlists', () => {
  it('a short one, whole', () => {
    const stream = new Stream().parts(FIRST_ORDINAL, FIRST_ORDINAL + 6);
    expect(stream.write('video')).toBe(
      `#EXTM3U
#EXT-X-VERSION:6
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-TARGETDURATION:1
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=0.321,HOLD-BACK=3,CAN-SKIP-UNTIL=6
#EXT-X-PART-INF:PART-TARGET=0.1
#EXT-X-MEDIA-SEQUENCE:56266000
#EXT-X-MAP:URI="video/init.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-11-22T14:43:20.000Z
#EXT-X-PART:DURATION=0.1,URI="video/56266000.0.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.1,URI="video/56266000.1.m4s"
#EXT-X-PART:DURATION=0.1,URI="video/56266000.2.m4s"
#EXT-X-PART:DURATION=0.1,URI="video/56266000.3.m4s"
#EXT-X-PART:DURATION=0.1,URI="video/56266000.4.m4s"
#EXTINF:0.5,
video/56266000.m4s
#EXT-X-PART:DURATION=0.1,URI="video/56266001.0.m4s",INDEPENDENT=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="video/56266001.1.m4s"
#EXT-X-RENDITION-REPORT:URI="audio.m3u8",LAST-MSN=56266001,LAST-PART=0
#EXT-X-RENDITION-REPORT:URI="av.m3u8",LAST-MSN=56266001,LAST-PART=0
`,
    );
  });

  it('an independent reader agrees with what is written', () => {
    for (const rendition of ['video', 'audio', 'av'] as const) {
      const text = streamOf(10).write(rendition) ?? '';
      const playlist = parse(text);
      if (playlist.isMasterPlaylist) throw new Error('Taken for a multivariant playlist.');
      // The parser counts the segment in the making as one that has only parts.
      expect(playlist.segments.filter((segment) => segment.uri !== '')).toHaveLength(10);
      expect(playlist.mediaSequenceBase).toBe(FIRST_MSN);
      expect(playlist.lowLatencyCompatibility).toMatchObject({ canBlockReload: true, canSkipUntil: 6 });
      expect(playlist.renditionReports).toHaveLength(2);
    }
  });

  describe('durations', () => {
    it('video and av parts are exactly 0.1 s, and PART-TARGET says so', () => {
      for (const rendition of ['video', 'av'] as const) {
        const playlist = streamOf(4).read(rendition);
        expect(playlist.partTargetS).toBe(0.1);
        for (const segment of playlist.segments) {
          expect(segment.durationS).toBe(0.5);
          expect(segment.parts.map((part) => part.durationS)).toEqual([0.1, 0.1, 0.1, 0.1, 0.1]);
        }
      }
    });

    it('audio parts are 4 or 5 AAC frames, all independent, at most the PART-TARGET of 0.107 s', () => {
      const playlist = streamOf(40).read('audio');
      const durations = new Set(
        playlist.segments.flatMap((segment) => segment.parts.map((part) => part.durationS)),
      );
      expect([...durations].sort((a, b) => a - b)).toEqual([0.085333, 0.106667]);
      expect(playlist.partTargetS).toBe(0.107);
      expect(playlist.segments.every((segment) => segment.parts.every((part) => part.independent))).toBe(
        true,
      );
    });

    it('audio segments last what their frames last, and over time exactly half a second each', () => {
      const playlist = streamOf(24).read('audio');
      expect(Math.abs(secondsOf(playlist.segments) - 12)).toBeLessThan(1024 / 48_000);
    });

    it('TARGETDURATION is 1, and no rounded EXTINF exceeds it', () => {
      for (const rendition of ['video', 'audio', 'av'] as const)
        expect(streamOf(30).read(rendition).targetDurationS).toBe(1);
    });
  });

  describe('server control', () => {
    it('is the same in all playlists of a stream', () => {
      const controls = (['video', 'audio', 'av'] as const).map(
        (rendition) => streamOf(3).read(rendition).serverControl,
      );
      expect(controls[1]).toEqual(controls[0]);
      expect(controls[2]).toEqual(controls[0]);
      expect(controls[0]).toEqual({
        'CAN-BLOCK-RELOAD': 'YES',
        'PART-HOLD-BACK': '0.321',
        'HOLD-BACK': '3',
        'CAN-SKIP-UNTIL': '6',
      });
    });

    it('of a stream without sound needs three parts of 0.1 s, and a little for clients that compute in floating point', () => {
      const stream = new Stream(SILENT_INFO);
      for (let ordinal = FIRST_ORDINAL; ordinal < FIRST_ORDINAL + 10; ordinal += 1)
        stream.part('video', ordinal);
      expect(stream.read('av').serverControl['PART-HOLD-BACK']).toBe('0.301');
      expect(Object.keys(stream.read('video').reports)).toEqual(['av.m3u8']);
    });
  });

  describe('what is listed', () => {
    it('at least 6 s once they are there, 12 s at most', () => {
      expect(secondsOf(streamOf(13).read('video').segments)).toBe(6.5);
      expect(secondsOf(streamOf(60).read('video').segments)).toBe(12);
    });

    it('a segment that left the playlist stays in the window for as long as the longest playlist and itself', () => {
      const stream = streamOf(100);
      const playlist = stream.read('video');
      const windowS = WINDOW_PART_COUNT * 0.1;
      expect(windowS - secondsOf(playlist.segments)).toBeGreaterThanOrEqual(
        secondsOf(playlist.segments) + 0.5,
      );
    });

    it('parts of the last 3 s, and no older ones', () => {
      const playlist = streamOf(20).read('video');
      const withParts = playlist.segments.filter((segment) => segment.parts.length > 0);
      expect(withParts).toHaveLength(6);
      expect(withParts.at(-1)).toBe(playlist.segments.at(-1));
    });

    it('nothing until a whole segment is there', () => {
      expect(new Stream().write('video')).toBeUndefined();
      expect(new Stream().parts(FIRST_ORDINAL, FIRST_ORDINAL + 4).write('video')).toBeUndefined();
      expect(new Stream().parts(FIRST_ORDINAL, FIRST_ORDINAL + 5).write('video')).toBeDefined();
    });

    it('from the first whole segment, when the stream began within one', () => {
      const stream = new Stream().parts(FIRST_ORDINAL + 2, FIRST_ORDINAL + 12);
      expect(stream.read('video').mediaSequenceNumber).toBe(FIRST_MSN + 1);
    });
  });

  describe('dates', () => {
    it('the first segment carries the instant at which it begins on the grid', () => {
      const playlist = streamOf(10).read('video');
      expect(playlist.segments[0]?.programDateTimeMs).toBe(EPOCH_MS + FIRST_MSN * 500);
    });

    it('of audio is the start of its first frame, which is not the start of the segment', () => {
      for (const skipped of [0, 1, 2, 3]) {
        const stream = new Stream().parts(FIRST_ORDINAL + skipped * 5, FIRST_ORDINAL + 30);
        const dateMs = stream.read('audio').segments[0]?.programDateTimeMs ?? 0;
        const segmentStartMs = EPOCH_MS + (FIRST_MSN + skipped) * 500;
        const frameMs = (1024 * 1000) / 48_000;
        const expectedMs = EPOCH_MS + Math.ceil((segmentStartMs - EPOCH_MS) / frameMs) * frameMs;
        expect(Math.abs(dateMs - expectedMs)).toBeLessThanOrEqual(1);
      }
    });

    it('a delta update dates its first listed segment', () => {
      const playlist = streamOf(24).read('av', { skip: true });
      expect(playlist.segments[0]?.programDateTimeMs).toBe(EPOCH_MS + (FIRST_MSN + 12) * 500);
    });
  });

  describe('preload hints and rendition reports', () => {
    it('the hint names the next part, also across the end of a segment', () => {
      expect(streamOf(2).read('av').preloadHint).toBe(`av/${FIRST_MSN + 2}.0.m4s`);
      expect(
        streamOf(2)
          .part('video', FIRST_ORDINAL + 10)
          .read('video').preloadHint,
      ).toBe(`video/${FIRST_MSN + 2}.1.m4s`);
    });

    it('reports say where each other rendition is now', () => {
      const stream = streamOf(2)
        .part('video', FIRST_ORDINAL + 10)
        .part('video', FIRST_ORDINAL + 11);
      expect(stream.read('video').reports).toEqual({
        'audio.m3u8': { msn: FIRST_MSN + 1, part: 4 },
        'av.m3u8': { msn: FIRST_MSN + 1, part: 4 },
      });
      expect(stream.read('audio').reports).toEqual({
        'video.m3u8': { msn: FIRST_MSN + 2, part: 1 },
        'av.m3u8': { msn: FIRST_MSN + 1, part: 4 },
      });
    });
  });

  describe('gaps', () => {
    it('a gap that was announced: GAP=YES on the part, EXT-X-GAP on its segment', () => {
      const stream = streamOf(1)
        .part('video', FIRST_ORDINAL + 5)
        .gap('video', FIRST_ORDINAL + 6);
      for (const index of [7, 8, 9]) stream.part('video', FIRST_ORDINAL + index);
      const segment = stream.read('video').segments[1];
      expect(segment?.gap).toBe(true);
      expect(segment?.parts.map((part) => part.gap)).toEqual([false, true, false, false, false]);
    });

    it('a hole is a gap too, with the durations that the grid gives it', () => {
      const stream = streamOf(2).parts(FIRST_ORDINAL + 20, FIRST_ORDINAL + 25);
      for (const rendition of ['video', 'audio', 'av'] as const) {
        const { segments } = stream.read(rendition);
        expect(segments.map((segment) => segment.gap)).toEqual([false, false, true, true, false]);
        expect(Math.abs(secondsOf(segments) - 2.5)).toBeLessThan(0.022);
      }
    });

    it('a part of av is a gap when either track lacks it', () => {
      const stream = streamOf(1);
      for (let ordinal = FIRST_ORDINAL + 5; ordinal < FIRST_ORDINAL + 10; ordinal += 1) {
        if (ordinal === FIRST_ORDINAL + 7) stream.gap('audio', ordinal).part('video', ordinal);
        else stream.parts(ordinal, ordinal + 1);
      }
      expect(stream.read('av').segments[1]?.parts.map((part) => part.gap)).toEqual([
        false,
        false,
        true,
        false,
        false,
      ]);
      expect(stream.read('video').segments[1]?.gap).toBe(false);
      expect(stream.read('audio').segments[1]?.gap).toBe(true);
    });

    it('gap segments at the front are left out: a player that joins would start in them', () => {
      const stream = streamOf(1).parts(FIRST_ORDINAL + 50, FIRST_ORDINAL + 165);
      const playlist = stream.read('video');
      expect(playlist.mediaSequenceNumber).toBe(FIRST_MSN + 10);
      expect(playlist.segments.some((segment) => segment.gap)).toBe(false);
    });

    it('after a hole longer than the window only what is new is listed', () => {
      const stream = streamOf(20).parts(FIRST_ORDINAL + 1_000, FIRST_ORDINAL + 1_010);
      const playlist = stream.read('av');
      expect(playlist.segments.map((segment) => segment.mediaSequenceNumber)).toEqual([
        FIRST_MSN + 200,
        FIRST_MSN + 201,
      ]);
    });
  });

  describe('delta updates', () => {
    it('skip what is older than 6 s, and count it', () => {
      const whole = streamOf(24).read('video');
      const delta = streamOf(24).read('video', { skip: true });
      expect(delta.skippedSegmentCount).toBe(12);
      expect(delta.mediaSequenceNumber).toBe(whole.mediaSequenceNumber);
      expect(secondsOf(delta.segments)).toBe(6);
      expect(delta.segments.at(-1)).toEqual(whole.segments.at(-1));
    });

    it('are whole playlists while nothing may be skipped', () => {
      const stream = streamOf(12);
      expect(stream.write('video', { skip: true })).toBe(stream.write('video'));
    });
  });

  describe('versions: as high as what is used, and no higher', () => {
    it.each([
      ['open', false, 6],
      ['open', true, 9],
      ['live', false, 11],
      ['live', true, 11],
    ] as const)('%s, skip %s: %s', (access, skip, version) => {
      expect(streamOf(24).read('av', { access, skip }).version).toBe(version);
    });
  });

  describe('premium playlists', () => {
    it('define the three signature parameters and carry them in every URI', () => {
      const text = streamOf(24).write('av', { access: 'live' }) ?? '';
      const { playlist } = readPlaylist(text);
      expect(playlist.defines).toEqual(['Policy', 'Signature', 'Key-Pair-Id']);
      const uris = [
        playlist.mapUri,
        playlist.preloadHint ?? '',
        ...Object.keys(playlist.reports),
        ...playlist.segments.flatMap((segment) => [segment.uri, ...segment.parts.map((part) => part.uri)]),
      ];
      expect(uris.length).toBeGreaterThan(50);
      for (const uri of uris)
        expect(uri.endsWith('?Policy={$Policy}&Signature={$Signature}&Key-Pair-Id={$Key-Pair-Id}')).toBe(
          true,
        );
    });

    it('define them before the first use', () => {
      const text = streamOf(3).write('av', { access: 'live' }) ?? '';
      expect(text.lastIndexOf('#EXT-X-DEFINE')).toBeLessThan(text.indexOf('{$'));
    });

    it('open playlists have neither', () => {
      expect(streamOf(3).write('av')).not.toMatch(/DEFINE|\{\$|\?/);
    });
  });

  describe('the end', () => {
    it('has EXT-X-ENDLIST, no hint, no reports, and a last segment as short as it is', () => {
      const stream = new Stream().parts(FIRST_ORDINAL, FIRST_ORDINAL + 12);
      const playlist = stream.read('av', { ended: true });
      expect(playlist.ended).toBe(true);
      expect(playlist.segments.at(-1)?.durationS).toBe(0.2);
      expect(playlist.parts).toEqual([]);
      expect(playlist.reports).toEqual({});
    });
  });
});

describe('the part log', () => {
  it('takes positions only forward, and forgets what is older than its window', () => {
    const log = new PartLog(10);
    expect([log.firstOrdinal, log.headOrdinal]).toEqual([NO_ORDINAL, NO_ORDINAL]);
    expect(log.append(100, samplePart('video', 100))).toBe(true);
    expect(log.append(100, samplePart('video', 100))).toBe(false);
    expect(log.append(99, samplePart('video', 99))).toBe(false);
    expect(log.append(112, samplePart('video', 112))).toBe(true);
    expect([log.firstOrdinal, log.headOrdinal]).toEqual([103, 112]);
    expect(log.entry(100)).toBeUndefined();
    expect(log.entry(105)).toBeUndefined();
    expect(log.entry(112)?.partIndex).toBe(2);
    expect(log.entry(113)).toBeUndefined();
  });
});
