/** One request and its response, from the first try to answer it to its end. */
import type { StreamRequest } from './request.ts';
import {
  breakOff,
  CACHE,
  type ErrorAnswer,
  type HeaderList,
  headerList,
  type OriginResponse,
  type Prepared,
  sendError,
  sendMedia,
  sendWhole,
} from './response.ts';
import type { StreamWindow } from './stream-window.ts';
import { type Held, NO_PLACE, type WaitingRoom } from './waiting-room.ts';

/** The room in which the request has to wait, or that it needs to wait no more. */
export type Outcome = WaitingRoom | 'answered';

/** How a wait ended. */
export type HoldOutcome = 'answered' | 'expired' | 'client-gone';

/** What the exchange needs of the one who answers. */
export interface Answerer {
  answer(exchange: Exchange): Outcome;
  /** @returns false when too many wait already. */
  admit(): boolean;
  released(outcome: HoldOutcome): void;
  failed(exchange: Exchange, error: unknown): void;
}

/** Of bodies that grow, by their type: pictures' and sound's. */
const GROWING_HEADERS = new Map<string, HeaderList>();

const BUSY: ErrorAnswer = { status: 503, reason: 'Too many requests wait here. Try again in a second.' };
const TOO_LATE: ErrorAnswer = { status: 503, reason: 'Nothing new came in time. Try again.' };
const BROKEN: ErrorAnswer = { status: 500, reason: 'The origin failed to answer. Its log says why.' };

export class Exchange implements Held {
  readonly request: StreamRequest;
  readonly stream: StreamWindow;
  readonly headOnly: boolean;
  readonly acceptsGzip: boolean;
  readonly range: string | undefined;
  deadlineMs: number;
  place = NO_PLACE;
  /** A segment in the making: the next part to send, and whether the headers are out. */
  nextOrdinal: number | undefined;
  streaming = false;
  /** What the media store said about something older than the window. */
  archived: { kind: 'loading' | 'absent' | 'failed' } | { kind: 'found'; bytes: Uint8Array } | undefined;
  #answered = false;
  #room: WaitingRoom | undefined;
  readonly #response: OriginResponse;
  readonly #answerer: Answerer;

  constructor(
    of: Pick<Exchange, 'request' | 'stream' | 'headOnly' | 'acceptsGzip' | 'range' | 'deadlineMs'>,
    response: OriginResponse,
    answerer: Answerer,
  ) {
    this.request = of.request;
    this.stream = of.stream;
    this.headOnly = of.headOnly;
    this.acceptsGzip = of.acceptsGzip;
    this.range = of.range;
    this.deadlineMs = of.deadlineMs;
    this.#response = response;
    this.#answerer = answerer;
  }

  /** Tries for the first time, and takes a place in a waiting room when the answer is not there yet. */
  begin(): void {
    const room = this.#try();
    if (!room) return;
    if (!this.#answerer.admit()) {
      this.fail(BUSY);
      return;
    }
    this.#room = room;
    room.add(this);
    this.#response.once('close', () => this.#release('client-gone'));
  }

  /** Called by the waiting room, which moves the exchange to the room that is returned. */
  attempt(): WaitingRoom | undefined {
    const room = this.#try();
    if (room) this.#room = room;
    else this.#release('answered');
    return room;
  }

  /** Tries again outside a waiting room's own wake, when only this exchange has news. */
  retry(): void {
    const room = this.#room;
    if (!room) return;
    const next = this.attempt();
    if (next === room) return;
    room.delete(this);
    next?.add(this);
  }

  expire(): void {
    // A body that breaks off without its end is not cached; an orderly end would pass for the whole segment.
    if (this.streaming) breakOff(this.#response);
    else this.fail(TOO_LATE);
    this.#answered = true;
    this.#release('expired');
  }

  sendWhole(prepared: Prepared): 'answered' {
    this.#answered = true;
    sendWhole(this.#response, prepared, this.headOnly);
    return 'answered';
  }

  sendMedia(prepared: Prepared): 'answered' {
    this.#answered = true;
    sendMedia(this.#response, prepared, { range: this.range, headOnly: this.headOnly });
    return 'answered';
  }

  /** An expected refusal; in the middle of a body all that is left is to break off. */
  fail(answer: ErrorAnswer): 'answered' {
    this.#answered = true;
    if (this.streaming) breakOff(this.#response);
    else sendError(this.#response, answer, this.headOnly);
    return 'answered';
  }

  /** Begins a body whose length is not known yet. */
  beginBody(contentType: string): void {
    this.streaming = true;
    let headers = GROWING_HEADERS.get(contentType);
    if (!headers) {
      headers = headerList('Content-Type', contentType, 'Cache-Control', CACHE.media);
      GROWING_HEADERS.set(contentType, headers);
    }
    this.#response.writeHead(200, headers);
    if (this.headOnly) this.endBody();
  }

  writeBody(bytes: Uint8Array): void {
    this.#response.write(bytes);
  }

  endBody(): 'answered' {
    this.#answered = true;
    this.#response.end();
    return 'answered';
  }

  #try(): WaitingRoom | undefined {
    // A growing segment is sent in several pieces, often two at once: its head or its end beside a part.
    const isPieced = this.request.kind === 'segment';
    if (isPieced) this.#response.cork?.();
    try {
      const outcome = this.#answerer.answer(this);
      return outcome === 'answered' ? undefined : outcome;
    } catch (error) {
      this.#answerer.failed(this, error);
      if (!this.#answered) this.fail(BROKEN);
      return undefined;
    } finally {
      if (isPieced) this.#response.uncork?.();
    }
  }

  #release(outcome: HoldOutcome): void {
    const room = this.#room;
    if (!room) return;
    this.#room = undefined;
    room.delete(this);
    this.#answered = true;
    this.#answerer.released(outcome);
  }
}
