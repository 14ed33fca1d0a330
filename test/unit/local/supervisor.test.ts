import { describe, expect, it } from 'vitest';
import {
  type ChildExit,
  QUICK_CRASH_MS,
  QUICK_CRASHES_MAX,
  RESTART_DELAY_MAX_MS,
  RESTART_DELAY_MIN_MS,
  restartDelayMs,
  STOP_GRACE_MS,
  Supervisor,
  type SupervisorEvent,
} from '../../../local/supervisor.ts';

const CRASH: ChildExit = { code: 1, signal: null, lastWords: 'no decoder' };

/** A world in which time passes only by the supervisor's own waits and by what the children live. */
function world(childLivesMs: readonly number[], options: { obeysStop?: boolean } = {}) {
  let nowMs = 0;
  let startCount = 0;
  const stopped = new AbortController();
  const events: SupervisorEvent[] = [];
  const calls: string[] = [];
  const sleeps: number[] = [];
  const supervisor = new Supervisor({
    nowMs: () => nowMs,
    onEvent: (event) => events.push(event),
    sleep: (ms) => {
      sleeps.push(ms);
      nowMs += ms;
      return Promise.resolve();
    },
    start: () => {
      const livesMs = childLivesMs[startCount];
      startCount += 1;
      let resolve: (exit: ChildExit) => void = () => undefined;
      const promise = new Promise<ChildExit>((settle) => (resolve = settle));
      if (livesMs === undefined) queueMicrotask(() => stopped.abort());
      else {
        nowMs += livesMs;
        resolve(CRASH);
      }
      return {
        exited: promise,
        stop: () => {
          calls.push('stop');
          if (options.obeysStop !== false) resolve({ code: 0, signal: null });
        },
        kill: () => {
          calls.push('kill');
          resolve({ code: null, signal: 'SIGKILL' });
        },
      };
    },
  });
  return { supervisor, events, calls, sleeps, signal: stopped.signal, startCount: () => startCount };
}

describe('supervisor', () => {
  it('a child that crashes is started again, each time after a longer wait', async () => {
    const { supervisor, signal, events } = world([0, 0, 0]);
    await expect(supervisor.run(signal)).resolves.toBe('stopped');
    expect(events.flatMap((event) => (event.kind === 'restarting' ? event.delayMs : []))).toEqual([
      RESTART_DELAY_MIN_MS,
      RESTART_DELAY_MIN_MS * 2,
      RESTART_DELAY_MIN_MS * 4,
    ]);
  });

  it('a child that only ever crashes is given up with its last words as the reason', async () => {
    const { supervisor, signal, events, startCount } = world(Array.from({ length: 50 }, () => 5));
    await expect(supervisor.run(signal)).resolves.toBe('failed');
    expect(startCount()).toBe(QUICK_CRASHES_MAX);
    expect(events.at(-1)).toEqual({
      kind: 'failed',
      reason: `ended ${QUICK_CRASHES_MAX} times in a row: exit code 1, saying "no decoder"`,
    });
  });

  it('a child that lives long between its crashes is started again for ever', async () => {
    const { supervisor, signal, startCount, sleeps } = world(
      Array.from({ length: 20 }, () => QUICK_CRASH_MS),
    );
    await supervisor.run(signal);
    expect(startCount()).toBe(21);
    expect(new Set(sleeps.slice(0, 20))).toEqual(new Set([RESTART_DELAY_MIN_MS]));
  });

  it('the wait has a maximum', () => {
    expect(restartDelayMs(60)).toBe(RESTART_DELAY_MAX_MS);
  });

  it('a child that ends when asked is not killed', async () => {
    const { supervisor, signal, calls } = world([]);
    await expect(supervisor.run(signal)).resolves.toBe('stopped');
    expect(calls).toEqual(['stop']);
  });

  it('a child that does not end when asked is killed after its grace', async () => {
    const { supervisor, signal, calls, sleeps } = world([], { obeysStop: false });
    await expect(supervisor.run(signal)).resolves.toBe('stopped');
    expect(calls).toEqual(['stop', 'kill']);
    expect(sleeps).toEqual([STOP_GRACE_MS]);
  });
});
