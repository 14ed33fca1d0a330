import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { storeErrors } from '../../../adapters/errors.ts';
import { initKey, partKey } from '../../../domain/media-store.ts';
import { SEED_PROFILE } from '../../../domain/profile.ts';
import type { Track } from '../../../domain/renditions.ts';
import { partFromOrdinal, partStartMs } from '../../../domain/timeline.ts';
import type { PackagedPart } from '../../../gpu-runner/media.ts';
import { PUBLISH_LIMITS } from '../../../gpu-runner/publish/limits.ts';
import { Publisher } from '../../../gpu-runner/publish/publisher.ts';
import { HostileLiveEdge, HostileStore, RecordingLog } from './hostile-ports.ts';

const PROFILE = SEED_PROFILE;
const FIRST = 56_000_000;
const FIRST_ORDINAL = FIRST * 5;
const STREAM = 'cam-1';

let store: HostileStore;
let liveEdge: HostileLiveEdge;
let log: RecordingLog;
let passed: PackagedPart[];

beforeEach(() => {
  vi.useFakeTimers();
  // One segment before the first one, as a runner that has just started.
  vi.setSystemTime(partStartMs({ mediaSequenceNumber: FIRST - 1, partIndex: 2 }, PROFILE));
  store = new HostileStore();
  liveEdge = new HostileLiveEdge();
  log = new RecordingLog();
  passed = [];
});
afterEach(() => {
  vi.useRealTimers();
});

function createPublisher(bytes: Partial<Record<Track, Uint8Array>> = {}) {
  const publisher = new Publisher({
    streamId: STREAM,
    profile: PROFILE,
    store,
    liveEdge,
    clock: { nowMs: () => Date.now() },
    log,
    initSegments: { video: Uint8Array.of(1), audio: Uint8Array.of(2), ...bytes },
    onPassed: (passedPart) => void passed.push(passedPart),
    streamInfo: (firstMediaSequenceNumber) => ({
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
      firstMediaSequenceNumber,
    }),
  });
  const stop = new AbortController();
  let end: unknown = 'running';
  void publisher.run(stop.signal).then(
    () => (end = 'ended'),
    (error: unknown) => (end = error),
  );
  return { publisher, stop, end: () => end };
}

/** The part `index` after the first one. */
function part(index: number, track: Track = 'video', bytes?: Uint8Array): PackagedPart {
  return {
    ...partFromOrdinal(FIRST_ORDINAL + index, PROFILE),
    track,
    durationTicks: 9000,
    independent: index % 5 === 0,
    encodedAtMs: Date.now(),
    bytes: bytes ?? Uint8Array.of(index & 0xff, index >> 8, track === 'video' ? 0 : 1),
  };
}

function keyOf(index: number, track: Track = 'video'): string {
  return partKey(STREAM, track, partFromOrdinal(FIRST_ORDINAL + index, PROFILE));
}

async function publishSteadily(publisher: Publisher, from: number, count: number): Promise<void> {
  for (let index = from; index < from + count; index += 1) {
    publisher.publish(part(index));
    publisher.publish(part(index, 'audio'));
    await vi.advanceTimersByTimeAsync(100);
  }
}

/** The announcements of one track, without the stream and the first sequence number. */
function announced(track: Track = 'video'): string[] {
  return liveEdge.calls
    .filter((call) => call.startsWith(track))
    .map((call) => call.replace(`${track} `, '').replace(String(FIRST), 'n'));
}

