/** Tells the origin how the viewer fares: CMCD v2 in event mode, one line for each pane (domain/cmcd.ts). */
import { type Cmcd, encodeCmcd } from '@svta/cml-cmcd';
import {
  CMCD_COVERED_MS_KEY,
  CMCD_DROPPED_KEY,
  CMCD_EVERY_MS,
  CMCD_LINES_MAX,
  CMCD_STALLED_MS_KEY,
  CMCD_STALLS_KEY,
} from '../domain/cmcd.ts';
import type { PaneMeasure } from './pane-measure.ts';

/** Of each pane, when it was reported. */
interface Reported {
  readonly atMs: number;
  readonly stalledMs: number;
  readonly stallCount: number;
  readonly droppedFrameCount: number;
}

export interface CmcdReporterDependencies {
  readonly panes: () => readonly PaneMeasure[];
  /** Sends one body, as well as it goes: a report that is lost is not sent again. */
  readonly send: (body: string) => void;
  /** Names this page while it is open, and nothing else. */
  readonly sessionId: string;
  /** Unix ms by the server's clock. */
  readonly nowMs: () => number;
  readonly isHidden: () => boolean;
}

function nothing(atMs: number): Reported {
  return { atMs, stalledMs: 0, stallCount: 0, droppedFrameCount: 0 };
}

/** CTA-5004-B, "State". */
const STATE_OF_PHASE = {
  connecting: 's',
  waiting: 'w',
  playing: 'p',
  stalled: 'r',
  reconnecting: 'r',
  ended: 'e',
} as const;

export class CmcdReporter {
  readonly #dependencies: CmcdReporterDependencies;
  #reported = new Map<string, Reported>();
  #reportedAtMs = 0;
  #sequenceNumber = 0;

  constructor(dependencies: CmcdReporterDependencies) {
    this.#dependencies = dependencies;
    this.#remember();
  }

  /** Reports now and then until the signal, and once more when that comes. */
  run(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = setInterval(() => this.report(), CMCD_EVERY_MS);
      const end = () => {
        clearInterval(timer);
        this.report();
        resolve();
      };
      if (signal.aborted) end();
      else signal.addEventListener('abort', end, { once: true });
    });
  }

  /** Says how the time since the last report was. */
  report(): void {
    const { panes, send } = this.#dependencies;
    const lines = panes()
      .slice(0, CMCD_LINES_MAX)
      // A pane that came since the last report has counted from nothing.
      .map((pane) => this.#line(pane, this.#reported.get(pane.streamId) ?? nothing(this.#reportedAtMs)));
    this.#remember();
    if (lines.length > 0) send(`${lines.join('\n')}\n`);
  }

  #line(pane: PaneMeasure, before: Reported): string {
    const { sessionId, nowMs, isHidden } = this.#dependencies;
    this.#sequenceNumber += 1;
    const report: Cmcd = {
      v: 2,
      e: 't',
      ts: Math.round(nowMs()),
      sid: sessionId,
      cid: pane.streamId,
      sn: this.#sequenceNumber,
      sf: 'h',
      st: 'l',
      sta: STATE_OF_PHASE[pane.phase],
      pr: pane.playbackRate,
      bsa: [pane.stallCount],
      bsda: [Math.round(pane.stalledMs)],
      dfa: pane.droppedFrameCount,
      [CMCD_COVERED_MS_KEY]: sinceText(nowMs(), before.atMs),
      [CMCD_STALLED_MS_KEY]: sinceText(pane.stalledMs, before.stalledMs),
      [CMCD_STALLS_KEY]: sinceText(pane.stallCount, before.stallCount),
      [CMCD_DROPPED_KEY]: sinceText(pane.droppedFrameCount, before.droppedFrameCount),
    };
    if (pane.latencyMs !== undefined) report.ltc = Math.max(0, Math.round(pane.latencyMs));
    if (pane.bufferMs !== undefined) report.bl = [Math.max(0, Math.round(pane.bufferMs))];
    if (isHidden()) report.bg = true;
    return encodeCmcd(report, { version: 2, reportingMode: 'event' });
  }

  #remember(): void {
    const atMs = this.#dependencies.nowMs();
    this.#reportedAtMs = atMs;
    this.#reported = new Map(
      this.#dependencies.panes().map((pane) => {
        const { stalledMs, stallCount, droppedFrameCount } = pane;
        return [pane.streamId, { atMs, stalledMs, stallCount, droppedFrameCount }];
      }),
    );
  }
}

/** A new engine may count anew: less than before is nothing. */
function sinceText(now: number, before: number): string {
  return String(Math.max(0, Math.round(now - before)));
}
