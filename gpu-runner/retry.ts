/** Trying again, with a limit on everything: one attempt's time, the pauses, and the whole. */

import { pause } from '../domain/pause.ts';

export interface RetryPlan {
  /** In the terms of `nowMs`. No attempt starts after it, and none runs beyond it. */
  readonly deadlineMs: number;
  readonly attemptTimeoutMs: number;
  readonly firstBackoffMs: number;
  readonly backoffFactor: number;
}

export interface RetryCircumstances {
  nowMs(): number;
  /** Ends all attempts and pauses. */
  readonly signal: AbortSignal;
  /** Told of each failed attempt. */
  onFailure(error: unknown): void;
  /** False when another attempt is pointless. */
  isRetryable(error: unknown): boolean;
}

export type RetryResult<Value> =
  | { readonly kind: 'done'; readonly value: Value; readonly attemptCount: number }
  | { readonly kind: 'gave-up'; readonly error: unknown };

/**
 * Calls `attempt` until it succeeds, fails for good, or the deadline passes. An attempt that outlives its
 * time is abandoned even if it ignores its signal.
 */
export async function retry<Value>(
  attempt: (signal: AbortSignal, attemptIndex: number) => Promise<Value>,
  plan: RetryPlan,
  circumstances: RetryCircumstances,
): Promise<RetryResult<Value>> {
  let backoffMs = plan.firstBackoffMs;
  let lastError: unknown = new Error('the deadline passed before the first attempt');
  for (let attemptIndex = 0; ; attemptIndex += 1) {
    const remainingMs = plan.deadlineMs - circumstances.nowMs();
    if (remainingMs <= 0 || circumstances.signal.aborted) return { kind: 'gave-up', error: lastError };
    try {
      const timeoutMs = Math.min(plan.attemptTimeoutMs, remainingMs);
      const value = await withTimeout(
        (signal) => attempt(signal, attemptIndex),
        timeoutMs,
        circumstances.signal,
      );
      return { kind: 'done', value, attemptCount: attemptIndex + 1 };
    } catch (error) {
      lastError = error;
      circumstances.onFailure(error);
      if (!circumstances.isRetryable(error)) return { kind: 'gave-up', error };
    }
    await pause(Math.min(backoffMs, plan.deadlineMs - circumstances.nowMs()), circumstances.signal);
    backoffMs *= plan.backoffFactor;
  }
}

/** Rejects when the time is up or `signal` aborts, whether or not the work listens to its signal. */
async function withTimeout<Value>(
  work: (signal: AbortSignal) => Promise<Value>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Value> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const over = new Promise<never>((_resolve, reject) => {
    const abandon = (reason: Error) => {
      controller.abort(reason);
      reject(reason);
    };
    onAbort = () => abandon(new Error('stopped'));
    timer = setTimeout(() => abandon(new Error(`no answer within ${Math.round(timeoutMs)} ms`)), timeoutMs);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work(controller.signal), over]);
  } finally {
    clearTimeout(timer);
    if (onAbort) signal.removeEventListener('abort', onAbort);
  }
}