describe('store first, announce second', () => {
  it('puts both init segments, opens the live edge, then announces each part once it is stored', async () => {
    const { publisher } = createPublisher();
    publisher.publish(part(0));
    await vi.advanceTimersByTimeAsync(1);
    expect(store.putKeys.slice(0, 2)).toEqual([initKey(STREAM, 'video'), initKey(STREAM, 'audio')]);
    expect(liveEdge.calls).toEqual([`open ${FIRST}`, `video ${FIRST}.0`]);
    expect(liveEdge.entries.video).toEqual([
      {
        mediaSequenceNumber: FIRST,
        partIndex: 0,
        durationTicks: 9000,
        independent: true,
        byteCount: 3,
        gap: false,
      },
    ]);
  });

  it('announces nothing before its bytes are stored', async () => {
    const { publisher } = createPublisher();
    publisher.publish(part(0));
    await vi.advanceTimersByTimeAsync(1);
    store.mood = () => ({ kind: 'slow', ms: 90 });
    publisher.publish(part(1));
    await vi.advanceTimersByTimeAsync(89);
    expect(announced()).toEqual(['n.0']);
    await vi.advanceTimersByTimeAsync(1);
    expect(announced()).toEqual(['n.0', 'n.1']);
  });

  it('uploads at the same time, and keeps the order of announcements', async () => {
    const { publisher } = createPublisher();
    publisher.publish(part(0));
    await vi.advanceTimersByTimeAsync(1);
    store.mood = (key) => (key === keyOf(1) ? { kind: 'slow', ms: 300 } : undefined);
    for (const index of [1, 2, 3]) publisher.publish(part(index));
    await vi.advanceTimersByTimeAsync(100);
    expect([...store.objects.keys()]).toEqual(expect.arrayContaining([keyOf(2), keyOf(3)]));
    expect(announced()).toEqual(['n.0']);
    await vi.advanceTimersByTimeAsync(200);
    expect(announced()).toEqual(['n.0', 'n.1', 'n.2', 'n.3']);
  });

  it('lets one track go on while the other waits', async () => {
    const { publisher } = createPublisher();
    publisher.publish(part(0));
    await vi.advanceTimersByTimeAsync(1);
    store.mood = (key) => (key.includes('/video/') ? { kind: 'slow', ms: 300 } : undefined);
    publisher.publish(part(1));
    publisher.publish(part(1, 'audio'));
    await vi.advanceTimersByTimeAsync(1);
    expect(announced('audio')).toEqual(['n.1']);
  });
});

