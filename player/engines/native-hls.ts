/**
 * The browser's own HLS player as an engine: where a page may bring no media by itself (iPhones before iOS 17.1).
 * The browser chooses what to load and where to begin; the pane corrects it as far as the browser tells where
 * it is: `getStartDate()` (HTML, "timeline offset") is the instant at media time 0, from the playlist's
 * EXT-X-PROGRAM-DATE-TIME. Signatures are in cookies, since such a player asks by itself for everything that a
 * playlist names.
 */
import { playlistFile } from '../../domain/hls/playlist-variables.ts';
import {
  type Engine,
  type EngineCounters,
  type EngineFailure,
  type EngineOptions,
  failureOfAnswer,
} from './engine.ts';

export const HLS_TYPE = 'application/vnd.apple.mpegurl';

/** MediaError codes (HTML, 4.8.11.1). */
const MEDIA_ERR_NETWORK = 2;
const MEDIA_ERR_SRC_NOT_SUPPORTED = 4;

export class NativeHlsEngine implements Engine {
  readonly name = 'native-hls';
  readonly placesItself = true;
  /** What such a player asks for is not ours to see. */
  readonly counters: EngineCounters = { requestCount: 0, byteCount: 0 };
  readonly #options: EngineOptions;
  readonly #ending = new AbortController();

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  start(): void {
    const { media, onMedia, onFailed } = this.#options;
    const { signal } = this.#ending;
    media.addEventListener('progress', onMedia, { signal });
    media.addEventListener('ended', () => onFailed({ kind: 'ended', reason: 'The stream has ended.' }), {
      signal,
    });
    media.addEventListener('error', () => void this.#onError(), { signal });
    // Chromium's player, when it is to load and only later to play, suspends itself between its first segments, and in
    // one start of ten it lost them (DEMUXER_ERROR_COULD_NOT_PARSE).
    media.autoplay = true;
    media.src = this.#playlistUrl;
    media.load();
  }

  get zeroInstantMs(): number | undefined {
    const { media } = this.#options;
    if (!('getStartDate' in media) || typeof media.getStartDate !== 'function') return undefined;
    const date: unknown = media.getStartDate();
    if (!(date instanceof Date)) return undefined;
    const zeroMs = date.getTime();
    return Number.isNaN(zeroMs) ? undefined : zeroMs;
  }

  destroy(): void {
    this.#ending.abort();
    const { media } = this.#options;
    media.autoplay = false;
    media.removeAttribute('src');
    media.load();
  }

  get #access(): 'open' | 'cookies' {
    return (this.#options.signedQuery?.() ?? '') === '' ? 'open' : 'cookies';
  }

  get #playlistUrl(): string {
    const { streamUrl, rendition } = this.#options;
    return `${streamUrl}${playlistFile(rendition, this.#access)}`;
  }

  async #onError(): Promise<void> {
    const { error } = this.#options.media;
    const unplayable: EngineFailure = {
      kind: 'unplayable',
      reason: `This browser’s own player cannot play the stream (${error?.message || 'it gives no reason'}).`,
    };
    // A playlist that is not there yet looks like a network that fails, or like a format that is not known.
    const isUnclear = error?.code === MEDIA_ERR_NETWORK || error?.code === MEDIA_ERR_SRC_NOT_SUPPORTED;
    const failure = isUnclear ? ((await this.#withoutPlaylist()) ?? unplayable) : unplayable;
    if (!this.#ending.signal.aborted) this.#options.onFailed(failure);
  }

  /** @returns undefined when the playlist is there: then it is the player that fails. */
  async #withoutPlaylist(): Promise<EngineFailure | undefined> {
    const { signal } = this.#ending;
    const credentials = this.#access === 'cookies' ? 'include' : 'same-origin';
    const response = await fetch(this.#playlistUrl, { signal, credentials }).catch(() => undefined);
    return response ? failureOfAnswer(response) : { kind: 'broken', reason: 'The server does not answer.' };
  }
}
