/** Requests for media, each with its own patience, all of them ended together. */
import { signedUrl } from './engine.ts';

/** One request under way. */
export interface MediaRequest {
  /** By the server's clock, Unix ms. */
  readonly askedAtMs: number;
  /** Undefined when the server could not be reached or took too long. */
  readonly response: Promise<Response | undefined>;
  /** Gives the next bytes so much time from now. */
  readonly patience: (ms: number) => void;
  readonly abort: () => void;
  /** Stops its clock once it is answered. */
  readonly release: () => void;
}

/** What failed is asked for again after the first of these; each time that nobody answers, after longer. */
export const RETRY_MIN_MS = 100;
export const RETRY_MAX_MS = 1_000;
const RETRY_GROWTH = 1.5;

export class Requests {
  readonly #serverNowMs: () => number;
  readonly #signedQuery: (() => string) | undefined;
  readonly #signal: AbortSignal;
  #count = 0;
  /** In a row: the network is gone, or nobody listens at the server's port. */
  #unreachedCount = 0;

  constructor(options: {
    readonly serverNowMs: () => number;
    readonly signedQuery?: (() => string) | undefined;
    readonly signal: AbortSignal;
  }) {
    this.#serverNowMs = options.serverNowMs;
    this.#signedQuery = options.signedQuery;
    this.#signal = options.signal;
  }

  get count(): number {
    return this.#count;
  }

  /** How long to wait before what failed is asked for again. Pages must not storm a server that is coming back. */
  get retryMs(): number {
    return Math.min(RETRY_MAX_MS, RETRY_MIN_MS * RETRY_GROWTH ** this.#unreachedCount);
  }

  ask(url: string, patienceMs: number): MediaRequest {
    const abort = new AbortController();
    const end = () => abort.abort();
    let timer = setTimeout(end, patienceMs);
    this.#signal.addEventListener('abort', end, { once: true });
    this.#count += 1;
    const release = () => {
      clearTimeout(timer);
      this.#signal.removeEventListener('abort', end);
    };
    return {
      askedAtMs: this.#serverNowMs(),
      response: fetch(signedUrl(url, this.#signedQuery?.()), { signal: abort.signal }).then(
        (response) => {
          this.#unreachedCount = 0;
          return response;
        },
        () => {
          if (!abort.signal.aborted) this.#unreachedCount += 1;
          return undefined;
        },
      ),
      patience: (ms) => {
        clearTimeout(timer);
        timer = setTimeout(end, ms);
      },
      abort: () => {
        release();
        abort.abort();
      },
      release,
    };
  }
}
