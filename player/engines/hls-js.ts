/**
 * hls.js as an engine, with the settings that parts of 100 ms need. hls.js has its own way to hold a latency;
 * it is left off, because ours holds all panes to one instant.
 */
import HlsJs, { type ErrorData, ErrorDetails, ErrorTypes, Events, type HlsConfig } from 'hls.js';
import { EPOCH_MS } from '../../domain/timeline.ts';
import { type Engine, type EngineCounters, type EngineOptions, signedUrl } from './engine.ts';

/** Kept behind the playhead, and twice as much before it is cut. Live panes never go back further than a correction. */
const BACK_BUFFER_S = 4;
/** Of the fragment tracker; hls.js has 0.2 hard-coded, see `tightenFragmentTracker`. */
export const BUFFER_PADDING_S = 0.02;

export const HLS_CONFIG: Partial<HlsConfig> = {
  lowLatencyMode: true,
  // Without it the duration is rewritten with every part, and each change is an event for the whole page.
  liveDurationInfinity: true,
  // A playhead within 0.25 s of a segment's end counts as being in the next one: half of ours.
  maxFragLookUpTolerance: 0.01,
  // See `#forgetPlayed`.
  backBufferLength: Infinity,
  maxBufferLength: 6,
  maxLiveSyncPlaybackRate: 1,
  liveSyncOnStallIncrease: 0,
  // Passing fMP4 through is too little work to be worth a trip to a worker and back for each part.
  enableWorker: false,
  // One rendition: measuring bandwidth to choose has no use.
  testBandwidth: false,
  startFragPrefetch: true,
  // It forgets what it has read of a caption with each part that it asks for; the pane reads them from the bytes.
  enableCEA708Captions: false,
  // A pane makes a new engine when this one fails, so that these only bridge a hiccup.
  manifestLoadPolicy: retrying(4_000),
  playlistLoadPolicy: retrying(6_000),
  fragLoadPolicy: retrying(6_000),
};

function retrying(timeoutMs: number) {
  const retry = { maxNumRetry: 3, retryDelayMs: 150, maxRetryDelayMs: 600 };
  return {
    default: {
      maxTimeToFirstByteMs: timeoutMs,
      maxLoadTimeMs: timeoutMs,
      timeoutRetry: { ...retry, maxNumRetry: 1 },
      errorRetry: retry,
    },
  };
}

/**
 * hls.js counts a segment as complete when at most 0.2 s of it are missing: with parts of 0.1 s that is a
 * segment without its last part, which it then never asks for. The value is a private field, pinned by a test.
 *
 * @returns false when this release of hls.js has no such field.
 */
export function tightenFragmentTracker(hls: object): boolean {
  const controller: unknown = Reflect.get(hls, 'streamController');
  if (typeof controller !== 'object' || controller === null) return false;
  const tracker: unknown = Reflect.get(controller, 'fragmentTracker');
  if (typeof tracker !== 'object' || tracker === null) return false;
  if (typeof Reflect.get(tracker, 'bufferPadding') !== 'number') return false;
  return Reflect.set(tracker, 'bufferPadding', BUFFER_PADDING_S);
}

/**
 * hls.js fills the playlist's variables from the playlist's own address (EXT-X-DEFINE:QUERYPARAM), which it
 * keeps for as long as it plays. What is signed already is signed anew here; what is not stays as it is.
 */
export function withNewestSignature(url: string, query: string | undefined): string {
  if (!query || !url.includes('Signature=')) return url;
  const renewed = new URL(url);
  for (const [name, value] of new URLSearchParams(query)) renewed.searchParams.set(name, value);
  return renewed.href;
}

