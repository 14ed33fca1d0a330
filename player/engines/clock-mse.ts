/**
 * Our own engine. The timeline is the wall clock, so the address of the next segment follows from a clock and
 * no playlist is read. A segment that is still being made is one request, answered as its parts appear: two
 * requests a second at the latency of parts. Where something on the way holds such answers back until they
 * are whole, it asks for the parts one by one instead. Who plays later asks for what is whole (delivery.ts).
 */
import { DELIVERY_PLANS } from '../../domain/delivery.ts';
import { pause } from '../../domain/pause.ts';
import { EPOCH_MS } from '../../domain/timeline.ts';
import { AppendQueue } from './append-queue.ts';
import { ArrivalWatch } from './arrival-watch.ts';
import { CatchUp } from './catch-up.ts';
import {
  type Engine,
  type EngineCounters,
  type EngineFailure,
  type EngineOptions,
  failureOfAnswer,
} from './engine.ts';
import { codecOf } from './init-codec.ts';
import { type Piece, pieceAt, SEGMENTS } from './piece-grid.ts';
import { PlaceInTime } from './place-in-time.ts';
import { type MediaRequest, Requests } from './requests.ts';

/** A piece that grows is asked for before it begins, so that its first bytes cost no round trip. */
const ASK_AHEAD_MS = 120;
/** One that is taken whole is asked for so long after its end: by then its last part is made. */
const ASK_AFTER_END_MS = 80;
/** Bytes that do not come for so long will not come: the answer is given up. */
const SILENCE_MAX_MS = 2_000;
/** A piece that cannot be had is asked for again, and left out once it is overdue. */
const OVERDUE_MS = 700;
const PROBES_KEPT_COUNT = 2;
/** No piece is asked for so long before it begins. */
const AHEAD_MAX_MS = 1_500;
/** Without a single byte for so long, the engine says that it is broken. */
const GIVE_UP_MS = 4_000;
/** The init segment is asked for as patiently as any pane may stay without a word. */
const INIT_MAX_MS = 5_000;

/** A first part that was asked for beside its segment, and when it was here. */
interface Probe {
  readonly segmentStartMs: number;
  atMs: number | undefined;
}

export class ClockMseEngine implements Engine {
  readonly name = 'clock-mse';
  readonly #options: EngineOptions;
  readonly #ending = new AbortController();
  readonly #watch = new ArrivalWatch();
  readonly #catchUp = new CatchUp();
  readonly #requests: Requests;
  readonly #place: PlaceInTime;
  #queue: AppendQueue | undefined;
  #zeroInstantMs: number | undefined;
  #byteCount = 0;
  /** Of the newest segments: the next one is asked for before this one is whole. */
  #probes: readonly Probe[] = [];
  #lastByteAtMs = 0;

  constructor(options: EngineOptions) {
    this.#options = options;
    const { serverNowMs, signedQuery, rendition } = options;
    this.#place = new PlaceInTime(rendition);
    this.#requests = new Requests({ serverNowMs, signedQuery, signal: this.#ending.signal });
  }

  /** Whether something on the way holds growing answers back, so that parts are asked for one by one. */
  get growthIsHeldBack(): boolean {
    return this.#watch.heldBack;
  }

  get zeroInstantMs(): number | undefined {
    return this.#zeroInstantMs === undefined ? undefined : this.#zeroInstantMs + this.#place.offGridMs;
  }

  get sinceCaptureMs(): number | undefined {
    return this.#place.sinceCaptureMs;
  }

  get counters(): EngineCounters {
    return { requestCount: this.#requests.count, byteCount: this.#byteCount };
  }

  start(): void {
    const report = (failure: EngineFailure) => {
      if (!this.#ending.signal.aborted) this.#options.onFailed(failure);
    };
    this.#run().then(report, (error: unknown) =>
      report({ kind: 'unsupported', reason: `The picture cannot be played (${String(error)}).` }),
    );
  }

  destroy(): void {
    this.#ending.abort();
    this.#queue?.close();
  }

  async #run(): Promise<EngineFailure> {
    const { media, streamUrl, rendition, serverNowMs, startLatencyMs } = this.#options;
    const request = this.#requests.ask(`${streamUrl}${rendition}/init.mp4`, INIT_MAX_MS);
    const response = await request.response;
    if (!response) return { kind: 'broken', reason: 'The server does not answer.' };
    const failure = failureOfAnswer(response);
    if (failure) return failure;
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
    const firstMs = SEGMENTS.startMs(SEGMENTS.indexAt(serverNowMs() - startLatencyMs));
    this.#zeroInstantMs = firstMs;
    queue.begin(init, (EPOCH_MS - firstMs) / 1000);
    this.#lastByteAtMs = serverNowMs();
    return this.#follow(firstMs, queue);
  }

