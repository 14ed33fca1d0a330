import HlsJs from 'hls.js';
import { describe, expect, it } from 'vitest';
import { DELIVERY_PLANS } from '../../../domain/delivery.ts';
import { EPOCH_MS } from '../../../domain/timeline.ts';
import { ArrivalWatch } from '../../../player/engines/arrival-watch.ts';
import { BUFFER_PADDING_S, HLS_CONFIG, tightenFragmentTracker } from '../../../player/engines/hls-js.ts';
import { codecOf } from '../../../player/engines/init-codec.ts';
import { JOINED_SEGMENTS, PARTS, pieceAt, SEGMENTS } from '../../../player/engines/piece-grid.ts';
import { RETRY_MAX_MS, RETRY_MIN_MS, Requests } from '../../../player/engines/requests.ts';

describe('hls.js as it is pinned', () => {
  it('has the private field whose value would lose the last part of each segment', () => {
    const hls = new HlsJs(HLS_CONFIG);
    const tracker: unknown = Reflect.get(Reflect.get(hls, 'streamController') ?? {}, 'fragmentTracker');
    expect(tracker).toHaveProperty('bufferPadding', 0.2);
    expect(tightenFragmentTracker(hls)).toBe(true);
    expect(tracker).toHaveProperty('bufferPadding', BUFFER_PADDING_S);
    hls.destroy();
  });

  it('another release without the field is noticed', () => {
    expect(tightenFragmentTracker({})).toBe(false);
    expect(tightenFragmentTracker({ streamController: { fragmentTracker: { bufferPadding: 'x' } } })).toBe(
      false,
    );
  });

  it('takes our settings', () => {
    const hls = new HlsJs(HLS_CONFIG);
    expect(hls.config.maxFragLookUpTolerance).toBe(0.01);
    expect(hls.config.liveDurationInfinity).toBe(true);
    hls.destroy();
  });
});

describe('addresses from a clock', () => {
  it.each([
    [0, '0', '0.0'],
    [499, '0', '0.4'],
    [500, '1', '1.0'],
    [12_345_678, '24691', '24691.1'],
  ])('%i ms after EPOCH is segment %s and part %s', (afterEpochMs, segment, part) => {
    expect(SEGMENTS.name(SEGMENTS.indexAt(EPOCH_MS + afterEpochMs))).toBe(segment);
    expect(PARTS.name(PARTS.indexAt(EPOCH_MS + afterEpochMs))).toBe(part);
  });

  it('a piece covers its interval and the next one begins where it ends', () => {
    for (const grid of [SEGMENTS, PARTS]) {
      const index = grid.indexAt(EPOCH_MS + 98_765_432);
      expect(grid.startMs(index + 1) - grid.startMs(index)).toBe(grid.pieceMs);
      expect(grid.indexAt(grid.startMs(index))).toBe(index);
      expect(grid.indexAt(grid.startMs(index) - 1)).toBe(index - 1);
    }
  });
});

describe('a request that failed', () => {
  const requests = () => new Requests({ serverNowMs: () => 0, signal: new AbortController().signal });
  // Not a port that fetch asks at: it fails at once, as where nobody listens.
  const nowhere = 'http://127.0.0.1:1/';

  it('comes again later and later while nobody answers, so that pages do not storm a server coming back', async () => {
    const asked = requests();
    const waitsMs: number[] = [];
    for (let count = 0; count < 8; count++) {
      waitsMs.push(asked.retryMs);
      expect(await asked.ask(nowhere, 1_000).response).toBeUndefined();
    }
    expect(waitsMs[0]).toBe(RETRY_MIN_MS);
    expect(waitsMs).toEqual([...waitsMs].sort((a, b) => a - b));
    expect(asked.retryMs).toBe(RETRY_MAX_MS);
  });

  it('is soon made again once there was an answer, and one that was given up tells nothing', async () => {
    const asked = requests();
    await asked.ask(nowhere, 1_000).response;
    const given = asked.ask(nowhere, 1_000);
    given.abort();
    await given.response;
    expect(asked.retryMs).toBeLessThan(2 * RETRY_MIN_MS);
    expect((await asked.ask('data:,', 1_000).response)?.ok).toBe(true);
    expect(asked.retryMs).toBe(RETRY_MIN_MS);
  });
});

