import { describe, expect, it } from 'vitest';
import type { ListedStream } from '../../../domain/control/api.ts';
import { sourceInWords } from '../../../domain/source-words.ts';
import { HealthWatch, healthOf, needsAttention } from '../../../player/console/health.ts';
import { runnerReport } from '../../../player/console/runner-report.ts';

const START_MS = Date.UTC(2026, 5, 1);

function stream(overrides: Partial<ListedStream> = {}): ListedStream {
  return {
    id: 'a',
    name: 'A',
    access: 'open',
    state: 'live',
    since: new Date(START_MS).toISOString(),
    createdAt: new Date(START_MS).toISOString(),
    frameRate: 30,
    hardware: 'auto',
    record: false,
    signalLoss: 'last-picture',
    ingest: { protocol: 'srt-listener', latencyMs: 120 },
    playlistPath: '/open/a/index.m3u8',
    ...overrides,
  };
}

function reported(atMs: number, counters: Record<string, number>): ListedStream {
  return stream({ runner: { state: 'live', reportedAt: new Date(atMs).toISOString(), counters } });
}

describe('the health of a stream', () => {
  it('is good while nothing goes wrong, whatever its counters were before', () => {
    const watch = new HealthWatch();
    watch.take([reported(START_MS, { continuityErrorCount: 900 })], START_MS);
    const health = watch.take([reported(START_MS + 1_000, { continuityErrorCount: 900 })], START_MS + 1_000);
    expect(health.get('a')).toEqual({ tone: 'good', badge: 'Live', words: undefined, errorCount: 0 });
  });

  it('is ill while errors rise, and good again a minute after the last', () => {
    const watch = new HealthWatch();
    const at = (s: number, continuityErrorCount: number, gapCount = 0) =>
      watch
        .take([reported(START_MS + s * 1_000, { continuityErrorCount, gapCount })], START_MS + s * 1_000)
        .get('a');
    at(0, 0);
    expect(at(1, 1)).toMatchObject({ tone: 'warn', badge: 'Live, ill' });
    expect(at(2, 4, 1)).toMatchObject({
      words: '4 packet gaps, 1 missing part in the last minute.',
      errorCount: 5,
    });
    for (let s = 3; s <= 61; s++) at(s, 4, 1);
    expect(at(62, 4, 1)).toMatchObject({ tone: 'good', errorCount: 0 });
  });

  it('counts from the new zero of a runner that was started again', () => {
    const watch = new HealthWatch();
    watch.take([reported(START_MS, { decodeErrorCount: 70 })], START_MS);
    const health = watch.take([reported(START_MS + 1_000, { decodeErrorCount: 2 })], START_MS + 1_000);
    expect(health.get('a')?.errorCount).toBe(2);
  });

  it('takes a report that is seen twice once', () => {
    const watch = new HealthWatch();
    watch.take([reported(START_MS, { gapCount: 0 })], START_MS);
    watch.take([reported(START_MS + 1_000, { gapCount: 3 })], START_MS + 1_000);
    const health = watch.take([reported(START_MS + 1_000, { gapCount: 3 })], START_MS + 2_000);
    expect(health.get('a')?.errorCount).toBe(3);
  });

  it('lets a few repeated and dropped frames pass, which two clocks cause', () => {
    expect(healthOf(stream(), { repeatedFrameCount: 18 }).tone).toBe('good');
    expect(healthOf(stream(), { repeatedFrameCount: 19 })).toMatchObject({
      tone: 'warn',
      words: '19 repeated frames in the last minute.',
    });
  });

  it('tells of a lost signal why, not that frames are repeated; and of each sender that was refused', () => {
    const lost = { state: 'interrupted', reason: 'The feed has stopped.' } as const;
    expect(healthOf(lost, { repeatedFrameCount: 900 }).words).toBe('The feed has stopped.');
    expect(healthOf({ state: 'waiting' }, { rejectedConnectionCount: 2 }).words).toBe(
      '2 refused connections in the last minute.',
    );
  });

  it('says why a feed was refused and what to do at its encoder, for as long as the refusal is news', () => {
    const refusedFeed = { atMs: START_MS, reason: 'wrong passphrase', remedy: 'Copy it again.' };
    const { refusedFeed: read } = runnerReport({ counters: {}, refusedFeed }) ?? {};
    expect(healthOf({ state: 'waiting' }, { rejectedConnectionCount: 1 }, read).words).toBe(
      '1 refused connection in the last minute. Refused: wrong passphrase. Copy it again.',
    );
    expect(healthOf({ state: 'live' }, { rejectedConnectionCount: 1 }, read).words).toMatch(/Copy it again/);
    expect(healthOf({ state: 'waiting' }, {}, read).words).toBeUndefined();
    expect(runnerReport({ counters: {}, refusedFeed: { reason: 3 } })?.refusedFeed).toBeUndefined();
  });

  it.each([
    ['created', false],
    ['starting', false],
    ['waiting', false],
    ['live', false],
    ['interrupted', true],
    ['stopping', false],
    ['stopped', false],
    ['failed', true],
  ] as const)('in the state %s needs a look: %s', (state, isNeeded) => {
    const health = healthOf(stream({ state, reason: 'The feed has stopped.' }), {});
    expect(needsAttention(health)).toBe(isNeeded);
    expect(health.words).toBe(state === 'live' ? undefined : 'The feed has stopped.');
  });
});

describe("a runner's report", () => {
  it('is read whatever it lacks, and numbers that are none are left out', () => {
    expect(runnerReport(undefined)).toBeUndefined();
    const report = runnerReport({ counters: { gapCount: 2, storeErrorCount: 'many' }, source: 3 });
    expect(report?.counters).toEqual({ gapCount: 2 });
    expect(sourceInWords(report?.source)).toBe('Nothing yet');
  });

  it('names what arrives', () => {
    const source = {
      video: {
        codec: 'hevc',
        profile: 'Main 10',
        widthPx: 1_920,
        heightPx: 1_080,
        frameRate: 59.940_059,
        interlaced: false,
        decoder: 'nvidia' as const,
      },
      audio: { codec: 'aac', sampleRateHz: 48_000, channelCount: 1 },
    };
    expect(sourceInWords(source)).toBe(
      'HEVC Main 10, 1920x1080, 59.94 fps, decoded on the GPU; AAC, 48 kHz, mono',
    );
  });

  it('says how late a camera with a clock is, and whether it can be held in step', () => {
    expect(sourceInWords({ capture: { delayMs: 183.6, inStep: true } })).toBe(
      'in step by the camera’s clock, 184 ms after capture',
    );
    expect(sourceInWords({ capture: { delayMs: 1_204, inStep: false } })).toBe(
      'too late to be in step by the camera’s clock, 1204 ms after capture',
    );
  });
});
