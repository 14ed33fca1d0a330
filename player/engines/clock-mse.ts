/**
 * Our own engine. The timeline is the wall clock, so the address of the next segment follows from a clock and
 * no playlist is read. A segment that is still being made is one request, answered as its parts appear: two
 * requests a second at the latency of parts. Where something on the way holds such answers back until they
 * are whole, it asks for the parts one by one instead.
 */
import { EPOCH_MS } from '../../domain/timeline.ts';
import { AppendQueue } from './append-queue.ts';
import { ArrivalWatch } from './arrival-watch.ts';
import {
  type Engine,
  type EngineCounters,
  type EngineFailure,
  type EngineOptions,
  signedUrl,
} from './engine.ts';
import { codecOf } from './init-codec.ts';
import { caughtUp, PARTS, type PieceGrid, SEGMENTS } from './piece-grid.ts';

/** The next piece is asked for before this one ends, so that its first bytes cost no round trip. */
const ASK_AHEAD_MS = 120;
/** Bytes that do not come for so long will not come: the answer is given up. */
const SILENCE_MAX_MS = 2_000;
/** A piece that cannot be had is asked for again after this, and left out once it is overdue. */
const RETRY_MS = 100;
const OVERDUE_MS = 700;
/** Without a single byte for so long, the engine says that it is broken. */
const GIVE_UP_MS = 4_000;
/** The init segment is asked for as patiently as any pane may stay without a word. */
const INIT_MAX_MS = 5_000;

export class ClockMseEngine implements Engine {
  readonly name = 'clock-mse';
  readonly #options: EngineOptions;
  readonly #ending = new AbortController();
  readonly #watch = new ArrivalWatch();
  #queue: AppendQueue | undefined;
  #zeroInstantMs: number | undefined;
  #requestCount = 0;
  #byteCount = 0;
  #lastByteAtMs = 0;

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  get zeroInstantMs(): number | undefined {
    return this.#zeroInstantMs;
  }

