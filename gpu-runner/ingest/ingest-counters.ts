/** What the ingest counts. Counts only grow; the bitrate is the last second's. */
import type { RunnerCounters } from '../../domain/stream.ts';
import type { Clock } from '../../domain/timeline.ts';

export type IngestCounterValues = Pick<
  RunnerCounters,
  | 'ingestBitrateBps'
  | 'ingestByteCount'
  | 'continuityErrorCount'
  | 'rejectedConnectionCount'
  | 'connectionCount'
>;

const BITRATE_WINDOW_MS = 1000;
const BITRATE_STEP_MS = 100;

export class IngestCounters {
  ingestByteCount = 0;
  /** Packets that FFmpeg marked as damaged: a continuity error, or bytes missing inside (MPEG-TS). */
  continuityErrorCount = 0;
  rejectedConnectionCount = 0;
  connectionCount = 0;
  readonly #clock: Clock;
  /** Byte counts at steps of the last second, oldest first; at most 1 s / 100 ms + 1 of them. */
  readonly #marks: { atMs: number; byteCount: number }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  addBytes(byteCount: number): void {
    if (byteCount <= 0) return;
    const nowMs = this.#clock.nowMs();
    const last = this.#marks.at(-1);
    if (last === undefined || nowMs - last.atMs >= BITRATE_STEP_MS)
      this.#marks.push({ atMs: nowMs, byteCount: this.ingestByteCount });
    this.ingestByteCount += byteCount;
    this.#forgetBefore(nowMs - BITRATE_WINDOW_MS);
  }

  values(): IngestCounterValues {
    this.#forgetBefore(this.#clock.nowMs() - BITRATE_WINDOW_MS);
    const first = this.#marks[0];
    const bitCount = first === undefined ? 0 : (this.ingestByteCount - first.byteCount) * 8;
    return {
      ingestBitrateBps: Math.round((bitCount * 1000) / BITRATE_WINDOW_MS),
      ingestByteCount: this.ingestByteCount,
      continuityErrorCount: this.continuityErrorCount,
      rejectedConnectionCount: this.rejectedConnectionCount,
      connectionCount: this.connectionCount,
    };
  }

  #forgetBefore(fromMs: number): void {
    while ((this.#marks[0]?.atMs ?? Number.POSITIVE_INFINITY) < fromMs) this.#marks.shift();
  }
}
