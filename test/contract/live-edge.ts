/** What every live edge must do, whatever holds its log. Run over the embedded one and over Redis. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LiveEdgeReader, LiveEdgeWriter, PartEntry, StreamInfo } from '../../domain/live-edge.ts';
import { LIVE_EDGE_WINDOW_MS } from '../../domain/live-edge.ts';
import { TRACKS, type Track } from '../../domain/renditions.ts';
import { Recorder } from './recorder.ts';

export interface LiveEdgeHarness {
  readonly writer: LiveEdgeWriter;
  /** A writer in another process would be another instance; the embedded edge has but one. */
  readonly otherWriter: LiveEdgeWriter;
  readonly readers: readonly [LiveEdgeReader, LiveEdgeReader];
  close(): Promise<void>;
}

export const STREAM_INFO: StreamInfo = {
  segmentMs: 500,
  partMs: 100,
  video: {
    codecs: 'avc1.64001e',
    widthPx: 640,
    heightPx: 360,
    frameRate: 30,
    timescaleHz: 90_000,
    bitrateBps: 400_000,
  },
  audio: { codecs: 'mp4a.40.2', sampleRateHz: 48_000, channelCount: 2, bitrateBps: 64_000 },
  firstMediaSequenceNumber: 100,
};
const PARTS_PER_SEGMENT = 5;

/** The part with the given ordinal; its fields differ from part to part, so that a mix-up shows. */
export function entryAt(ordinal: number, overrides: Partial<PartEntry> = {}): PartEntry {
  return {
    mediaSequenceNumber: Math.floor(ordinal / PARTS_PER_SEGMENT),
    partIndex: ordinal % PARTS_PER_SEGMENT,
    durationTicks: 9_000 + (ordinal % 7),
    byteCount: 5_000 + ordinal,
    independent: ordinal % PARTS_PER_SEGMENT === 0,
    gap: false,
    ...overrides,
  };
}

const FIRST = 500;
let streamCount = 0;
/** Every test has a stream of its own, so that one edge serves them all. */
const newStreamId = () => `stream-${(streamCount += 1)}`;

