/** The demo feeds as one child process. */
import type { Log } from '../domain/log.ts';
import type { DemoFeed } from '../tools/feeds/demo.ts';
import { type ChildProgram, startChild } from './child-process.ts';
import { Supervisor } from './supervisor.ts';

export interface DemoFeedsDependencies {
  readonly feeds: readonly DemoFeed[];
  readonly program: ChildProgram;
  readonly log: Log;
  readonly nowMs: () => number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

export class DemoFeeds {
  readonly #dependencies: DemoFeedsDependencies;

  constructor(dependencies: DemoFeedsDependencies) {
    this.#dependencies = dependencies;
  }

  /** Sends until the signal aborts. Without feeds there is nothing to do. */
  async run(signal: AbortSignal): Promise<void> {
    const { feeds, program, log, nowMs, sleep } = this.#dependencies;
    if (feeds.length === 0) return;
    const supervisor = new Supervisor({
      start: () =>
        startChild(
          { ...program, args: [JSON.stringify(feeds)] },
          { onMessage: () => undefined, onLine: (line) => log.debug('demo-feeds-say', { line }) },
        ),
      onEvent: (event) => {
        if (event.kind === 'restarting') log.warn('demo-feeds-restart', { reason: event.reason });
        if (event.kind === 'failed') log.error('demo-feeds-failed', { reason: event.reason });
      },
      nowMs,
      sleep,
    });
    await supervisor.run(signal);
  }
}
