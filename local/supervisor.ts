/**
 * Keeps one child process running: starts it again when it ends, slower each time, and gives up with a reason
 * when it only ever crashes. Knows nothing of what the child does.
 */

/** One running child. */
export interface SupervisedChild {
  /** Resolves once the process is gone. Never rejects. */
  readonly exited: Promise<ChildExit>;
  /** Asks it to end by itself. */
  stop(): void;
  /** Ends it at once. */
  kill(): void;
}

export interface ChildExit {
  readonly code: number | null;
  readonly signal: string | null;
  /** The last line it wrote to stderr, or why it could not be started. */
  readonly lastWords?: string;
}

export type SupervisorEvent =
  | { readonly kind: 'started'; readonly attempt: number }
  | { readonly kind: 'restarting'; readonly reason: string; readonly delayMs: number }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'stopped' };

/** How long a child must live for its end not to count as a quick crash. */
export const QUICK_CRASH_MS = 10_000;
/** This many quick crashes in a row, and it is not started again. */
export const QUICK_CRASHES_MAX = 6;
export const RESTART_DELAY_MIN_MS = 250;
export const RESTART_DELAY_MAX_MS = 5_000;
/** How long a child may take to end after it was asked. Ctrl-C must be over within 2 s. */
export const STOP_GRACE_MS = 1_200;

export interface SupervisorDependencies {
  readonly start: () => SupervisedChild;
  readonly onEvent: (event: SupervisorEvent) => void;
  /** Why starting again would be useless after this exit; undefined when it may help. */
  readonly isFinal?: (exit: ChildExit) => string | undefined;
  readonly nowMs: () => number;
  /** Resolves after the time, or at once when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

export class Supervisor {
  readonly #dependencies: SupervisorDependencies;

  constructor(dependencies: SupervisorDependencies) {
    this.#dependencies = dependencies;
  }

  /** Runs until the signal aborts or the child has failed for good. */
  async run(signal: AbortSignal): Promise<'stopped' | 'failed'> {
    const { start, onEvent, nowMs, sleep } = this.#dependencies;
    let quickCrashCount = 0;
    for (let attempt = 1; !signal.aborted; attempt++) {
      const startedAtMs = nowMs();
      const child = start();
      onEvent({ kind: 'started', attempt });
      const exit = await this.#untilExit(child, signal);
      if (signal.aborted) break;
      const final = this.#dependencies.isFinal?.(exit);
      if (final !== undefined) {
        onEvent({ kind: 'failed', reason: final });
        return 'failed';
      }
      quickCrashCount = nowMs() - startedAtMs < QUICK_CRASH_MS ? quickCrashCount + 1 : 0;
      const reason = describeExit(exit);
      if (quickCrashCount >= QUICK_CRASHES_MAX) {
        onEvent({ kind: 'failed', reason: `ended ${quickCrashCount} times in a row: ${reason}` });
        return 'failed';
      }
      const delayMs = restartDelayMs(quickCrashCount);
      onEvent({ kind: 'restarting', reason, delayMs });
      await sleep(delayMs, signal);
    }
    onEvent({ kind: 'stopped' });
    return 'stopped';
  }

  async #untilExit(child: SupervisedChild, signal: AbortSignal): Promise<ChildExit> {
    const stopping = new AbortController();
    const stop = async () => {
      child.stop();
      await this.#dependencies.sleep(STOP_GRACE_MS, stopping.signal);
      if (!stopping.signal.aborted) child.kill();
    };
    const onAbort = () => void stop();
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    const exit = await child.exited;
    signal.removeEventListener('abort', onAbort);
    stopping.abort();
    return exit;
  }
}

export function restartDelayMs(quickCrashCount: number): number {
  return Math.min(RESTART_DELAY_MAX_MS, RESTART_DELAY_MIN_MS * 2 ** Math.max(0, quickCrashCount - 1));
}

function describeExit({ code, signal, lastWords }: ChildExit): string {
  const how = signal ? `killed by ${signal}` : `exit code ${code}`;
  return lastWords ? `${how}, saying "${lastWords}"` : how;
}