export function liveEdgeContract(makeHarness: () => Promise<LiveEdgeHarness>): void {
  let harness: LiveEdgeHarness;
  beforeAll(async () => {
    harness = await makeHarness();
  });
  afterAll(() => harness.close());

  describe('writer', () => {
    test('append before open is refused as NOT_OPEN', async () => {
      await expect(harness.writer.append(newStreamId(), 'video', entryAt(FIRST))).rejects.toMatchObject({
        code: 'LIVE_EDGE_NOT_OPEN',
      });
    });

    test('the same position twice is a duplicate, from the same writer and from another', async () => {
      const { writer, otherWriter } = harness;
      const streamId = newStreamId();
      await writer.open(streamId, STREAM_INFO);
      expect(await writer.append(streamId, 'video', entryAt(FIRST))).toBe('appended');
      expect(await writer.append(streamId, 'video', entryAt(FIRST))).toBe('duplicate');
      await otherWriter.open(streamId, STREAM_INFO);
      expect(await otherWriter.append(streamId, 'video', entryAt(FIRST))).toBe('duplicate');
    });

    test('a position before the last is a duplicate, and part 4 comes before part 0 of the next segment', async () => {
      const { writer } = harness;
      const streamId = newStreamId();
      await writer.open(streamId, STREAM_INFO);
      expect(await writer.append(streamId, 'video', entryAt(FIRST + 4))).toBe('appended');
      expect(await writer.append(streamId, 'video', entryAt(FIRST + 5))).toBe('appended');
      expect(await writer.append(streamId, 'video', entryAt(FIRST + 4))).toBe('duplicate');
    });

    test('the tracks of a stream are ordered each for itself', async () => {
      const { writer } = harness;
      const streamId = newStreamId();
      await writer.open(streamId, STREAM_INFO);
      expect(await writer.append(streamId, 'video', entryAt(FIRST + 3))).toBe('appended');
      expect(await writer.append(streamId, 'audio', entryAt(FIRST))).toBe('appended');
    });

    test('append after remove is refused as NOT_OPEN: a removed stream does not come back by itself', async () => {
      const { writer } = harness;
      const streamId = newStreamId();
      await writer.open(streamId, STREAM_INFO);
      await writer.append(streamId, 'video', entryAt(FIRST));
      await writer.remove(streamId);
      await expect(writer.append(streamId, 'video', entryAt(FIRST + 1))).rejects.toMatchObject({
        code: 'LIVE_EDGE_NOT_OPEN',
      });
    });

    test('end and remove of an unknown stream do nothing', async () => {
      const { writer, readers } = harness;
      const streamId = newStreamId();
      await writer.end(streamId);
      await writer.remove(streamId);
      const follower = new Recorder(readers[0], streamId);
      await follower.until(() => follower.snapshots.length > 0);
      expect(follower.snapshots).toEqual([undefined]);
      follower.stop();
    });
  });

  describe('reader', () => {
    test('a follower of an unknown stream gets an undefined snapshot, then info and parts when it opens', async () => {
      const { writer, readers } = harness;
      const streamId = newStreamId();
      const follower = new Recorder(readers[0], streamId);
      await follower.until(() => follower.snapshots.length === 1);
      await writer.open(streamId, STREAM_INFO);
      await writer.append(streamId, 'video', entryAt(FIRST));
      await follower.until(() => follower.events.length === 2);
      expect(follower.snapshots).toEqual([undefined]);
      expect(follower.events).toEqual([
        { kind: 'info', streamId, info: STREAM_INFO },
        { kind: 'part', streamId, track: 'video', entry: entryAt(FIRST) },
      ]);
      expect(follower.violations).toEqual([]);
      follower.stop();
    });

    test('a snapshot holds info and parts as they were written, gaps and a stream without sound included', async () => {
      const { writer, readers } = harness;
      const streamId = newStreamId();
      const { audio: _, ...videoOnly } = STREAM_INFO;
      const gap = entryAt(FIRST + 1, { gap: true, byteCount: 0, independent: false });
      await writer.open(streamId, videoOnly);
      await writer.append(streamId, 'video', entryAt(FIRST));
      await writer.append(streamId, 'video', gap);
      await writer.append(streamId, 'video', entryAt(FIRST + 9));
      const follower = new Recorder(readers[0], streamId);
      await follower.until(() => follower.snapshots.length === 1);
      expect(follower.snapshots[0]).toEqual({
        info: videoOnly,
        ended: false,
        parts: { video: [entryAt(FIRST), gap, entryAt(FIRST + 9)], audio: [] },
      });
      follower.stop();
    });

    test('ended comes after the last part, and a later open takes it back', async () => {
      const { writer, readers } = harness;
      const streamId = newStreamId();
      await writer.open(streamId, STREAM_INFO);
      const follower = new Recorder(readers[0], streamId);
      await follower.until(() => follower.snapshots.length === 1);
      await Promise.all([
        writer.append(streamId, 'video', entryAt(FIRST)),
        writer.append(streamId, 'audio', entryAt(FIRST)),
        writer.end(streamId),
      ]);
      await follower.until(() => follower.belief.ended);
      expect(follower.kinds).toEqual(['part', 'part', 'ended']);
      await writer.end(streamId);
      const late = new Recorder(readers[1], streamId);
      await late.until(() => late.snapshots.length === 1);
      expect(late.snapshots[0]?.ended).toBe(true);
      await writer.open(streamId, STREAM_INFO);
      await Promise.all([follower.until(() => !follower.belief.ended), late.until(() => !late.belief.ended)]);
      expect(follower.kinds).toEqual(['part', 'part', 'ended', 'info']);
      follower.stop();
      late.stop();
    });

    test('a runner that comes back keeps the first media sequence number; after an end it is a new one', async () => {
      const { writer, otherWriter, readers } = harness;
      const streamId = newStreamId();
      await writer.open(streamId, STREAM_INFO);
      await otherWriter.open(streamId, { ...STREAM_INFO, firstMediaSequenceNumber: 150 });
      const follower = new Recorder(readers[0], streamId);
      await follower.until(() => follower.snapshots.length === 1);
      expect(follower.belief.info?.firstMediaSequenceNumber).toBe(100);
      await writer.end(streamId);
      await writer.open(streamId, { ...STREAM_INFO, firstMediaSequenceNumber: 200 });
      await follower.until(() => follower.belief.info?.firstMediaSequenceNumber === 200);
      follower.stop();
    });

    test('removed is told once, and a stream of the same name starts anew, even at earlier positions', async () => {
      const { writer, readers } = harness;
      const streamId = newStreamId();
      await writer.open(streamId, STREAM_INFO);
      await writer.append(streamId, 'video', entryAt(FIRST + 20));
      const follower = new Recorder(readers[0], streamId);
      await follower.until(() => follower.snapshots.length === 1);
      await writer.remove(streamId);
      await writer.remove(streamId);
      await writer.open(streamId, STREAM_INFO);
      await writer.append(streamId, 'video', entryAt(FIRST));
      await writer.append(streamId, 'video', entryAt(FIRST + 1));
      await follower.until(() => follower.events.length >= 4);
      expect(follower.kinds).toEqual(['removed', 'info', 'part', 'part']);
      expect(follower.positions('video')).toBe('100.0 100.1');
      expect(follower.violations).toEqual([]);
      follower.stop();
    });

    test('the snapshot is the window and no more', async () => {
      const { writer, readers } = harness;
      const streamId = newStreamId();
      await writer.open(streamId, STREAM_INFO);
      const windowSegmentCount = LIVE_EDGE_WINDOW_MS / STREAM_INFO.segmentMs;
      const count = (windowSegmentCount + 30) * PARTS_PER_SEGMENT;
      const appends: Promise<unknown>[] = [];
      for (let ordinal = FIRST; ordinal < FIRST + count; ordinal += 1) {
        appends.push(writer.append(streamId, 'video', entryAt(ordinal)));
        if (appends.length === 100) await Promise.all(appends.splice(0));
      }
      await Promise.all(appends);
      const follower = new Recorder(readers[0], streamId);
      await follower.until(() => follower.snapshots.length === 1);
      const parts = follower.snapshots[0]?.parts.video ?? [];
      expect(parts.length).toBe(windowSegmentCount * PARTS_PER_SEGMENT);
      expect(parts.at(-1)).toEqual(entryAt(FIRST + count - 1));
      follower.stop();
    });

    test('after a long pause nothing from before it is in the window', async () => {
      const { writer, readers } = harness;
      const streamId = newStreamId();
      await writer.open(streamId, STREAM_INFO);
      await writer.append(streamId, 'video', entryAt(FIRST));
      await writer.append(streamId, 'video', entryAt(FIRST + 10_000));
      const follower = new Recorder(readers[0], streamId);
      await follower.until(() => follower.snapshots.length === 1);
      expect(follower.snapshots[0]?.parts.video).toEqual([entryAt(FIRST + 10_000)]);
      follower.stop();
    });

    test('a follower that stopped hears nothing more; the others of its stream do', async () => {
      const { writer, readers } = harness;
      const streamId = newStreamId();
      await writer.open(streamId, STREAM_INFO);
      const early = new Recorder(readers[0], streamId);
      const never = new Recorder(readers[0], streamId);
      never.stop();
      const staying = new Recorder(readers[0], streamId);
      await Promise.all([early, staying].map((one) => one.until(() => one.snapshots.length === 1)));
      early.stop();
      await writer.append(streamId, 'video', entryAt(FIRST));
      await staying.until(() => staying.events.length === 1);
      expect(early.events).toEqual([]);
      expect(never.snapshots).toEqual([]);
      expect([...early.violations, ...never.violations]).toEqual([]);
      staying.stop();
    });

    test('a follower that throws does not keep the others from hearing', async () => {
      const { writer, readers } = harness;
      const streamId = newStreamId();
      await writer.open(streamId, STREAM_INFO);
      const broken = readers[0].follow(streamId, {
        onSnapshot: () => {
          throw new Error('broken follower');
        },
        onEvent: () => {
          throw new Error('broken follower');
        },
      });
      const follower = new Recorder(readers[0], streamId);
      await follower.until(() => follower.snapshots.length === 1);
      await writer.append(streamId, 'video', entryAt(FIRST));
      await follower.until(() => follower.events.length === 1);
      expect(follower.positions('video')).toBe('100.0');
      broken();
      follower.stop();
    });
  });

  describe('histories', () => {
    test('followers that join at any moment believe the same, and nothing is lost, doubled or disordered', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(stepArbitrary, { minLength: 5, maxLength: 40 }), async (steps) => {
          await playHistory(harness, steps);
        }),
        { numRuns: 150, endOnFailure: true },
      );
    });
  });
}

