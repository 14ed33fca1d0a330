/** How long the publisher tries, and how much it holds. All of it is per track unless it says otherwise. */
export const PUBLISH_LIMITS = {
  /**
   * Parts on their way, from the packager to their announcement: 2 s of 100 ms parts. What comes beyond it
   * becomes a gap at once.
   */
  partsInFlightCount: 20,
  /** After this time a part that is not stored becomes a gap. Players hold back 0.3 s to 3 s. */
  putDeadlineMs: 1_000,
  /** One attempt at one request. A healthy store answers within a tenth of it. */
  attemptTimeoutMs: 400,
  /** Wait before the next attempt, and its growth at each. */
  firstBackoffMs: 20,
  backoffFactor: 2,
  /** After this time, counted from the packager, a part is not announced any more: a hole, which is a gap. */
  announceDeadlineMs: 2_000,
  /** How long the runner tries to store its init segments and to open the live edge before it gives up. */
  openDeadlineMs: 30_000,
  openBackoffMs: 250,
  /**
   * The media store may forget what is old (a bucket's lifecycle rule deletes by age, whoever still needs it):
   * so often the init segments are put again, which does nothing as long as they are there.
   */
  initSegmentRefreshMs: 60_000,
  /** How long a stop waits until the end of the stream is announced. */
  endDeadlineMs: 5_000,
  /** Parts before its own first one in which a new runner looks for another's. */
  listenPartCount: 5,
  /** From this many announced parts on (both tracks, 2 s), a runner is the stream's runner. */
  establishedPartCount: 40,
  /** So many parts in succession may an established runner find taken before it yields. */
  takenPartCount: 20,
  /** Repeated troubles are logged once in this time. */
  logIntervalMs: 10_000,
} as const;

export type PublishLimits = { readonly [Name in keyof typeof PUBLISH_LIMITS]: number };