describe('a part that cannot be stored', () => {
  it('becomes a gap at its deadline, is counted, and the stream goes on', async () => {
    const { publisher } = createPublisher();
    publisher.publish(part(0));
    await vi.advanceTimersByTimeAsync(1);
    store.mood = (key) => (key === keyOf(1) ? { kind: 'hangs' } : undefined);
    publisher.publish(part(1));
    publisher.publish(part(2));
    await vi.advanceTimersByTimeAsync(PUBLISH_LIMITS.putDeadlineMs - 1);
    expect(announced()).toEqual(['n.0']);
    await vi.advanceTimersByTimeAsync(1);
    expect(announced()).toEqual(['n.0', 'n.1 gap', 'n.2']);
    expect(liveEdge.entries.video[1]).toMatchObject({ gap: true, byteCount: 0, independent: false });
    expect(publisher.counters).toMatchObject({ gapCount: 1, publishedPartCount: 2, storeErrorCount: 3 });
    // The recording has what the live store could not take.
    expect(passed.map((each) => [each.partIndex, each.bytes !== undefined])).toEqual([
      [0, true],
      [1, true],
      [2, true],
    ]);
  });

  it('is tried again, and no gap remains of one failure', async () => {
    const { publisher } = createPublisher();
    publisher.publish(part(0));
    await vi.advanceTimersByTimeAsync(1);
    const throttled = storeErrors.create('THROTTLED');
    let failures = 2;
    store.mood = () => (failures-- > 0 ? { kind: 'fails', error: throttled } : undefined);
    publisher.publish(part(1));
    await vi.advanceTimersByTimeAsync(100);
    expect(announced()).toEqual(['n.0', 'n.1']);
    expect(publisher.counters).toMatchObject({ gapCount: 0, storeErrorCount: 2 });
  });

  it('for good (no permission) is a gap at once', async () => {
    const { publisher } = createPublisher();
    publisher.publish(part(0));
    await vi.advanceTimersByTimeAsync(1);
    const forbidden = storeErrors.create('FORBIDDEN');
    store.mood = () => ({ kind: 'fails', error: forbidden });
    publisher.publish(part(1));
    await vi.advanceTimersByTimeAsync(1);
    expect(announced()).toEqual(['n.0', 'n.1 gap']);
    expect(store.putKeys.filter((key) => key === keyOf(1))).toHaveLength(1);
  });

  it('that the packager gave as a gap is announced as one without any upload', async () => {
    const { publisher } = createPublisher();
    const { bytes: _none, ...gap } = part(0);
    publisher.publish(gap);
    publisher.publish(part(1));
    await vi.advanceTimersByTimeAsync(1);
    expect(announced()).toEqual(['n.0 gap', 'n.1']);
    expect(store.putKeys).not.toContain(keyOf(0));
  });

  it('on a full disk: the stream goes on in gaps, says so once in ten seconds, and recovers', async () => {
    const { publisher, end } = createPublisher();
    await publishSteadily(publisher, 0, 5);
    const full = storeErrors.create('FULL');
    store.mood = () => ({ kind: 'fails', error: full });
    await publishSteadily(publisher, 5, 50);
    store.mood = () => undefined;
    await publishSteadily(publisher, 55, 20);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(end()).toBe('running');
    expect(announced()).toHaveLength(75);
    expect(announced().at(-1)).not.toContain('gap');
    expect(announced().filter((call) => call.includes('gap')).length).toBeGreaterThan(35);
    expect(log.lines.filter((line) => line === 'store-failed')).toHaveLength(1);
  });

  it('for want of room in flight is a gap, and nothing grows', async () => {
    const { publisher } = createPublisher();
    publisher.publish(part(0));
    await vi.advanceTimersByTimeAsync(1);
    store.mood = () => ({ kind: 'hangs' });
    for (let index = 1; index <= 200; index += 1) publisher.publish(part(index));
    await vi.advanceTimersByTimeAsync(1);
    expect(store.putKeys.filter((key) => key.includes('/video/5'))).toHaveLength(
      1 + PUBLISH_LIMITS.partsInFlightCount,
    );
    await vi.advanceTimersByTimeAsync(5_000);
    expect(announced().filter((call) => call.includes('gap'))).toHaveLength(200);
  });
});

describe('a lost answer', () => {
  it('of a PUT that landed is no second runner: the bytes are compared', async () => {
    const { publisher, end } = createPublisher();
    publisher.publish(part(0));
    await vi.advanceTimersByTimeAsync(1);
    let first = true;
    store.mood = () => {
      const mood = first ? ({ kind: 'stores-and-hangs' } as const) : undefined;
      first = false;
      return mood;
    };
    publisher.publish(part(1));
    await vi.advanceTimersByTimeAsync(600);
    expect(announced()).toEqual(['n.0', 'n.1']);
    expect(publisher.counters).toMatchObject({ takenPartCount: 0, gapCount: 0 });
    expect(end()).toBe('running');
  });

  it('of an announcement that landed is no second runner', async () => {
    const { publisher, end } = createPublisher();
    publisher.publish(part(0));
    await vi.advanceTimersByTimeAsync(1);
    let first = true;
    liveEdge.afterAppend = () => {
      if (!first) return;
      first = false;
      throw new Error('connection lost');
    };
    publisher.publish(part(1));
    publisher.publish(part(2));
    await vi.advanceTimersByTimeAsync(100);
    expect(announced()).toEqual(['n.0', 'n.1', 'n.2']);
    expect(end()).toBe('running');
  });
});

