import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TimeKeeper } from '../../../player/time-keeper.ts';

describe('asking for the time', () => {
  let asleepMs = 0;
  let answers = true;
  let askedAtMs: number[] = [];
  let ending = new AbortController();
  const startMs = Date.UTC(2026, 5, 1);

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'], now: startMs });
    ending = new AbortController();
    asleepMs = 0;
    answers = true;
    askedAtMs = [];
  });
  afterEach(() => {
    ending.abort();
    vi.useRealTimers();
  });

  /** The monotonic clock of this browser stands still while it sleeps. */
  function keeper(): TimeKeeper {
    const made = new TimeKeeper({
      ask: () => {
        askedAtMs.push(Date.now() - startMs);
        return Promise.resolve(answers);
      },
      monotonicNowMs: () => Date.now() - asleepMs,
      wallNowMs: () => Date.now(),
    });
    void made.run(ending.signal);
    return made;
  }

  async function pass(ms: number): Promise<void> {
    await vi.advanceTimersByTimeAsync(ms);
  }

  it('is quick in the beginning, and then twice a minute', async () => {
    keeper();
    await pass(2_000);
    expect(askedAtMs).toEqual([0, 200, 400, 600, 800]);
    await pass(30_000);
    expect(askedAtMs.slice(5)).toEqual([30_800]);
  });

  it('goes on once a second while nobody answers', async () => {
    answers = false;
    keeper();
    await pass(3_500);
    expect(askedAtMs).toEqual([0, 1_000, 2_000, 3_000]);
  });

  it('a sleep, which only the wall clock has seen, is followed by quick questions', async () => {
    keeper();
    await pass(5_000);
    askedAtMs = [];
    asleepMs = 600_000;
    vi.setSystemTime(Date.now() + 600_000);
    await pass(2_000);
    expect(askedAtMs).toHaveLength(5);
  });

  it('who was away asks at once', async () => {
    const made = keeper();
    await pass(5_000);
    askedAtMs = [];
    made.askSoon();
    expect(askedAtMs).toEqual([5_000]);
    await pass(2_000);
    expect(askedAtMs).toHaveLength(5);
  });
});
