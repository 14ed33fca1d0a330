/**
 * One stream from its feed to its parts: ingest -> transcode -> package -> publish, and record when asked.
 * The one place where the runner's parts meet; each knows only the types of media.ts.
 */
import { joinInitSegments } from '../domain/cmaf/join-init-segments.ts';
import { MirrorError, messageOf } from '../domain/errors.ts';
import type { LiveEdgeWriter } from '../domain/live-edge.ts';
import type { Log } from '../domain/log.ts';
import type { MediaStoreReader, MediaStoreWriter, ObjectWriter } from '../domain/media-store.ts';
import { pause } from '../domain/pause.ts';
import type { Profile } from '../domain/profile.ts';
import type { RunnerSpec, RunnerStatus } from '../domain/stream.ts';
import type { Clock } from '../domain/timeline.ts';
import { runnerErrors } from './errors.ts';
import { FeedIngest } from './ingest/feed-ingest.ts';
import type { EncodedFrame, EncoderConfig, PackagedPart, SourceEvent } from './media.ts';
import { Packager } from './packager/packager.ts';
import { findEarlierLife } from './publish/earlier-life.ts';
import { Publisher } from './publish/publisher.ts';
import { errorFields, RateLimitedLog } from './rate-limited-log.ts';
import { Recorder } from './recording/recorder.ts';
import { Transcoder } from './transcode/transcoder.ts';

/** A status is reported this often, and at each change of state. */
const STATUS_INTERVAL_MS = 1_000;
/** How often a change of state is looked for. */
const STATE_CHECK_INTERVAL_MS = 100;
const LOG_INTERVAL_MS = 10_000;

export interface RunnerDependencies {
  readonly spec: RunnerSpec;
  readonly profile: Profile;
  readonly clock: Clock;
  readonly log: Log;
  readonly store: MediaStoreWriter & MediaStoreReader;
  readonly liveEdge: LiveEdgeWriter;
  /** Where the recording goes, if the spec asks for one. */
  readonly recordings?: ObjectWriter & MediaStoreReader;
  /** Told about once a second; must not throw. */
  readonly onStatus: (status: RunnerStatus) => void;
  /** Called for each announced part, for measurements. */
  readonly onAnnounced?: (part: PackagedPart, latencyMs: number) => void;
}

export class Runner {
  private readonly dependencies: RunnerDependencies;
  private readonly ingest: FeedIngest;
  private readonly transcoder: Transcoder;
  private readonly troubles: RateLimitedLog;
  /** Ends the inputs: no more frames after it. */
  private readonly inputs = new AbortController();
  /** Ends the outputs, once the last frame is out. */
  private readonly outputs = new AbortController();
  private packager: Packager | undefined;
  private publisher: Publisher | undefined;
  private recorder: Recorder | undefined;
  private publishing: Promise<void> = Promise.resolve();
  private earlierLife: ReturnType<typeof findEarlierLife> = Promise.resolve(undefined);
  private failure: { readonly error: unknown } | undefined;
  private badFrameCount = 0;
  private remoteAddress: string | undefined;
  private lastState: RunnerStatus['state'] | undefined;
  private lastStatusAtMs = 0;

  constructor(dependencies: RunnerDependencies) {
    const { spec, profile, clock, log } = dependencies;
    this.dependencies = dependencies;
    this.troubles = new RateLimitedLog({ log, clock, intervalMs: LOG_INTERVAL_MS });
    this.ingest = new FeedIngest({ ingest: spec.ingest, clock, log });
    this.transcoder = new Transcoder({
      profile,
      hardware: spec.hardware,
      signalLoss: spec.signalLoss,
      clock,
      log,
      sink: { onConfig: (config) => this.onConfig(config), onFrame: (frame) => this.onFrame(frame) },
    });
  }

  /**
   * Runs until the signal aborts; then the frames that are in the encoders still become parts.
   *
   * @param options.isEnded asked after the last part: true when the operator stopped the stream, so that its
   * playlists end. A crash, a restart or a move to another host must answer false.
   * @throws the first cause that ended it: `PUBLISH_*`, `PACKAGER_*`, `INGEST_*`, `TRANSCODE_*`.
   */
  async run({
    signal,
    isEnded,
  }: {
    signal: AbortSignal;
    isEnded: () => boolean | Promise<boolean>;
  }): Promise<void> {
    const onAbort = () => this.inputs.abort();
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    this.earlierLife = this.lookForEarlierLife();
    const statusTimer = setInterval(() => this.reportStatus(), STATE_CHECK_INTERVAL_MS);
    try {
      await Promise.all([
        this.untilStopped(
          'ingest',
          this.ingest.run(this.inputs.signal, (event) => this.onSource(event)),
        ),
        this.untilStopped('transcoder', this.transcoder.run(this.inputs.signal)),
      ]);
      this.outputs.abort();
      await this.publishing;
      const ended = !this.failure && (await isEnded());
      await Promise.all([ended && this.publisher?.end(), this.recorder?.finish(ended)]);
    } finally {
      clearInterval(statusTimer);
      signal.removeEventListener('abort', onAbort);
    }
    if (this.failure) {
      this.reportStatus(messageOf(this.failure.error));
      throw this.failure.error;
    }
  }

