/** Whether a stream may be served to everyone, by a function that is given from outside. */
import { messageOf } from '../domain/errors.ts';
import type { Log } from '../domain/log.ts';
import type { Clock } from '../domain/timeline.ts';
import type { OriginLimits } from './limits.ts';

/** An answer that takes a promise is used for `openCheckMs` and longer, while it is asked for anew. */
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

  /**
   * Only the first check is waited for: later ones go on beside the answers. A first check that fails says no,
   * since what may be premium is not given away; a later one changes nothing, so that an outage of the registry
   * turns nobody out.
   */
  state(): 'yes' | 'no' | 'asking' {
    const remembered = this.#remembered;
    const isFresh = remembered !== undefined && this.#dependencies.clock.nowMs() < remembered.untilMs;
    if (!isFresh && !this.#asking) {
      const answer = this.#dependencies.isOpen(this.#dependencies.streamId);
      if (typeof answer === 'boolean') return answer ? 'yes' : 'no';
      this.#asking = true;
      void this.#settle(answer);
    }
    if (!remembered) return 'asking';
    return remembered.open ? 'yes' : 'no';
  }

  async #settle(answer: Promise<boolean>): Promise<void> {
    const { streamId, clock, log, limits, onSettled } = this.#dependencies;
    let open = this.#remembered?.open ?? false;
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
