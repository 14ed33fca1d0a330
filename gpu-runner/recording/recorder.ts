/**
 * Records one stream as it goes: objects first, then the playlist that names them, so that what is recorded
 * is playable while the stream runs and after a crash. At most the object in the making is lost in a crash.
 *
 * A runner that starts again continues the recording of the one before it, if that one was not finished and
 * is not long ago; otherwise it begins a new one.
 */
import { messageOf } from '../../domain/errors.ts';
import type { Log } from '../../domain/log.ts';
import type { MediaStoreReader, ObjectWriter } from '../../domain/media-store.ts';
import type { Profile } from '../../domain/profile.ts';
import {
  latestRecordingKey,
  latestRecordingSchema,
  RECORDING_FINISHED,
  RECORDING_INIT,
  RECORDING_LIST_COUNT_MAX,
  RECORDING_PLAYLIST,
  recordingListKey,
  recordingListSchema,
  recordingName,
  recordingPrefix,
} from '../../domain/recording.ts';
import type { Clock } from '../../domain/timeline.ts';
import type { PackagedPart } from '../media.ts';
import { RateLimitedLog } from '../rate-limited-log.ts';
import { retry } from '../retry.ts';
import { type AssembledObject, ObjectAssembler } from './object-assembler.ts';
import {
  parseRecordingPlaylist,
  type RecordedObject,
  renderRecordingPlaylist,
} from './recording-playlist.ts';

export const RECORDING_LIMITS = {
  /** Objects that wait for the store, some 350 kB each. What comes beyond them is lost. */
  waitingObjectCount: 5,
  /** One object may take this long; the stream is not held up by it. */
  writeDeadlineMs: 30_000,
  attemptTimeoutMs: 10_000,
  firstBackoffMs: 250,
  backoffFactor: 2,
  /** A recording that stopped longer ago is finished, and a new one is begun. */
  resumeWithinMs: 10 * 60_000,
  /** A playlist names at most this many objects, six hours; then a new recording is begun. */
  objectsPerRecordingCount: 3_600,
  /** How long a stop waits for what is left. */
  finishDeadlineMs: 6_000,
  logIntervalMs: 10_000,
} as const;

/** How long caches may keep a playlist that grows; one object is 6 s. */
const LIVE_PLAYLIST_CACHE = 'public, max-age=2';
const FOREVER_CACHE = 'public, max-age=31536000, immutable';

export interface RecorderDependencies {
  readonly streamId: string;
  readonly profile: Profile;
  readonly store: ObjectWriter & MediaStoreReader;
  readonly clock: Clock;
  readonly log: Log;
  /** With both tracks. */
  readonly initSegment: Uint8Array;
}

interface Recording {
  readonly name: string;
  readonly objects: RecordedObject[];
}

export class Recorder {
  private readonly dependencies: RecorderDependencies;
  private readonly assembler: ObjectAssembler;
  private readonly troubles: RateLimitedLog;
  private readonly stopping = new AbortController();
  /** Settles when everything given so far is written or given up. */
  private tail: Promise<void>;
  private waitingCount = 0;
  private recording: Recording | undefined;
  private readonly count = { recordedObjectCount: 0, lostObjectCount: 0 };

  constructor(dependencies: RecorderDependencies) {
    const { clock, log, profile } = dependencies;
    this.dependencies = dependencies;
    this.assembler = new ObjectAssembler(profile);
    this.troubles = new RateLimitedLog({ log, clock, intervalMs: RECORDING_LIMITS.logIntervalMs });
    this.tail = Promise.resolve();
  }

  get counters(): Readonly<typeof this.count> {
    return this.count;
  }

  /** Takes a part as the packager made it, whether or not it could be published. Returns at once. */
  take(part: PackagedPart): void {
    for (const object of this.assembler.take(part)) this.enqueue(object);
  }

  /**
   * Writes what is left.
   *
   * @param isEnded true when the operator stopped the stream: the recording is finished. Otherwise it is left
   * open for the runner that comes next.
   */
  async finish(isEnded: boolean): Promise<void> {
    const timer = setTimeout(() => this.stopping.abort(), RECORDING_LIMITS.finishDeadlineMs);
    for (const object of this.assembler.finish()) this.enqueue(object);
    await this.tail;
    if (isEnded && this.recording) await this.writePlaylist(this.recording, true);
    clearTimeout(timer);
  }

  private enqueue(object: AssembledObject): void {
    if (this.waitingCount >= RECORDING_LIMITS.waitingObjectCount) {
      this.lose(object, new Error('too many objects wait for the store'));
      return;
    }
    this.waitingCount += 1;
    this.tail = this.tail
      .then(() => this.record(object))
      .catch((error: unknown) => this.lose(object, error))
      .finally(() => {
        this.waitingCount -= 1;
      });
  }

  private lose(object: AssembledObject, error: unknown): void {
    this.count.lostObjectCount += 1;
    this.troubles.warn('recording-object-lost', error, { object: object.name });
  }

  private async record(object: AssembledObject): Promise<void> {
    const recording = await this.recordingFor(object);
    const { streamId } = this.dependencies;
    const key = recordingPrefix(streamId, recording.name) + object.name;
    await this.write(key, object.bytes, { contentType: 'video/mp4', cacheControl: FOREVER_CACHE });
    const { name, startMs, durationMs } = object;
    recording.objects.push({ name, startMs, durationMs });
    this.count.recordedObjectCount += 1;
    await this.writePlaylist(recording, false);
  }