type Step =
  | { readonly kind: 'append'; readonly track: Track; readonly advance: number; readonly concurrent: boolean }
  | { readonly kind: 'open' | 'end' | 'remove' | 'restart' }
  | { readonly kind: 'join'; readonly reader: 0 | 1 }
  | { readonly kind: 'leave' };

const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      track: fc.constantFrom(...TRACKS),
      // 0 and below are duplicates, above 1 leaves a hole.
      advance: fc.constantFrom(1, 1, 1, 1, 1, 2, 7, 0, -1, -6),
      concurrent: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('join' as const), reader: fc.constantFrom(0, 1) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('open' as const, 'end' as const, 'restart' as const) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('remove' as const, 'leave' as const) }) },
);

async function playHistory(harness: LiveEdgeHarness, steps: readonly Step[]): Promise<void> {
  const streamId = newStreamId();
  let writer = harness.writer;
  let model: { ended: boolean; parts: Record<Track, PartEntry[]>; last: Record<Track, number> } | undefined;
  const followers: Recorder[] = [];
  const running: Promise<unknown>[] = [];
  const outcomes = { expected: [] as string[], actual: [] as string[] };
  const open = async () => {
    model ??= { ended: false, parts: { video: [], audio: [] }, last: { video: FIRST, audio: FIRST } };
    model.ended = false;
    await writer.open(streamId, STREAM_INFO);
  };
  await open();
  for (const step of steps) {
    if (step.kind !== 'append' && step.kind !== 'join') await Promise.all(running.splice(0));
    switch (step.kind) {
      case 'open':
        await open();
        break;
      case 'restart':
        writer = writer === harness.writer ? harness.otherWriter : harness.writer;
        await open();
        break;
      case 'end':
        if (model) model.ended = true;
        await writer.end(streamId);
        break;
      case 'remove':
        model = undefined;
        await writer.remove(streamId);
        await open();
        break;
      case 'join':
        followers.push(new Recorder(harness.readers[step.reader], streamId));
        break;
      case 'leave':
        followers.shift()?.stop();
        break;
      case 'append': {
        if (!model) throw new Error('the model always has a stream here');
        const ordinal = model.last[step.track] + step.advance;
        const entry = entryAt(ordinal);
        if (step.advance > 0) {
          outcomes.expected.push('appended');
          model.parts[step.track].push(entry);
          model.last[step.track] = ordinal;
        } else if (model.parts[step.track].length === 0) {
          break;
        } else {
          outcomes.expected.push('duplicate');
        }
        const place = outcomes.expected.length - 1;
        const appended = writer.append(streamId, step.track, entry).then((outcome) => {
          outcomes.actual[place] = outcome;
        });
        if (step.concurrent) running.push(appended);
        else await appended;
        break;
      }
    }
  }
  await Promise.all(running);
  expect(outcomes.actual).toEqual(outcomes.expected);
  const expected = { ended: model?.ended, parts: model?.parts };
  const agrees = (one: Recorder) =>
    one.belief.info !== undefined &&
    one.belief.ended === expected.ended &&
    TRACKS.every((track) => one.belief.parts[track].length === expected.parts?.[track].length);
  for (const one of followers) {
    await one.until(() => agrees(one), `the model: ${JSON.stringify(expected.parts?.video.length)} parts`);
    const { ended, parts } = one.belief;
    expect({ ended, parts }).toEqual(expected);
    expect(one.violations).toEqual([]);
    one.stop();
  }
  await writer.remove(streamId);
}