  get counters(): EngineCounters {
    return { requestCount: this.#requestCount, byteCount: this.#byteCount };
  }

  start(): void {
    const report = (failure: EngineFailure) => {
      if (!this.#ending.signal.aborted) this.#options.onFailed(failure);
    };
    this.#run().then(report, (error: unknown) =>
      report({ kind: 'broken', reason: `The picture cannot be played (${String(error)}).` }),
    );
  }

  destroy(): void {
    this.#ending.abort();
    this.#queue?.close();
  }

  async #run(): Promise<EngineFailure> {
    const { media, streamUrl, rendition, serverNowMs, startLatencyMs } = this.#options;
    const request = this.#ask(`${streamUrl}${rendition}/init.mp4`, INIT_MAX_MS);
    const response = await request.response;
    if (!response) return { kind: 'broken', reason: 'The server does not answer.' };
    if (response.status === 404 || response.status === 503)
      return { kind: 'not-there', reason: 'The stream has no picture yet.' };
    if (!response.ok) return { kind: 'broken', reason: `The server answers with ${response.status}.` };
    const init = new Uint8Array(await response.arrayBuffer());
    request.release();
    const codec = codecOf(init);
    if (codec === undefined)
      return { kind: 'unsupported', reason: 'The stream is in no format of this page.' };
    const queue = await AppendQueue.open({
      media,
      mimeType: codec,
      onAppended: this.#options.onMedia,
      signal: this.#ending.signal,
    });
    this.#queue = queue;
    const first = SEGMENTS.indexAt(serverNowMs() - startLatencyMs);
    this.#zeroInstantMs = SEGMENTS.startMs(first);
    queue.begin(init, (EPOCH_MS - this.#zeroInstantMs) / 1000);
    this.#lastByteAtMs = serverNowMs();
    return this.#follow(first, queue);
  }

  /** Takes one piece after the other, in order, for as long as that makes sense. */
  async #follow(firstSegment: number, queue: AppendQueue): Promise<EngineFailure> {
    const { serverNowMs } = this.#options;
    const { signal } = this.#ending;
    let grid: PieceGrid = SEGMENTS;
    let index = firstSegment;
    let request = this.#request(grid, index);
    while (!signal.aborted) {
      const next = this.#soon(grid, index + 1);
      const outcome = await this.#take(request, grid, index, queue);
      const nowMs = serverNowMs();
      if (queue.problem !== undefined)
        return { kind: 'broken', reason: `The browser could not play on (${queue.problem}).` };
      if (nowMs - this.#lastByteAtMs > GIVE_UP_MS)
        return { kind: 'broken', reason: 'No new picture arrives.' };
      const wantsParts = grid === SEGMENTS && this.#watch.heldBack;
      const isInTime = caughtUp(grid, index + 1, nowMs) === index + 1;
      if (outcome === 'taken' && !wantsParts && isInTime) {
        index += 1;
        request = next();
        continue;
      }
      next.cancel();
      if (outcome === 'missing') {
        await pause(RETRY_MS, signal);
        if (serverNowMs() > grid.startMs(index + 1) + OVERDUE_MS)
          index = Math.max(index + 1, grid.indexAt(nowMs));
      } else {
        index = caughtUp(grid, index + 1, serverNowMs());
      }
      if (wantsParts) {
        index = PARTS.indexAt(grid.startMs(index));
        grid = PARTS;
      }
      request = this.#request(grid, index);
    }
    return { kind: 'ended', reason: 'Closed.' };
  }

  /** Reads one answer into the buffer. */
  async #take(
    request: Request,
    grid: PieceGrid,
    index: number,
    queue: AppendQueue,
  ): Promise<'taken' | 'missing'> {
    const { serverNowMs } = this.#options;
    try {
      const response = await request.response;
      if (!response?.ok || !response.body) return 'missing';
      const reader = response.body.getReader();
      let firstByteAtMs: number | undefined;
      for (;;) {
        request.patience(SILENCE_MAX_MS);
        const { done, value } = await reader.read();
        if (done) break;
        this.#lastByteAtMs = serverNowMs();
        firstByteAtMs ??= this.#lastByteAtMs;
        this.#byteCount += value.byteLength;
        queue.append(value);
      }
      if (firstByteAtMs !== undefined && grid === SEGMENTS)
        this.#watch.add({ askedAtMs: request.askedAtMs, firstByteAtMs, endMs: grid.startMs(index + 1) });
      return 'taken';
    } catch {
      // Cut off in the middle: what came is played, and the parser starts afresh with the next piece.
      queue.cut();
      return 'missing';
    } finally {
      request.release();
    }
  }

  #request(grid: PieceGrid, index: number): Request {
    const { streamUrl, rendition } = this.#options;
    return this.#ask(`${streamUrl}${rendition}/${grid.name(index)}.m4s`, SILENCE_MAX_MS + grid.pieceMs);
  }

  /**
   * Asks for a piece a little before it begins, or when its turn comes, whichever is first.
   *
   * @returns a function that gives the request, and its `cancel` for when the piece is not wanted.
   */
  #soon(grid: PieceGrid, index: number): (() => Request) & { cancel: () => void } {
    let request: Request | undefined;
    const start = () => (request ??= this.#request(grid, index));
    const timer = setTimeout(
      start,
      Math.max(0, grid.startMs(index) - ASK_AHEAD_MS - this.#options.serverNowMs()),
    );
    const take = () => {
      clearTimeout(timer);
      return start();
    };
    return Object.assign(take, {
      cancel: () => {
        clearTimeout(timer);
        request?.abort();
      },
    });
  }

  #ask(url: string, patienceMs: number): Request {
    const abort = new AbortController();
    let timer = setTimeout(() => abort.abort(), patienceMs);
    const end = () => abort.abort();
    this.#ending.signal.addEventListener('abort', end, { once: true });
    this.#requestCount += 1;
    const release = () => {
      clearTimeout(timer);
      this.#ending.signal.removeEventListener('abort', end);
    };
    return {
      askedAtMs: this.#options.serverNowMs(),
      response: fetch(signedUrl(url, this.#options.signedQuery?.()), { signal: abort.signal }).catch(
        () => undefined,
      ),
      patience: (ms) => {
        clearTimeout(timer);
        timer = setTimeout(() => abort.abort(), ms);
      },
      abort: () => {
        release();
        abort.abort();
      },
      release,
    };
  }
}

/** One request under way. */
interface Request {
  readonly askedAtMs: number;
  /** Undefined when the server could not be reached or took too long. */
  readonly response: Promise<Response | undefined>;
  /** Gives the next bytes so much time from now. */
  readonly patience: (ms: number) => void;
  readonly abort: () => void;
  /** Stops its clock once it is answered. */
  readonly release: () => void;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