  /** Takes one piece after the other, in order, for as long as that makes sense. */
  async #follow(firstMs: number, queue: AppendQueue): Promise<EngineFailure> {
    const { serverNowMs, wantedLatencyMs } = this.#options;
    const { signal } = this.#ending;
    let piece = this.#pieceAt(firstMs);
    let request = await this.#soon(piece).take();
    while (!signal.aborted) {
      const nextPiece = this.#pieceAt(piece.endMs);
      const next = this.#soon(nextPiece);
      const outcome = await this.#take(request, piece, queue);
      if (queue.problem !== undefined)
        return { kind: 'unplayable', reason: `The browser could not play on (${queue.problem}).` };
      if (!queue.isWanted) {
        next.cancel();
        await queue.untilWanted(signal);
        this.#lastByteAtMs = serverNowMs();
      }
      if (serverNowMs() - this.#lastByteAtMs > GIVE_UP_MS)
        return { kind: 'broken', reason: 'No new picture arrives.' };
      if (outcome === 'failed') await pause(this.#requests.retryMs, signal);
      // Asked for by a clock that has been set right since: what was wanted then is not made yet.
      if (piece.startMs - serverNowMs() > AHEAD_MAX_MS)
        return { kind: 'broken', reason: 'The clock was set.' };
      const nowMs = serverNowMs();
      const isOverdue = outcome === 'failed' && nowMs > piece.endMs + OVERDUE_MS;
      const wantedMs = isOverdue ? SEGMENTS.startMs(SEGMENTS.indexAt(nowMs - wantedLatencyMs())) : 0;
      const laterMs = Math.max(piece.endMs, wantedMs);
      const positionMs = this.#catchUp.next(
        outcome === 'failed' && !isOverdue ? piece.startMs : laterMs,
        nowMs,
        wantedLatencyMs(),
      );
      const stillFits = positionMs === nextPiece.startMs && this.#pieceAt(positionMs).grid === nextPiece.grid;
      if (stillFits) {
        piece = nextPiece;
        request = await next.take();
      } else {
        next.cancel();
        piece = this.#pieceAt(positionMs);
        request = await this.#soon(piece).take();
      }
    }
    return { kind: 'ended', reason: 'Closed.' };
  }

  #pieceAt(startMs: number): Piece {
    return pieceAt(startMs, this.#options.plan(), this.#watch.heldBack);
  }

  /**
   * Reads one answer into the buffer.
   *
   * @returns `absent` when the server says that this piece was never made: a gap, to be left out at once.
   */
  async #take(
    request: MediaRequest,
    piece: Piece,
    queue: AppendQueue,
  ): Promise<'taken' | 'absent' | 'failed'> {
    const { serverNowMs } = this.#options;
    try {
      const response = await request.response;
      if (response?.status === 404 && serverNowMs() >= piece.endMs) return 'absent';
      if (!response?.ok || !response.body) return 'failed';
      // A piece begins with a chunk: who reads along finds its place here, wherever it began to read.
      this.#options.onBytes?.(undefined);
      const reader = response.body.getReader();
      let firstByteAtMs: number | undefined;
      for (;;) {
        request.patience(SILENCE_MAX_MS);
        const { done, value } = await reader.read();
        if (done) break;
        this.#lastByteAtMs = serverNowMs();
        if (firstByteAtMs === undefined) this.#place.learn(value);
        firstByteAtMs ??= this.#lastByteAtMs;
        this.#byteCount += value.byteLength;
        queue.append(value);
        this.#options.onBytes?.(value);
      }
      if (firstByteAtMs !== undefined && piece.grid === SEGMENTS)
        this.#watch.add({
          askedAtMs: request.askedAtMs,
          firstByteAtMs,
          lastByteAtMs: this.#lastByteAtMs,
          endMs: piece.endMs,
          firstPartAtMs: this.#probes.find((probe) => probe.segmentStartMs === piece.startMs)?.atMs,
        });
      return 'taken';
    } catch {
      // Cut off in the middle: what came is played, and the parser starts afresh with the next piece.
      queue.cut();
      return 'failed';
    } finally {
      request.release();
    }
  }

  #request(piece: Piece): MediaRequest {
    if (piece.grid === SEGMENTS && this.#watch.suspects && this.#options.plan().taken === 'as-it-grows')
      void this.#askFirstPart(piece);
    return this.#askFor(piece);
  }

  #askFor({ name, startMs, grid }: Piece): MediaRequest {
    const { streamUrl, rendition, serverNowMs, latencyMs } = this.#options;
    // Asked for ahead of its time, and then it may come as late as the pane plays.
    const untilDueMs = Math.max(grid.pieceMs, startMs + latencyMs() - serverNowMs());
    return this.#requests.ask(`${streamUrl}${rendition}/${name}.m4s`, SILENCE_MAX_MS + untilDueMs);
  }

  /** Only the time counts: its bytes come with the segment. */
  async #askFirstPart({ startMs }: Piece): Promise<void> {
    const probe: Probe = { segmentStartMs: startMs, atMs: undefined };
    this.#probes = [...this.#probes, probe].slice(-PROBES_KEPT_COUNT);
    const request = this.#askFor(pieceAt(startMs, DELIVERY_PLANS['lowest-latency'], true));
    const response = await request.response;
    if (response?.ok) probe.atMs = this.#options.serverNowMs();
    request.abort();
  }

  /** Asks for a piece when it is due; one that grows also earlier, when its turn comes. */
  #soon(piece: Piece): { readonly take: () => Promise<MediaRequest>; readonly cancel: () => void } {
    const { plan, serverNowMs } = this.#options;
    let request: MediaRequest | undefined;
    const start = () => (request ??= this.#request(piece));
    const isWhole = plan().taken === 'whole';
    const dueMs = isWhole ? piece.endMs + ASK_AFTER_END_MS : piece.startMs - ASK_AHEAD_MS;
    const untilDueMs = () => Math.max(0, dueMs - serverNowMs());
    const timer = setTimeout(start, untilDueMs());
    return {
      take: async () => {
        if (isWhole && untilDueMs() > 0) await pause(untilDueMs(), this.#ending.signal);
        clearTimeout(timer);
        return start();
      },
      cancel: () => {
        clearTimeout(timer);
        request?.abort();
      },
    };
  }
}
