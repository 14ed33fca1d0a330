/** Whether a stream may be served to everyone, by a function that is given from outside. */
import { messageOf } from '../domain/errors.ts';
import type { Log } from '../domain/log.ts';
import type { Clock } from '../domain/timeline.ts';
import type { OriginLimits } from './limits.ts';

/** An answer that takes a promise is remembered for `openCheckMs`; any other is asked for at each request. */
export type IsOpen = (streamId: string) => boolean | Promise<boolean>;

export interface OpenCheckDependencies {
  readonly streamId: string;
  readonly isOpen: IsOpen;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: Pick<OriginLimits, 'openCheckMs'>;
  /** Called when a promise has settled: those who were told `asking` may ask again. */
  readonly onSettled: () => void;
}

export class OpenCheck {
  readonly #dependencies: OpenCheckDependencies;
  #asking = false;
  #remembered: { readonly open: boolean; readonly untilMs: number } | undefined;

  constructor(dependencies: OpenCheckDependencies) {
    this.#dependencies = dependencies;
  }

  /** A check that fails says no: what may be premium is not given away. */
  state(): 'yes' | 'no' | 'asking' {
    if (this.#asking) return 'asking';
    const { streamId, isOpen, clock } = this.#dependencies;
    if (this.#remembered && clock.nowMs() < this.#remembered.untilMs)
      return this.#remembered.open ? 'yes' : 'no';
    const answer = isOpen(streamId);
    if (typeof answer === 'boolean') return answer ? 'yes' : 'no';
    this.#asking = true;
    void this.#settle(answer);
    return 'asking';
  }

  async #settle(answer: Promise<boolean>): Promise<void> {
    const { streamId, clock, log, limits, onSettled } = this.#dependencies;
    let open = false;
    try {
      open = await answer;
    } catch (error) {
      log.warn('open-check-failed', { streamId, error: messageOf(error) });
    }
    this.#asking = false;
    this.#remembered = { open, untilMs: clock.nowMs() + limits.openCheckMs };
    onSettled();
  }
}
