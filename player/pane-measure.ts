import type { PanePhase } from './pane-words.ts';
import type { StatsSample } from './stats.ts';

/** What a pane is like now; `pane.stats` has what it was like in the last two minutes. */
export interface PaneMeasure
  extends Pick<
    StatsSample,
    'latencyMs' | 'skewMs' | 'bufferMs' | 'playbackRate' | 'bitrateBps' | 'requestsPerS'
  > {
  readonly streamId: string;
  readonly engine: string;
  readonly phase: PanePhase;
  readonly neededLatencyMs: number | undefined;
  /** From the camera's capture to the screen, where the camera tells when that was. */
  readonly glassToGlassMs: number | undefined;
  readonly shownInstantMs: number | undefined;
  /** Since the pane was made, as all counts. */
  readonly stallCount: number;
  readonly stalledMs: number;
  readonly seekCount: number;
  readonly engineCount: number;
  readonly requestCount: number;
  readonly byteCount: number;
  readonly droppedFrameCount: number;
}
