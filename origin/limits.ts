/** Every bound of the origin, in one place. Each has a default that suits 25 streams and 5,000 viewers. */
export interface OriginLimits {
  /** How much of each stream is kept in memory. */
  readonly windowMs: number;
  /** How long a request waits for what is not there yet; then 503 (DESIGN: HLS rules). */
  readonly holdMs: number;
  /** Requests that may wait at one time; the next one is answered 503 with Retry-After. */
  readonly heldRequestCount: number;
  /** Streams followed at one time, unknown ones included. */
  readonly streamCount: number;
  /** A stream without requests for so long is no longer followed. */
  readonly idleMs: number;
  /** The same for a stream id that nobody has opened: whoever asks for it may be guessing. */
  readonly unknownIdleMs: number;
  /** Reads of the media store in flight at one time, over all streams. */
  readonly storeReadCount: number;
  /** Reads that may wait for their turn. */
  readonly queuedStoreReadCount: number;
  /** One read of the media store may take so long. */
  readonly storeReadMs: number;
  /** Tries for a part that was announced and cannot be read, and the pause before the second; it doubles. */
  readonly storeTryCount: number;
  readonly storeRetryMs: number;
  /** After a failed read the next request tries again, but not sooner. */
  readonly storeFailureMemoryMs: number;
  /** Of what was there before the first request for a stream, this much is read at once. */
  readonly preloadMs: number;
  /** An answer of `isOpen` that took a promise is asked for anew after so long. */
  readonly openCheckMs: number;
  readonly urlLength: number;
  /** How often waits are checked for their deadline. */
  readonly sweepMs: number;
  /** A part that took longer from its announcement to its bytes counts as late. */
  readonly latePartMs: number;
}

export const ORIGIN_LIMITS: OriginLimits = {
  windowMs: 30_000,
  holdMs: 3_000,
  heldRequestCount: 20_000,
  streamCount: 200,
  idleMs: 60_000,
  unknownIdleMs: 5_000,
  storeReadCount: 128,
  queuedStoreReadCount: 2_000,
  storeReadMs: 2_000,
  storeTryCount: 3,
  storeRetryMs: 50,
  storeFailureMemoryMs: 500,
  preloadMs: 1_000,
  openCheckMs: 2_000,
  urlLength: 8_192,
  sweepMs: 100,
  latePartMs: 50,
};
