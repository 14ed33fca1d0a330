/**
 * Store first, announce second: each part is put into the media store and then appended to the live edge, so
 * that nothing is announced that cannot be read. Uploads overlap; announcements keep the order of their track.
 * A part that cannot be stored in time becomes a gap, and the stream goes on.
 *
 * Two runners for one stream: the media store takes each key once, so the two cannot mix their bytes. The
 * newcomer yields. It notices in one of two ways: another's parts lie where this process was alive and
 * published nothing (listening before talking), or a key of its own first parts is taken. An established
 * runner that finds a key taken makes a gap of it and goes on, since the newcomer is about to yield.
 */
import { setMaxListeners } from 'node:events';
import { MirrorError } from '../../domain/errors.ts';
import type { LiveEdgeWriter, PartEntry, StreamInfo } from '../../domain/live-edge.ts';
import type { Log } from '../../domain/log.ts';
import type { MediaStoreReader, MediaStoreWriter } from '../../domain/media-store.ts';
import { partKey } from '../../domain/media-store.ts';
import type { Profile } from '../../domain/profile.ts';
import { TRACKS, type Track } from '../../domain/renditions.ts';
import type { Clock } from '../../domain/timeline.ts';
import type { PackagedPart } from '../media.ts';
import { errorFields, RateLimitedLog } from '../rate-limited-log.ts';
import { retry } from '../retry.ts';
import { publishErrors } from './errors.ts';
import { PUBLISH_LIMITS, type PublishLimits } from './limits.ts';
import { openStream, storeInitSegment } from './open-stream.ts';
import { putOnce } from './put-once.ts';

export interface PublisherDependencies {
  readonly streamId: string;
  readonly profile: Profile;
  readonly store: MediaStoreWriter & MediaStoreReader;
  readonly liveEdge: LiveEdgeWriter;
  readonly clock: Clock;
  readonly log: Log;
  readonly initSegments: Readonly<Record<Track, Uint8Array>>;
  /** Made when the first part is known. */
  readonly streamInfo: (firstMediaSequenceNumber: number) => StreamInfo;
  readonly limits?: PublishLimits;
  /** Called for each announced part, for measurements. */
  readonly onAnnounced?: (part: PackagedPart, latencyMs: number) => void;
  /**
   * Called for each part, in the order of its track, once its fate is known: announced, or a gap because it
   * could not be stored. Never called for parts of a runner that is not the stream's.
   */
  readonly onPassed?: (part: PackagedPart) => void;
}

export interface PublisherCounters {
  readonly publishedPartCount: number;
  readonly gapCount: number;
  /** Failed attempts at the media store. */
  readonly storeErrorCount: number;
  readonly liveEdgeErrorCount: number;
  /** Keys that another runner had taken. */
  readonly takenPartCount: number;
}

interface Lane {
  /** Settles when the last part given so far is announced or given up. */
  tail: Promise<void>;
  partsInFlightCount: number;
}

/** What every live edge answers for a stream that was removed (adapters' errors). */
const LIVE_EDGE_NOT_OPEN = 'LIVE_EDGE_NOT_OPEN';

type Stored = 'stored' | 'gap' | 'taken';

export class Publisher {
  private readonly dependencies: PublisherDependencies;
  private readonly limits: PublishLimits;
  private readonly troubles: RateLimitedLog;
  private readonly startedAtMs: number;
  private readonly lanes: Readonly<Record<Track, Lane>> = {
    video: { tail: Promise.resolve(), partsInFlightCount: 0 },
    audio: { tail: Promise.resolve(), partsInFlightCount: 0 },
  };
  private readonly stopping = new AbortController();
  private opened: Promise<void> | undefined;
  private failure: MirrorError | undefined;
  private onFailure: ((error: MirrorError) => void) | undefined;
  private takenInSuccessionCount = 0;
  private worstLatencyMs = 0;
  private worstPutMs = 0;
  private readonly count = {
    publishedPartCount: 0,
    gapCount: 0,
    storeErrorCount: 0,
    liveEdgeErrorCount: 0,
    takenPartCount: 0,
  };

  constructor(dependencies: PublisherDependencies) {
    const { log, clock, limits = PUBLISH_LIMITS } = dependencies;
    this.dependencies = dependencies;
    this.limits = limits;
    this.troubles = new RateLimitedLog({ log, clock, intervalMs: limits.logIntervalMs });
    this.startedAtMs = clock.nowMs();
    // An attempt and its pause listen for each part of both tracks that is in flight, and the opening.
    setMaxListeners(4 * limits.partsInFlightCount + 2, this.stopping.signal);
  }

  get counters(): PublisherCounters {
    return this.count;
  }