export class HlsJsEngine implements Engine {
  readonly name = 'hls.js';
  readonly #options: EngineOptions;
  readonly #hls: HlsJs;
  #zeroInstantMs: number | undefined;
  #requestCount = 0;
  #byteCount = 0;
  #mediaErrorCount = 0;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#hls = new HlsJs({
      ...HLS_CONFIG,
      lowLatencyMode: options.plan().taken === 'as-it-grows',
      liveSyncDuration: options.startLatencyMs / 1000,
      xhrSetup: (xhr, url) => {
        const newest = withNewestSignature(url, options.signedQuery?.());
        if (newest !== url) xhr.open('GET', newest, true);
      },
    });
  }

  start(): void {
    const hls = this.#hls;
    if (!tightenFragmentTracker(hls)) {
      this.#options.onFailed({ kind: 'unsupported', reason: 'This page was built with another hls.js.' });
      return;
    }
    hls.on(Events.INIT_PTS_FOUND, (_event, { initPTS, timescale }) => {
      this.#zeroInstantMs = EPOCH_MS + (initPTS * 1000) / timescale;
    });
    hls.on(Events.BUFFER_APPENDED, () => this.#options.onMedia());
    hls.on(Events.FRAG_BUFFERED, () => this.#forgetPlayed());
    hls.on(Events.FRAG_LOADED, (_event, { frag, payload }) => {
      this.#requestCount += 1;
      this.#byteCount += payload.byteLength;
      if (frag.sn === 'initSegment') return;
      this.#options.onBytes?.(undefined);
      this.#options.onBytes?.(new Uint8Array(payload));
    });
    hls.on(Events.LEVEL_LOADED, (_event, { details, stats }) => {
      // Without it hls.js takes whole segments; what it holds of parts plays on.
      hls.lowLatencyMode = this.#options.plan().taken === 'as-it-grows';
      this.#requestCount += 1;
      this.#byteCount += stats.loaded;
      if (!details.live) this.#options.onFailed({ kind: 'ended', reason: 'The stream has ended.' });
    });
    hls.on(Events.ERROR, (_event, data) => this.#onError(data));
    const { streamUrl, rendition, media, signedQuery } = this.#options;
    hls.loadSource(signedUrl(`${streamUrl}${rendition}.m3u8`, signedQuery?.()));
    hls.attachMedia(media);
  }

  get zeroInstantMs(): number | undefined {
    return this.#zeroInstantMs;
  }

  get counters(): EngineCounters {
    return { requestCount: this.#requestCount, byteCount: this.#byteCount };
  }

  destroy(): void {
    this.#hls.destroy();
  }

  /**
   * Takes what was played from the buffer, between two parts. hls.js does it at any moment, and then forgets of a part
   * that is on its way into the buffer just then that it has it (FragmentTracker.detectEvictedFragments): it neither
   * asks for the next part nor again for that one, for the two seconds until the playlist lists it no more.
   */
  #forgetPlayed(): void {
    const hls = this.#hls;
    const { buffered, currentTime } = this.#options.media;
    if (buffered.length === 0 || hls.inFlightFragments.main.state !== 'IDLE') return;
    const endS = currentTime - BACK_BUFFER_S;
    if (endS - buffered.start(0) < BACK_BUFFER_S) return;
    hls.pauseBuffering();
    hls.once(Events.BUFFER_FLUSHED, () => hls.resumeBuffering());
    hls.trigger(Events.BUFFER_FLUSHING, { startOffset: 0, endOffset: endS, type: null });
  }

  #onError(data: ErrorData): void {
    // hls.js waits for another track that it could add; ours has no other.
    const cannotAdd = data.details === ErrorDetails.BUFFER_ADD_CODEC_ERROR;
    if (!data.fatal && !cannotAdd) return;
    const status = data.response?.code;
    if (data.details === ErrorDetails.MANIFEST_LOAD_ERROR && (status === 404 || status === 503)) {
      this.#options.onFailed({ kind: 'not-there', reason: 'The stream has no picture yet.' });
    } else if (data.type === ErrorTypes.MEDIA_ERROR && !cannotAdd && this.#mediaErrorCount === 0) {
      this.#mediaErrorCount += 1;
      this.#hls.recoverMediaError();
    } else if (status === 403) {
      const reason = 'The server does not let this page watch the stream.';
      this.#options.onFailed({ kind: 'refused', reason });
    } else {
      const kind = data.type === ErrorTypes.MEDIA_ERROR ? 'unplayable' : 'broken';
      this.#options.onFailed({ kind, reason: inWords(data) });
    }
  }
}

function inWords(data: ErrorData): string {
  if (data.type === ErrorTypes.NETWORK_ERROR) return 'The server does not answer.';
  return `The browser could not play on (${data.details}).`;
}