  /** Never rejects: without an earlier life the stream waits for its feed, as after its first start. */
  private async lookForEarlierLife(): ReturnType<typeof findEarlierLife> {
    const { spec, profile, store, clock } = this.dependencies;
    const { streamId, startedAtMs } = spec;
    if (startedAtMs === undefined) return undefined;
    const { signal } = this.inputs;
    try {
      return await findEarlierLife({ streamId, profile, store, clock, startedAtMs, sleep: pause, signal });
    } catch (error) {
      if (!signal.aborted) this.troubles.warn('earlier-life-unknown', error);
      return undefined;
    }
  }

  /** Viewers of a stream whose runner died see NO SIGNAL, and not nothing, until its encoder connects again. */
  private async goOn(): Promise<void> {
    const earlier = await this.earlierLife;
    if (!earlier || this.inputs.signal.aborted) return;
    try {
      await this.transcoder.goOn(earlier.video);
      const silenceMs = Math.round(this.dependencies.clock.nowMs() - earlier.endedAtMs);
      this.dependencies.log.info('went-on-after-restart', { silenceMs });
    } catch (error) {
      this.troubles.warn('last-picture-lost', error);
    }
  }

  /** A part of the runner that ends by itself ends all of it. */
  private async untilStopped(name: string, work: Promise<void>): Promise<void> {
    try {
      await work;
      if (!this.inputs.signal.aborted) this.fail(runnerErrors.create('ENDED_EARLY', `It was the ${name}.`));
    } catch (error) {
      this.fail(error);
    }
  }

  private fail(error: unknown): void {
    this.failure ??= { error };
    this.inputs.abort();
  }

  private onSource(event: SourceEvent): void {
    if (event.kind === 'connected') this.remoteAddress = event.remoteAddress;
    this.transcoder.handle(event);
  }

  private onConfig(encoder: EncoderConfig): void {
    const { spec, profile, clock, log, store, liveEdge, recordings, onAnnounced } = this.dependencies;
    const packager = new Packager({ profile, encoder });
    const common = { streamId: spec.streamId, profile, clock, log };
    this.packager = packager;
    if (spec.record && recordings) {
      const initSegment = joinInitSegments(packager.initSegments.video, packager.initSegments.audio);
      this.recorder = new Recorder({ ...common, store: recordings, initSegment });
    }
    this.publisher = new Publisher({
      ...common,
      store,
      liveEdge,
      initSegments: packager.initSegments,
      streamInfo: (first) => packager.streamInfo(first),
      // By way of the publisher, so that a runner which yields to another records nothing.
      onPassed: (part) => this.recorder?.take(part),
      ...(onAnnounced ? { onAnnounced } : {}),
    });
    this.publishing = this.publisher.run(this.outputs.signal).catch((error: unknown) => this.fail(error));
    void this.goOn();
  }

  private onFrame(frame: EncodedFrame): void {
    try {
      const parts = this.packager?.push(frame, this.dependencies.clock.nowMs()) ?? [];
      for (const part of parts) this.publisher?.publish(part);
    } catch (error) {
      this.badFrameCount += 1;
      if (error instanceof MirrorError && error.retryable) this.troubles.warn('bad-frame', error);
      else this.fail(error);
    }
  }

  /** @param failure why the runner ends, when it does not end as asked. */
  private reportStatus(failure?: string): void {
    const nowMs = this.dependencies.clock.nowMs();
    const { state, reason, hardware, source, ...transcoded } = this.transcoder.status();
    const reported = failure === undefined ? state : 'failed';
    if (reported === this.lastState && nowMs - this.lastStatusAtMs < STATUS_INTERVAL_MS) return;
    if (reported !== this.lastState)
      this.dependencies.log.info('state', { state: reported, reason: failure ?? reason });
    this.lastState = reported;
    this.lastStatusAtMs = nowMs;
    const published = this.publisher?.counters;
    const { refusedFeed } = this.ingest;
    this.dependencies.onStatus({
      streamId: this.dependencies.spec.streamId,
      state: reported,
      reason: failure ?? reason,
      atMs: Math.round(nowMs),
      hardware,
      ...(source === undefined
        ? {}
        : {
            source: {
              ...source,
              ...(this.remoteAddress === undefined ? {} : { remoteAddress: this.remoteAddress }),
            },
          }),
      ...(refusedFeed === undefined ? {} : { refusedFeed }),
      counters: {
        ...this.ingest.counters,
        decodeErrorCount: transcoded.decodeErrorCount + this.badFrameCount,
        repeatedFrameCount: transcoded.repeatedFrameCount,
        droppedFrameCount: transcoded.droppedFrameCount,
        timestampJumpCount: transcoded.timestampJumpCount,
        publishedPartCount: published?.publishedPartCount ?? 0,
        gapCount: published?.gapCount ?? 0,
        storeErrorCount: published?.storeErrorCount ?? 0,
        partLatencyMs: this.publisher?.takeWorstLatencyMs() ?? 0,
        putLatencyMs: this.publisher?.takeWorstPutMs() ?? 0,
        ...this.recorder?.counters,
      },
    });
  }
}

/** The fields of a log line for the error that ended a runner. */
export const endFields = errorFields;
