/** The rules that every live edge keeps, whatever holds its log. */
import {
  LIVE_EDGE_WINDOW_MS,
  type LiveEdgeReader,
  type PartEntry,
  type StreamInfo,
} from '../domain/live-edge.ts';
import type { Log } from '../domain/log.ts';
import type { PartPosition } from '../domain/timeline.ts';

export type LiveEdgeListener = Parameters<LiveEdgeReader['follow']>[1];

/** Negative when `a` is earlier on the grid than `b`. */
export function comparePositions(a: PartPosition, b: PartPosition): number {
  return a.mediaSequenceNumber - b.mediaSequenceNumber || a.partIndex - b.partIndex;
}

/**
 * The oldest segment that the log still holds when `newest` is its last. The window is time, not a count:
 * after a runner was away for a minute, nothing from before it is in the window.
 */
export function firstKeptMediaSequenceNumber(newest: number, segmentMs: number): number {
  return Math.max(0, newest - Math.ceil(LIVE_EDGE_WINDOW_MS / segmentMs) + 1);
}

/** The entries of an ascending log that lie in the window which its last entry ends. */
export function withinWindow(parts: readonly PartEntry[], segmentMs: number): readonly PartEntry[] {
  const newest = parts.at(-1);
  if (!newest) return parts;
  const firstKept = firstKeptMediaSequenceNumber(newest.mediaSequenceNumber, segmentMs);
  return parts.filter((part) => part.mediaSequenceNumber >= firstKept);
}

/**
 * What a stream's info becomes when it is declared again. A runner that comes back from a crash does not know
 * where its stream began, so the earlier number stays; after an `end` a new broadcast begins.
 */
export function reopenedInfo(
  previous: { readonly info: StreamInfo; readonly ended: boolean } | undefined,
  info: StreamInfo,
): StreamInfo {
  if (!previous || previous.ended) return info;
  const firstMediaSequenceNumber = Math.min(
    previous.info.firstMediaSequenceNumber,
    info.firstMediaSequenceNumber,
  );
  return { ...info, firstMediaSequenceNumber };
}

/** Calls a listener. One that throws is a bug of its own and must not stop the others or the writer. */
export function notify(log: Pick<Log, 'error'>, streamId: string, call: () => void): void {
  try {
    call();
  } catch (error) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log.error('live-edge-listener-failed', { streamId, error: stack });
  }
}