describe('a second runner', () => {
  it('that publishes already is heard before the first word', async () => {
    store.objects.set(keyOf(-1), Uint8Array.of(9));
    const { publisher, end } = createPublisher();
    publisher.publish(part(0));
    await vi.advanceTimersByTimeAsync(1);
    expect(end()).toMatchObject({ code: 'PUBLISH_SECOND_RUNNER' });
    expect(store.putKeys).toEqual([]);
    expect(liveEdge.calls).toEqual([]);
    expect(passed).toEqual([]);
  });

  it('is not the runner before, whose last parts are older than this process', async () => {
    store.objects.set(keyOf(-4), Uint8Array.of(9));
    store.objects.set(initKey(STREAM, 'video'), Uint8Array.of(1));
    const { publisher, end } = createPublisher();
    publisher.publish(part(0));
    await vi.advanceTimersByTimeAsync(1);
    expect(end()).toBe('running');
    expect(announced()).toEqual(['n.0']);
  });

  it('that takes a key of a new runner makes it yield', async () => {
    const { publisher, end } = createPublisher();
    await publishSteadily(publisher, 0, 3);
    store.objects.set(keyOf(3), Uint8Array.of(9, 9));
    await publishSteadily(publisher, 3, 1);
    expect(end()).toMatchObject({ code: 'PUBLISH_SECOND_RUNNER' });
    const callCount = liveEdge.calls.length;
    await publishSteadily(publisher, 4, 3);
    expect(liveEdge.calls).toHaveLength(callCount);
  });

  it('that takes a few keys of an established runner costs gaps, since the newcomer yields', async () => {
    const { publisher, end } = createPublisher();
    await publishSteadily(publisher, 0, 25);
    for (const index of [25, 26]) store.objects.set(keyOf(index), Uint8Array.of(9, 9));
    await publishSteadily(publisher, 25, 5);
    expect(end()).toBe('running');
    expect(announced().slice(24)).toEqual([
      '56000004.4',
      '56000005.0 gap',
      '56000005.1 gap',
      '56000005.2',
      '56000005.3',
      '56000005.4',
    ]);
    expect(publisher.counters.takenPartCount).toBe(2);
  });

  it('that does not yield makes even an established runner yield', async () => {
    const { publisher, end } = createPublisher();
    await publishSteadily(publisher, 0, 25);
    for (let index = 25; index < 80; index += 1)
      for (const track of ['video', 'audio'] as const)
        store.objects.set(keyOf(index, track), Uint8Array.of(9, 9));
    await publishSteadily(publisher, 25, 20);
    expect(end()).toMatchObject({ code: 'PUBLISH_SECOND_RUNNER' });
  });

  it('that is ahead in the live edge makes a new runner yield', async () => {
    const { publisher, end } = createPublisher();
    await publishSteadily(publisher, 0, 2);
    liveEdge.entries.video.push({ ...part(40), byteCount: 3, gap: false });
    await publishSteadily(publisher, 2, 1);
    expect(end()).toMatchObject({ code: 'PUBLISH_SECOND_RUNNER' });
  });
});

describe('opening', () => {
  it('with another init segment in the store ends with its remedy', async () => {
    store.objects.set(initKey(STREAM, 'audio'), Uint8Array.of(7));
    const { publisher, end } = createPublisher();
    publisher.publish(part(0));
    await vi.advanceTimersByTimeAsync(1);
    expect(end()).toMatchObject({ code: 'PUBLISH_INIT_CONFLICT' });
    expect(liveEdge.calls).toEqual([]);
  });

  it('is repeated for the init segments, which a lifecycle rule of the store may delete under a living stream', async () => {
    const { publisher, end } = createPublisher();
    await publishSteadily(publisher, 0, 5);
    store.objects.delete(initKey(STREAM, 'audio'));
    await vi.advanceTimersByTimeAsync(PUBLISH_LIMITS.initSegmentRefreshMs);
    expect(store.objects.get(initKey(STREAM, 'audio'))).toEqual(Uint8Array.of(2));
    store.objects.set(initKey(STREAM, 'video'), Uint8Array.of(9));
    await vi.advanceTimersByTimeAsync(PUBLISH_LIMITS.initSegmentRefreshMs);
    expect(end()).toMatchObject({ code: 'PUBLISH_INIT_CONFLICT' });
  });

  it('waits for a store that does not answer; parts too old by then are holes', async () => {
    const { publisher, end } = createPublisher();
    let down = true;
    store.mood = () => (down ? { kind: 'fails', error: storeErrors.create('UNREACHABLE') } : undefined);
    await publishSteadily(publisher, 0, 30);
    down = false;
    await publishSteadily(publisher, 30, 10);
    expect(end()).toBe('running');
    expect(announced().at(-1)).toBe('56000007.4');
    expect(announced().at(-1)).not.toContain('gap');
  });

  it('gives up when the store stays away', async () => {
    const { publisher, end } = createPublisher();
    store.mood = () => ({ kind: 'fails', error: storeErrors.create('UNREACHABLE') });
    publisher.publish(part(0));
    await vi.advanceTimersByTimeAsync(PUBLISH_LIMITS.openDeadlineMs + 1);
    expect(end()).toMatchObject({ code: 'PUBLISH_NOT_STARTED', retryable: true });
  });
});

