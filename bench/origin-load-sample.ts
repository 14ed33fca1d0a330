/** What the clients of the origin bench have in common. They speak HTTP/1.1 over plain sockets, because an HTTP
 * client library would need more CPU than the origin.
 */
import { SEED_PROFILE } from '../domain/profile.ts';
import { partAt, partOrdinal } from '../domain/timeline.ts';

export const HEADERS =
  ' HTTP/1.1\r\nHost: bench\r\nAccept-Encoding: gzip\r\nUser-Agent: mirror-bench\r\n\r\n';
export const HEAD_END = Buffer.from('\r\n\r\n');
export const RETRY_MS = 500;

export interface Sample {
  isMeasured: boolean;
  /** From the announcement of a part to the playlist that names it, and to the part itself. */
  readonly playlistMs: number[];
  readonly partMs: number[];
  /** From the request of a part to the part, or from its announcement where that came later. */
  readonly partAnswerMs: number[];
  errorCount: number;
  /** How often a client fell so far behind that it skipped to the live edge. */
  jumpCount: number;
}

export interface LoadClient {
  close(): void;
}

export const nowMs = () => performance.timeOrigin + performance.now();

/** The part that is being made now. */
export function newestOrdinal(): number {
  return partOrdinal(partAt(Date.now(), SEED_PROFILE), SEED_PROFILE);
}