  /** Last encoded frame to announcement, the worst since this was last called; 0 when there was none. */
  takeWorstLatencyMs(): number {
    const latencyMs = this.worstLatencyMs;
    this.worstLatencyMs = 0;
    return latencyMs;
  }

  /** One PUT with its retries, the worst since this was last called; 0 when there was none. */
  takeWorstPutMs(): number {
    const putMs = this.worstPutMs;
    this.worstPutMs = 0;
    return putMs;
  }

  /**
   * Takes one part and returns at once. The first one opens the stream: init segments, then the live edge.
   * Parts of a track come in order.
   */
  publish(part: PackagedPart): void {
    if (this.failure || this.stopping.signal.aborted) return;
    this.opened ??= this.open(part);
    const lane = this.lanes[part.track];
    const givenAtMs = this.dependencies.clock.nowMs();
    const stored = this.store(part, lane, givenAtMs);
    const previous = lane.tail;
    lane.partsInFlightCount += 1;
    lane.tail = this.announceAfter(previous, part, { stored, givenAtMs }).finally(() => {
      lane.partsInFlightCount -= 1;
    });
  }

  /**
   * Ends when `signal` aborts and the parts given so far are announced.
   *
   * @throws MirrorError `PUBLISH_SECOND_RUNNER`, `PUBLISH_INIT_CONFLICT`, `PUBLISH_NOT_STARTED`,
   * `PUBLISH_STREAM_REMOVED`.
   */
  async run(signal: AbortSignal): Promise<void> {
    const refresh = setInterval(() => void this.refreshInitSegments(), this.limits.initSegmentRefreshMs);
    try {
      await new Promise<void>((resolve, reject) => {
        this.onFailure = reject;
        if (this.failure) reject(this.failure);
        if (signal.aborted) resolve();
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    } finally {
      clearInterval(refresh);
    }
    await this.drain();
    if (this.failure) throw this.failure;
  }

  /** Waits until every part given so far is announced or given up. */
  async drain(): Promise<void> {
    await Promise.all([this.lanes.video.tail, this.lanes.audio.tail]);
  }

  /** After the last part: tells the live edge that the operator stopped the stream. */
  async end(): Promise<void> {
    await this.drain();
    const { liveEdge, streamId, log } = this.dependencies;
    const ended = await this.tryHard(() => liveEdge.end(streamId), {
      deadlineMs: this.dependencies.clock.nowMs() + this.limits.endDeadlineMs,
      onFailure: (error) => this.onLiveEdgeError(error),
    });
    if (ended.kind === 'gave-up') log.error('end-not-announced', errorFields(ended.error));
  }

  private async open(first: PackagedPart): Promise<void> {
    try {
      await openStream({
        ...this.dependencies,
        limits: this.limits,
        first,
        startedAtMs: this.startedAtMs,
        signal: this.stopping.signal,
        onTrouble: (error) => this.troubles.warn('stream-not-open-yet', error),
      });
    } catch (error) {
      this.fail(
        error instanceof MirrorError
          ? error
          : publishErrors.create('NOT_STARTED', undefined, { cause: error }),
      );
    }
  }

  private async refreshInitSegments(): Promise<void> {
    if (!this.opened) return;
    await this.opened;
    const { clock } = this.dependencies;
    const deadlineMs = clock.nowMs() + this.limits.initSegmentRefreshMs / 2;
    for (const track of TRACKS) {
      const result = await this.tryHard((signal) => storeInitSegment(this.dependencies, track, signal), {
        deadlineMs,
        onFailure: (error) => this.onStoreError(error),
      });
      if (result.kind === 'gave-up' && publishErrors.is(result.error, 'INIT_CONFLICT'))
        this.fail(result.error);
    }
  }

  private async store(part: PackagedPart, lane: Lane, givenAtMs: number): Promise<Stored> {
    const { bytes } = part;
    if (!bytes) return 'gap';
    if (lane.partsInFlightCount >= this.limits.partsInFlightCount) {
      this.troubles.warn('part-dropped', undefined, {
        track: part.track,
        reason: 'too many parts are in flight',
      });
      return 'gap';
    }
    await this.opened;
    if (this.failure) return 'gap';
    const { store, streamId, clock } = this.dependencies;
    const putAtMs = clock.nowMs();
    const key = partKey(streamId, part.track, part);
    const result = await this.tryHard((signal) => putOnce(store, key, bytes, signal), {
      deadlineMs: givenAtMs + this.limits.putDeadlineMs,
      onFailure: (error) => this.onStoreError(error),
    });
    this.worstPutMs = Math.max(this.worstPutMs, clock.nowMs() - putAtMs);
    if (result.kind === 'gave-up') return 'gap';
    return result.value;
  }

  private async announceAfter(
    previous: Promise<void>,
    part: PackagedPart,
    { stored, givenAtMs }: { stored: Promise<Stored>; givenAtMs: number },
  ): Promise<void> {
    const outcome = await stored;
    await previous;
    await this.opened;
    if (this.failure) return;
    if (outcome === 'taken') this.onTaken(part, 'its key in the media store');
    if (this.failure) return;
    await this.announce(part, { gap: outcome !== 'stored', givenAtMs });
    if (!this.failure && outcome !== 'taken') this.dependencies.onPassed?.(part);
  }

  private async announce(
    part: PackagedPart,
    { gap, givenAtMs }: { gap: boolean; givenAtMs: number },
  ): Promise<void> {
    const { clock } = this.dependencies;
    let mayHaveLanded = false;
    const result = await this.tryHard(
      async () => {
        const answer = await this.append(part, gap);
        return answer === 'duplicate' && !mayHaveLanded ? 'taken' : 'appended';
      },
      {
        deadlineMs: givenAtMs + this.limits.announceDeadlineMs,
        // The live edge tries again by itself, in its order: asking twice would only make it longer.
        attemptTimeoutMs: this.limits.announceDeadlineMs,
        onFailure: (error) => {
          mayHaveLanded = true;
          this.onLiveEdgeError(error);
        },
      },
    );
    if (gap || result.kind === 'gave-up') this.count.gapCount += 1;
    if (result.kind === 'gave-up') return;
    if (result.value === 'taken') {
      // A gap that another runner filled is no sign of trouble of its own.
      if (!gap) this.onTaken(part, 'its place in the live edge');
      return;
    }
    if (gap) return;
    this.takenInSuccessionCount = 0;
    this.count.publishedPartCount += 1;
    const latencyMs = clock.nowMs() - part.encodedAtMs;
    this.worstLatencyMs = Math.max(this.worstLatencyMs, latencyMs);
    this.dependencies.onAnnounced?.(part, latencyMs);
  }

  private async append(part: PackagedPart, gap: boolean): Promise<'appended' | 'duplicate'> {
    const { liveEdge, streamId } = this.dependencies;
    try {
      return await liveEdge.append(streamId, part.track, entryOf(part, gap));
    } catch (error) {
      // The adapters open a stream anew by themselves when the live edge lost its data. This is on purpose.
      if (error instanceof MirrorError && error.code === LIVE_EDGE_NOT_OPEN)
        this.fail(publishErrors.create('STREAM_REMOVED', undefined, { cause: error }));
      throw error;
    }
  }

  private onTaken(part: PackagedPart, what: string): void {
    this.count.takenPartCount += 1;
    this.takenInSuccessionCount += 1;
    const established = this.count.publishedPartCount >= this.limits.establishedPartCount;
    const where = `Part ${part.mediaSequenceNumber}.${part.partIndex} of ${part.track}: another runner has ${what}.`;
    if (established && this.takenInSuccessionCount <= this.limits.takenPartCount) {
      this.troubles.warn('part-taken-by-another-runner', undefined, { track: part.track, detail: where });
      return;
    }
    this.fail(publishErrors.create('SECOND_RUNNER', where));
  }

  private onStoreError(error: unknown): void {
    this.count.storeErrorCount += 1;
    this.troubles.warn('store-failed', error);
  }

  private onLiveEdgeError(error: unknown): void {
    this.count.liveEdgeErrorCount += 1;
    this.troubles.warn('announcement-failed', error);
  }

  private fail(error: MirrorError): void {
    if (this.failure) return;
    this.failure = error;
    this.stopping.abort();
    this.onFailure?.(error);
  }

  private tryHard<Value>(
    attempt: (signal: AbortSignal) => Promise<Value>,
    options: { deadlineMs: number; attemptTimeoutMs?: number; onFailure: (error: unknown) => void },
  ) {
    return retry(
      attempt,
      { ...this.limits, ...options },
      {
        nowMs: () => this.dependencies.clock.nowMs(),
        signal: this.stopping.signal,
        onFailure: options.onFailure,
        isRetryable: (error) => !(error instanceof MirrorError) || error.retryable,
      },
    );
  }
}

function entryOf(part: PackagedPart, gap: boolean): PartEntry {
  return {
    mediaSequenceNumber: part.mediaSequenceNumber,
    partIndex: part.partIndex,
    durationTicks: part.durationTicks,
    independent: part.independent && !gap,
    byteCount: gap ? 0 : (part.bytes?.byteLength ?? 0),
    gap,
  };
}