  /** The recording that the object belongs to: the running one, the one of the runner before, or a new one. */
  private async recordingFor(object: AssembledObject): Promise<Recording> {
    const running = this.recording ?? (await this.resumable(object));
    if (running && running.objects.length < RECORDING_LIMITS.objectsPerRecordingCount) {
      this.recording = running;
      return running;
    }
    if (running) await this.writePlaylist(running, true);
    this.recording = await this.begin(object);
    return this.recording;
  }

  private async begin(first: AssembledObject): Promise<Recording> {
    const { streamId, initSegment, log } = this.dependencies;
    const recording = { name: recordingName(first.startMs), objects: [] };
    const prefix = recordingPrefix(streamId, recording.name);
    await this.write(prefix + RECORDING_INIT, initSegment, {
      contentType: 'video/mp4',
      cacheControl: FOREVER_CACHE,
    });
    await this.write(latestRecordingKey(streamId), textBytes(JSON.stringify({ name: recording.name })), {
      contentType: 'application/json',
      cacheControl: LIVE_PLAYLIST_CACHE,
    });
    await this.addToList(recording.name);
    log.info('recording-begun', { prefix });
    return recording;
  }

  /** A list that cannot be had costs no recording: it only names them. */
  private async addToList(name: string): Promise<void> {
    const key = recordingListKey(this.dependencies.streamId);
    try {
      const names = namesIn(await this.read(key));
      const list = { names: [...names.filter((one) => one !== name), name].slice(-RECORDING_LIST_COUNT_MAX) };
      await this.write(key, textBytes(JSON.stringify(list)), {
        contentType: 'application/json',
        cacheControl: LIVE_PLAYLIST_CACHE,
      });
    } catch (error) {
      this.troubles.warn('recording-list-not-written', error, { key });
    }
  }

  private async resumable(object: AssembledObject): Promise<Recording | undefined> {
    const { streamId, log } = this.dependencies;
    try {
      const found = await this.findLatest();
      if (!found || found.isFinished) return undefined;
      const last = found.recording.objects.at(-1);
      const endMs = last ? last.startMs + last.durationMs : Number.NEGATIVE_INFINITY;
      const isRecent = object.startMs - endMs <= RECORDING_LIMITS.resumeWithinMs && object.startMs >= endMs;
      if (isRecent && found.hasSameInit) {
        log.info('recording-continued', { prefix: recordingPrefix(streamId, found.recording.name) });
        return found.recording;
      }
      await this.writePlaylist(found.recording, true);
    } catch (error) {
      log.warn('recording-not-continued', { reason: messageOf(error) });
    }
    return undefined;
  }

  private async findLatest() {
    const { streamId, initSegment } = this.dependencies;
    const latest = await this.read(latestRecordingKey(streamId));
    if (!latest) return undefined;
    const { name } = latestRecordingSchema.parse(JSON.parse(Buffer.from(latest).toString('utf8')));
    const prefix = recordingPrefix(streamId, name);
    const [playlist, init] = await Promise.all([
      this.read(prefix + RECORDING_PLAYLIST),
      this.read(prefix + RECORDING_INIT),
    ]);
    if (!playlist || !init) return undefined;
    const { objects, isFinished } = parseRecordingPlaylist(Buffer.from(playlist).toString('utf8'));
    return { recording: { name, objects }, isFinished, hasSameInit: Buffer.compare(init, initSegment) === 0 };
  }

  /** A playlist that could not be written is made good by the next one, since each is written whole. */
  private async writePlaylist(recording: Recording, isFinished: boolean): Promise<void> {
    const key = recordingPrefix(this.dependencies.streamId, recording.name) + RECORDING_PLAYLIST;
    try {
      await this.write(key, textBytes(renderRecordingPlaylist(recording.objects, isFinished)), {
        contentType: 'application/vnd.apple.mpegurl',
        cacheControl: isFinished ? FOREVER_CACHE : LIVE_PLAYLIST_CACHE,
      });
      if (isFinished) await this.announceEnd(recording);
    } catch (error) {
      this.troubles.warn('recording-playlist-not-written', error, { key });
    }
  }

  /** What exports wait for: they begin by this object and never see a playlist that still grows. */
  private async announceEnd({ name, objects }: Recording): Promise<void> {
    const key = recordingPrefix(this.dependencies.streamId, name) + RECORDING_FINISHED;
    await this.write(key, textBytes(JSON.stringify({ name, objectCount: objects.length })), {
      contentType: 'application/json',
      cacheControl: FOREVER_CACHE,
    });
  }

  private async write(
    key: string,
    bytes: Uint8Array,
    options: { readonly contentType: string; readonly cacheControl: string },
  ): Promise<void> {
    await this.tryHard((signal) => this.dependencies.store.write(key, bytes, { ...options, signal }));
  }

  private read(key: string): Promise<Uint8Array | undefined> {
    return this.tryHard((signal) => this.dependencies.store.get(key, { signal }));
  }

  private async tryHard<Value>(attempt: (signal: AbortSignal) => Promise<Value>): Promise<Value> {
    const { clock } = this.dependencies;
    const result = await retry(
      attempt,
      { ...RECORDING_LIMITS, deadlineMs: clock.nowMs() + RECORDING_LIMITS.writeDeadlineMs },
      {
        nowMs: () => clock.nowMs(),
        signal: this.stopping.signal,
        onFailure: (error) => this.troubles.warn('recording-store-failed', error),
        isRetryable: () => true,
      },
    );
    if (result.kind === 'gave-up') throw result.error;
    return result.value;
  }
}

/** None where there is no list yet, or one that cannot be read: it is written anew. */
function namesIn(list: Uint8Array | undefined): readonly string[] {
  if (!list) return [];
  try {
    return recordingListSchema.parse(JSON.parse(Buffer.from(list).toString('utf8'))).names;
  } catch {
    return [];
  }
}

function textBytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
