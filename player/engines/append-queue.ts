/** Feeds one SourceBuffer in order, and keeps it from growing. */
import { type AnySource, makeSource, type SourceClasses } from './media-source.ts';

/** Kept behind the playhead. */
const BACK_BUFFER_S = 3;
/** Removed in steps of at least this, since each removal makes the appends wait. */
const REMOVE_STEP_S = 3;
/** Bytes that wait for the SourceBuffer: about a minute of media. More means that it has stopped taking any. */
const QUEUED_BYTES_MAX = 4 * 1024 * 1024;

export interface AppendQueueOptions {
  readonly media: HTMLMediaElement;
  readonly mimeType: string;
  readonly onAppended: () => void;
  readonly signal: AbortSignal;
}

export class AppendQueue {
  readonly #media: HTMLMediaElement;
  readonly #source: MediaSource;
  readonly #any: AnySource;
  readonly #buffer: SourceBuffer;
  #waiting: Uint8Array<ArrayBuffer>[] = [];
  #waitingByteCount = 0;
  #cutAfter: number | undefined;
  #problem: string | undefined;

  private constructor(options: AppendQueueOptions, any: AnySource, buffer: SourceBuffer) {
    this.#media = options.media;
    this.#any = any;
    this.#source = any.source;
    this.#buffer = buffer;
    buffer.addEventListener('updateend', () => {
      options.onAppended();
      this.#next();
    });
    buffer.addEventListener('error', () => (this.#problem ??= 'the media is broken'));
  }

  /** @throws Error when this browser cannot play the type. */
  static async open(options: AppendQueueOptions): Promise<AppendQueue> {
    const { media, mimeType, signal } = options;
    const classes: SourceClasses = globalThis;
    const any = makeSource(media, classes);
    const { source } = any;
    const url = URL.createObjectURL(source);
    media.src = url;
    await new Promise<void>((resolve, reject) => {
      source.addEventListener('sourceopen', () => resolve(), { once: true });
      signal.addEventListener('abort', () => reject(new Error('closed')), { once: true });
    });
    URL.revokeObjectURL(url);
    source.duration = Number.POSITIVE_INFINITY;
    return new AppendQueue(options, any, source.addSourceBuffer(mimeType));
  }

  /** In words, once the browser has refused something. */
  get problem(): string | undefined {
    return this.#problem ?? this.#media.error?.message;
  }

  /** @param timestampOffsetS added to the media's own time, which counts from EPOCH. */
  begin(init: Uint8Array<ArrayBuffer>, timestampOffsetS: number): void {
    this.#buffer.timestampOffset = timestampOffsetS;
    this.append(init);
  }

  append(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#waitingByteCount + bytes.byteLength > QUEUED_BYTES_MAX) {
      this.#problem ??= 'it takes no more media';
      return;
    }
    this.#waiting.push(bytes);
    this.#waitingByteCount += bytes.byteLength;
    this.#next();
  }

  /** False while the browser has all the media that it wants for now. */
  get isWanted(): boolean {
    return this.#any.isWanted();
  }

  /** Ends when the browser wants media, at once in most browsers, or with the signal. */
  untilWanted(signal: AbortSignal): Promise<void> {
    if (this.isWanted || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      this.#any.onWanted(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  /** The bytes appended so far end in the middle of a box, and nothing continues them. */
  cut(): void {
    this.#cutAfter = this.#waiting.length;
    this.#next();
  }

  close(): void {
    this.#waiting = [];
    this.#waitingByteCount = 0;
    if (this.#media.src !== '') {
      this.#media.removeAttribute('src');
      this.#media.load();
    }
  }

  #next(): void {
    if (this.#buffer.updating || this.#source.readyState !== 'open') return;
    try {
      if (this.#cutAfter === 0) {
        this.#cutAfter = undefined;
        this.#buffer.abort();
      }
      const bytes = this.#waiting.shift();
      if (bytes) {
        this.#waitingByteCount -= bytes.byteLength;
        if (this.#cutAfter !== undefined) this.#cutAfter -= 1;
        this.#buffer.appendBuffer(bytes);
      } else {
        this.#forgetThePast();
      }
    } catch (error) {
      this.#problem ??= error instanceof Error ? error.message : String(error);
    }
  }

  #forgetThePast(): void {
    const { buffered } = this.#buffer;
    if (buffered.length === 0) return;
    const keptFromS = this.#media.currentTime - BACK_BUFFER_S;
    if (keptFromS - buffered.start(0) > REMOVE_STEP_S) this.#buffer.remove(0, keptFromS);
  }
}