describe('the live edge', () => {
  it('that hangs costs the parts that grow too old, and then the stream catches up', async () => {
    const { publisher, end } = createPublisher();
    await publishSteadily(publisher, 0, 5);
    liveEdge.beforeAppend = () => new Promise(() => undefined);
    await publishSteadily(publisher, 5, 30);
    liveEdge.beforeAppend = () => undefined;
    await publishSteadily(publisher, 35, 40);
    expect(end()).toBe('running');
    expect(announced().at(-1)).toBe('56000014.4');
    expect(publisher.counters.liveEdgeErrorCount).toBeGreaterThan(0);
  });

  it('that no longer knows the stream ends the runner: it was removed on purpose', async () => {
    const { publisher, end } = createPublisher();
    await publishSteadily(publisher, 0, 2);
    liveEdge.beforeAppend = () => {
      throw Object.assign(storeErrors.create('FAILED'), { code: 'LIVE_EDGE_NOT_OPEN' });
    };
    publisher.publish(part(2));
    await vi.advanceTimersByTimeAsync(1);
    expect(end()).toMatchObject({ code: 'PUBLISH_STREAM_REMOVED' });
  });
});

describe('the end', () => {
  it('of the runner announces the last parts first', async () => {
    const { publisher, stop, end } = createPublisher();
    store.mood = () => ({ kind: 'slow', ms: 50 });
    publisher.publish(part(0));
    stop.abort();
    await vi.advanceTimersByTimeAsync(1);
    expect(end()).toBe('running');
    await vi.advanceTimersByTimeAsync(200);
    expect(end()).toBe('ended');
    expect(announced()).toEqual(['n.0']);
    expect(liveEdge.calls).not.toContain('end');
  });

  it('of the stream comes after its last part', async () => {
    const { publisher } = createPublisher();
    store.mood = () => ({ kind: 'slow', ms: 50 });
    publisher.publish(part(0));
    const ended = publisher.end();
    await vi.advanceTimersByTimeAsync(200);
    await ended;
    expect(liveEdge.calls.slice(-2)).toEqual([`video ${FIRST}.0`, 'end']);
  });
});

it('the latency is that from the encoder to the announcement, the worst since it was asked', async () => {
  const { publisher } = createPublisher();
  publisher.publish(part(0));
  await vi.advanceTimersByTimeAsync(1);
  publisher.takeWorstLatencyMs();
  store.mood = (key) => ({ kind: 'slow', ms: key === keyOf(1) ? 30 : 5 });
  publisher.publish(part(1));
  await vi.advanceTimersByTimeAsync(100);
  publisher.publish(part(2));
  await vi.advanceTimersByTimeAsync(100);
  expect(publisher.takeWorstLatencyMs()).toBe(30);
  expect(publisher.takeWorstLatencyMs()).toBe(0);
  expect(publisher.takeWorstPutMs()).toBe(30);
  expect(publisher.takeWorstPutMs()).toBe(0);
});
