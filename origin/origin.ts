/**
 * The origin: answers playlists, init segments, parts and segments of any number of streams from memory.
 * Stateless beyond its window: any number of origins may serve the same streams.
 */
import { decideReload } from '../domain/hls/blocking-reload.ts';
import type { LiveEdgeReader } from '../domain/live-edge.ts';
import type { Log } from '../domain/log.ts';
import type { MediaStoreReader } from '../domain/media-store.ts';
import type { Clock } from '../domain/timeline.ts';
import { type Answerer, Exchange, type HoldOutcome, type Outcome } from './exchange.ts';
import type { KnownStream, RenditionWindow } from './known-stream.ts';
import { ORIGIN_LIMITS, type OriginLimits } from './limits.ts';
import { type Archive, answerInit, answerPart, answerSegments } from './media-answers.ts';
import { collectMetrics, newCounters, type OriginMetrics } from './metrics.ts';
import type { IsOpen } from './open-check.ts';
import type { StreamRequest } from './request.ts';
import { RequestMemory } from './request-memory.ts';
import {
  CACHE,
  CONTENT_TYPES,
  type ErrorAnswer,
  type OriginRequest,
  type OriginResponse,
  PREFLIGHT_HEADERS,
  prepare,
  sendError,
  sendNothing,
  sendWhole,
} from './response.ts';
import { StoreReads } from './store-reads.ts';
import { StreamWindow } from './stream-window.ts';
import { ViewerReports } from './viewer-reports.ts';

export interface OriginDependencies {
  readonly liveEdge: LiveEdgeReader;
  readonly mediaStore: MediaStoreReader;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: Partial<OriginLimits>;
  /** Whether a stream may be served under `/open/`. Nobody's is, unless this says so. */
  readonly isOpen?: IsOpen;
}

const UNKNOWN_STREAM: ErrorAnswer = { status: 404, reason: 'There is no such stream.' };
const NO_SUCH_RENDITION: ErrorAnswer = { status: 404, reason: 'This stream has no such rendition.' };
const NOTHING_TO_SHOW: ErrorAnswer = { status: 404, reason: 'The stream ended before it showed anything.' };
const TOO_MANY_STREAMS: ErrorAnswer = { status: 503, reason: 'This origin follows too many streams.' };
const STOPPING: ErrorAnswer = { status: 503, reason: 'This origin is stopping. Try again.' };
const TOO_LONG: ErrorAnswer = { status: 413, reason: 'Too long for a report of a page.' };
const HEALTHY = prepare(Buffer.from('ok\n'), CONTENT_TYPES.text, CACHE.never);

/** A weight that begins with 0 is taken for a no: the plain text is right for everyone. */
function acceptsGzip(header: string | string[] | undefined): boolean {
  return typeof header === 'string' && header.includes('gzip') && !header.includes('gzip;q=0');
}

function answerPlaylist(
  exchange: Exchange,
  known: KnownStream,
  window: RenditionWindow,
  request: Extract<StreamRequest, { kind: 'playlist' }>,
): Outcome {
  const { stream } = exchange;
  const room = stream.playlists[request.rendition];
  const decision = decideReload(request.directives, {
    headOrdinal: window.timeline.headOrdinal,
    partsPerSegment: known.rules.partsPerSegment,
    ended: stream.ended,
  });
  if (decision.kind === 'wait') return room;
  if (decision.kind === 'bad-request') {
    return exchange.fail({ status: 400, reason: decision.reason });
  }
  const playlist = window.playlist.get(request.access, request.directives);
  if (playlist) return exchange.sendWhole(playlist.for(exchange.acceptsGzip));
  // Opened, but without a whole segment yet: players give up at a 404 and fail on an empty playlist.
  return stream.ended ? exchange.fail(NOTHING_TO_SHOW) : room;
}

export class Origin implements Answerer {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #limits: OriginLimits;
  readonly #liveEdge: LiveEdgeReader;
  readonly #isOpen: IsOpen;
  readonly #reads: StoreReads;
  /** Reads of what is older than the window. */
  readonly #archive: Archive;
  readonly #requests: RequestMemory;
  readonly #streams = new Map<string, StreamWindow>();
  readonly #counters = newCounters();
  /** What players tell of their viewers' experience. */
  readonly viewerReports = new ViewerReports({
    isKnown: (streamId) => this.#streams.get(streamId)?.state === 'known',
  });
  #waitingCount = 0;
  #stopping = false;

