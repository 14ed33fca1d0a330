/** The demo feeds as child processes: up to six in each, as many as one sends. */
import type { Log } from '../domain/log.ts';
import { DEMO_FEED_NAMES, type DemoFeed } from '../tools/feeds/demo.ts';
import { type ChildProgram, startChild } from './child-process.ts';
import { Supervisor } from './supervisor.ts';

const FEEDS_PER_CHILD = DEMO_FEED_NAMES.length;

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

  /** Sends until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { feeds } = this.#dependencies;
    const childCount = Math.ceil(feeds.length / FEEDS_PER_CHILD);
    await Promise.all(
      Array.from({ length: childCount }, (_, index) =>
        this.#keepSending(feeds.slice(index * FEEDS_PER_CHILD, (index + 1) * FEEDS_PER_CHILD), signal),
      ),
    );
  }

  async #keepSending(feeds: readonly DemoFeed[], signal: AbortSignal): Promise<void> {
    const { program, log, nowMs, sleep } = this.#dependencies;
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
