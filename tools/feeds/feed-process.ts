/**
 * A feed in a process of its own. Two reasons to want one: it can be killed as a power cut kills an encoder,
 * without a goodbye; and a process that has used SRT must not start children any more, because libsrt takes a
 * lock in every forked child that its own threads may hold, and then both child and parent hang.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { feedErrors } from './errors.ts';
import { type FeedInput, parseFeedOptions } from './options.ts';
import type { FeedConnection } from './sender.ts';

export class FeedProcess {
  /** Rejects with `FEED_CONNECT` when the process ends before it reached the receiver. */
  readonly connected: Promise<FeedConnection>;
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.child = child;
    this.connected = new Promise((resolve, reject) => {
      child.once('message', (connection: FeedConnection) => resolve(connection));
      child.once('exit', (code) => reject(feedErrors.create('CONNECT', `The feed ended with ${code}.`)));
    });
    // Whoever does not wait for the connection does not want to hear that it failed.
    this.connected.catch(() => undefined);
  }

  /** @throws MirrorError `FEED_OPTIONS`. */
  static start(input: FeedInput): FeedProcess {
    const options = parseFeedOptions(input);
    const file = fileURLToPath(new URL('./feed-child.ts', import.meta.url));
    const child = fork(file, [JSON.stringify(options)], {
      execArgv: ['--import', 'tsx'],
      env: { ...process.env, UV_THREADPOOL_SIZE: '16', MALLOC_ARENA_MAX: '2' },
    });
    return new FeedProcess(child);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Ends the connection cleanly. */
  async stop(): Promise<void> {
    await this.end('SIGTERM');
  }

  /** Ends without a goodbye: no SRT shutdown leaves the machine. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill(signal);
    await exited;
  }
}