describe('the next piece', () => {
  const evenMs = EPOCH_MS + 1e9;
  const oddMs = evenMs + 500;
  const grows = DELIVERY_PLANS['lowest-latency'];

  it('is a segment while it grows, or while it is whole', () => {
    expect(pieceAt(evenMs, grows, false).grid).toBe(SEGMENTS);
    expect(pieceAt(evenMs, DELIVERY_PLANS.balanced, false).grid).toBe(SEGMENTS);
  });

  it('is a pair of whole segments in economy, from the first line of their grid on', () => {
    expect(pieceAt(oddMs, DELIVERY_PLANS.economy, false).grid).toBe(SEGMENTS);
    const pair = pieceAt(evenMs, DELIVERY_PLANS.economy, false);
    expect(pair).toMatchObject({ name: '2000000-2000001', startMs: evenMs, endMs: evenMs + 1_000 });
    expect(pair.grid).toBe(JOINED_SEGMENTS);
  });

  it('is a part where growth is held back, but whole segments are asked for whole', () => {
    expect(pieceAt(evenMs, grows, true).name).toBe('2000000.0');
    expect(pieceAt(evenMs + 300, grows, true).name).toBe('2000000.3');
    expect(pieceAt(evenMs, DELIVERY_PLANS.balanced, true).grid).toBe(SEGMENTS);
  });

  it('within a segment is a part, until the next segment begins', () => {
    expect(pieceAt(evenMs + 400, grows, false)).toMatchObject({ name: '2000000.4', endMs: oddMs });
  });
});

describe('growing segments on the way here', () => {
  const growing = {
    askedAtMs: 0,
    firstByteAtMs: 120,
    lastByteAtMs: 520,
    endMs: 500,
    firstPartAtMs: undefined,
  };
  /** A last part is out a little before the end of its interval. */
  const atOnce = { ...growing, firstByteAtMs: 480, lastByteAtMs: 485 };

  function suspicious(): ArrivalWatch {
    const watch = new ArrivalWatch();
    for (const arrival of [atOnce, atOnce, atOnce]) watch.add(arrival);
    return watch;
  }

  it('three in a row that come at once when they are whole are suspected, and nothing more', () => {
    const watch = new ArrivalWatch();
    watch.add(atOnce);
    watch.add(atOnce);
    expect(watch.suspects).toBe(false);
    watch.add(atOnce);
    expect([watch.suspects, watch.heldBack]).toEqual([true, false]);
  });

  it.each([-100, -61, 0, 300])(
    'wherever the slots of a feed lie: whole %i ms after its end is at once',
    (afterEndMs) => {
      const wholeAtMs = atOnce.endMs + afterEndMs;
      const watch = new ArrivalWatch();
      for (let count = 0; count < 3; count++)
        watch.add({ ...atOnce, firstByteAtMs: wholeAtMs, lastByteAtMs: wholeAtMs + 5 });
      expect(watch.suspects).toBe(true);
    },
  );

  it('a first part that is here long before its segment begins to come is the proof', () => {
    const watch = suspicious();
    watch.add({ ...atOnce, firstPartAtMs: 130 });
    expect([watch.suspects, watch.heldBack]).toEqual([false, true]);
  });

  it('a first part that comes as late as its segment acquits: the encoder is late', () => {
    const watch = suspicious();
    watch.add({ ...atOnce, firstPartAtMs: 500 });
    expect([watch.suspects, watch.heldBack]).toEqual([false, false]);
  });

  it('one that grows in between starts the count anew', () => {
    const watch = new ArrivalWatch();
    for (const arrival of [atOnce, atOnce, growing, atOnce, atOnce]) watch.add(arrival);
    expect(watch.suspects).toBe(false);
  });

  it('one that grows late, because its encoder is late, is no suspect', () => {
    const watch = new ArrivalWatch();
    for (let count = 0; count < 9; count++)
      watch.add({ ...growing, firstByteAtMs: 700, lastByteAtMs: 1_100 });
    expect(watch.suspects).toBe(false);
  });

  it('one that was asked for when it was all but made tells nothing', () => {
    const watch = new ArrivalWatch();
    for (let count = 0; count < 9; count++) watch.add({ ...atOnce, askedAtMs: 450 });
    expect(watch.suspects).toBe(false);
  });
});

describe('codec of an init segment', () => {
  const text = (value: string) => [...Buffer.from(value)];
  const avcC = [...text('avcC'), 1, 0x42, 0xc0, 0x1e, 0xff];

  it('is read from the avcC box', () => {
    expect(codecOf(Uint8Array.from([0, 0, 0, 12, ...avcC]))).toBe('video/mp4; codecs="avc1.42c01e"');
  });

  it('names both tracks when there are two', () => {
    expect(codecOf(Uint8Array.from([...avcC, ...text('mp4a')]))).toBe(
      'video/mp4; codecs="avc1.42c01e,mp4a.40.2"',
    );
  });

  it('sound alone is audio', () => {
    expect(codecOf(Uint8Array.from(text('..mp4a..')))).toBe('audio/mp4; codecs="mp4a.40.2"');
  });

  it('anything else is nothing that this page plays', () => {
    expect(codecOf(Uint8Array.from(text('hvcC')))).toBeUndefined();
    expect(codecOf(new Uint8Array())).toBeUndefined();
  });
});