  constructor(dependencies: OriginDependencies) {
    this.#clock = dependencies.clock;
    this.#log = dependencies.log;
    this.#liveEdge = dependencies.liveEdge;
    this.#limits = { ...ORIGIN_LIMITS, ...dependencies.limits };
    this.#requests = new RequestMemory(this.#limits.urlLength);
    this.#isOpen = dependencies.isOpen ?? (() => false);
    this.#reads = new StoreReads({
      mediaStore: dependencies.mediaStore,
      limits: this.#limits,
      log: dependencies.log,
    });
    this.#archive = (key) => {
      this.#counters.windowMissCount += 1;
      return this.#reads.read(key, { expected: false });
    };
  }

  /**
   * Answers a request, now or when what it asks for is there. Usable as the listener of node:http and of
   * node:http2 servers. Never throws.
   */
  handle(request: OriginRequest, response: OriginResponse): void {
    this.#counters.requestCount += 1;
    const parsed = this.#requests.parse(request.method, request.url);
    const headOnly = request.method === 'HEAD';
    switch (parsed.kind) {
      case 'rejected':
        sendError(response, parsed, headOnly);
        return;
      case 'options':
        response.writeHead(204, PREFLIGHT_HEADERS);
        response.end();
        return;
      case 'viewer-reports':
        void this.#receiveReports(request, response);
        return;
      case 'health':
        if (this.#stopping) sendError(response, STOPPING, headOnly);
        else sendWhole(response, HEALTHY, headOnly);
        return;
      default:
        this.#begin(parsed, request, response, headOnly);
    }
  }

  /** Keeps the deadlines of waiting requests and forgets idle streams, until the signal; then stops all. */
  async run(signal: AbortSignal): Promise<void> {
    if (!signal.aborted) {
      const timer = setInterval(() => this.#sweep(), this.#limits.sweepMs);
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      clearInterval(timer);
    }
    this.#stopping = true;
    for (const stream of this.#streams.values()) stream.stop();
    this.#streams.clear();
    this.#reads.close();
  }

  async #receiveReports(request: OriginRequest, response: OriginResponse): Promise<void> {
    const body = request[Symbol.asyncIterator]?.bind(request);
    try {
      const status = body ? await this.viewerReports.receive({ [Symbol.asyncIterator]: body }) : 204;
      if (status === 413) sendError(response, TOO_LONG, false);
      else sendNothing(response);
    } catch {
      // The client went away in the middle of what it wanted to tell.
      response.destroy();
    }
  }

  #begin(parsed: StreamRequest, request: OriginRequest, response: OriginResponse, headOnly: boolean): void {
    const nowMs = this.#clock.nowMs();
    const stream = this.#stopping ? undefined : this.#streamOf(parsed.streamId, nowMs);
    if (!stream) {
      sendError(response, this.#stopping ? STOPPING : TOO_MANY_STREAMS, headOnly);
      return;
    }
    stream.lastRequestMs = nowMs;
    const { range } = request.headers;
    new Exchange(
      {
        request: parsed,
        stream,
        headOnly,
        acceptsGzip: acceptsGzip(request.headers['accept-encoding']),
        range: typeof range === 'string' ? range : undefined,
        deadlineMs: nowMs + this.#limits.holdMs,
      },
      response,
      this,
    ).begin();
  }

  answer(exchange: Exchange): Outcome {
    const { stream, request } = exchange;
    if (this.#stopping) {
      return exchange.fail(STOPPING);
    }
    if (request.access === 'open') {
      const open = stream.openCheck.state();
      if (open === 'asking') return stream.arrivals;
      if (open === 'no') {
        return exchange.fail(UNKNOWN_STREAM);
      }
    }
    if (request.kind === 'time') {
      const text = new Date(this.#clock.nowMs()).toISOString();
      return exchange.sendWhole(prepare(Buffer.from(text), CONTENT_TYPES.text, CACHE.never));
    }
    // Only now: what nobody may see is not followed either.
    stream.start();
    if (stream.state === 'asking') return stream.arrivals;
    const { known } = stream;
    return known ? this.#answerKnown(exchange, known) : exchange.fail(UNKNOWN_STREAM);
  }

  #answerKnown(exchange: Exchange, known: KnownStream): Outcome {
    const { request } = exchange;
    if (request.kind === 'time') return exchange.fail(UNKNOWN_STREAM);
    if (request.kind === 'multivariant' || request.kind === 'manifest') {
      const text = known.constantText(request.kind, request.access);
      return exchange.sendWhole(text.for(exchange.acceptsGzip));
    }
    const window = known.renditions.get(request.rendition);
    if (!window || (request.kind === 'part' && request.partIndex >= known.rules.partsPerSegment)) {
      return exchange.fail(NO_SUCH_RENDITION);
    }
    switch (request.kind) {
      case 'init':
        return answerInit(exchange, known, window);
      case 'part': {
        const ordinal = request.mediaSequenceNumber * known.rules.partsPerSegment + request.partIndex;
        return answerPart(exchange, known, window, ordinal, this.#archive);
      }
      case 'segment':
        return answerSegments(exchange, known, window, request, this.#archive);
      default:
        return answerPlaylist(exchange, known, window, request);
    }
  }

  metrics(): OriginMetrics {
    return collectMetrics({
      counters: this.#counters,
      store: this.#reads.counters,
      streams: this.#streams.values(),
      waitingCount: this.#waitingCount,
      nowMs: this.#clock.nowMs(),
      viewerReports: this.viewerReports,
    });
  }

  admit(): boolean {
    if (this.#waitingCount >= this.#limits.heldRequestCount) {
      this.#counters.refusedHoldCount += 1;
      return false;
    }
    this.#waitingCount += 1;
    this.#counters.heldRequestCount += 1;
    return true;
  }

  released(outcome: HoldOutcome): void {
    this.#waitingCount -= 1;
    if (outcome === 'expired') this.#counters.expiredHoldCount += 1;
    else if (outcome === 'client-gone') this.#counters.abandonedHoldCount += 1;
  }

  failed(exchange: Exchange, error: unknown): void {
    this.#counters.failedAnswerCount += 1;
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#log.error('origin-answer-failed', { streamId: exchange.stream.streamId, error: stack });
  }

  #streamOf(streamId: string, nowMs: number): StreamWindow | undefined {
    const followed = this.#streams.get(streamId);
    if (followed) return followed;
    if (this.#streams.size >= this.#limits.streamCount && !this.#dropOneUnknown()) return undefined;
    const stream = new StreamWindow({
      streamId,
      liveEdge: this.#liveEdge,
      reads: this.#reads,
      clock: this.#clock,
      log: this.#log,
      limits: this.#limits,
      isOpen: this.#isOpen,
    });
    stream.lastRequestMs = nowMs;
    this.#streams.set(streamId, stream);
    return stream;
  }

  /** Makes room for a stream that may exist by dropping one that does not. */
  #dropOneUnknown(): boolean {
    for (const [streamId, stream] of this.#streams) {
      if (stream.state === 'known' || stream.waitingCount > 0) continue;
      this.#drop(streamId, stream);
      return true;
    }
    return false;
  }

  #drop(streamId: string, stream: StreamWindow): void {
    this.#streams.delete(streamId);
    this.#counters.playlistWriteCount += stream.playlistWriteCount;
    this.#counters.latePartCount += stream.latePartCount;
    stream.stop();
  }

  #sweep(): void {
    const nowMs = this.#clock.nowMs();
    for (const [streamId, stream] of this.#streams) {
      for (const room of stream.rooms) room.expireUntil(nowMs);
      const idleMs = stream.state === 'known' ? this.#limits.idleMs : this.#limits.unknownIdleMs;
      if (nowMs - stream.lastRequestMs < idleMs || stream.waitingCount > 0) continue;
      this.#drop(streamId, stream);
    }
  }
}
