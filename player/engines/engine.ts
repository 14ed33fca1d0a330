/**
 * What a pane needs of the thing that fills its video element. An engine lives for one connection: when it
 * reports `failed` the pane throws it away and makes another.
 */

import type { DeliveryPlan } from '../../domain/delivery.ts';
import type { Rendition } from '../../domain/renditions.ts';

export interface EngineOptions {
  readonly media: HTMLMediaElement;
  readonly rendition: Rendition;
  /** Address of the stream's folder with a slash at the end: `http://host/open/cam-1/`. */
  readonly streamUrl: string;
  /** The newest signature of a premium stream as a query, for every request; empty for an open stream. */
  readonly signedQuery?: () => string;
  /** How far behind the wall clock the first media should lie, ms; where playing begins is the pane's choice. */
  readonly startLatencyMs: number;
  /** What the pane may ask for at its present latency; it may change at any time. */
  readonly plan: () => DeliveryPlan;
  /** How far behind the wall clock the pane plays, or will play, ms. */
  readonly latencyMs: () => number;
  /** How far behind the wall clock the pane should play, ms: what all panes share. */
  readonly wantedLatencyMs: () => number;
  readonly serverNowMs: () => number;
  /** The bytes of the rendition as they come; undefined before each beginning of a chunk. Not of every engine. */
  readonly onBytes?: (bytes: Uint8Array | undefined) => void;
  /** Called right after media was taken into the element's buffer. */
  readonly onMedia: () => void;
  readonly onFailed: (failure: EngineFailure) => void;
}

/** An address with the signature that a premium stream needs. */
export function signedUrl(url: string, query: string | undefined): string {
  return query ? `${url}?${query}` : url;
}

export interface EngineFailure {
  /**
   * `not-there`: the server has no media of this stream (yet). `broken`: it had, and something went wrong.
   * `refused`: a signature is missing, wrong or expired. `unsupported`: this browser cannot play it this way.
   * `unplayable`: the browser gave up on media that it had begun to take.
   */
  readonly kind: 'not-there' | 'broken' | 'ended' | 'refused' | 'unsupported' | 'unplayable';
  /** In words, for the person who watches. */
  readonly reason: string;
}

/**
 * What an answer without media means.
 *
 * @returns undefined for one that brings what was asked for.
 */
export function failureOfAnswer(response: Response): EngineFailure | undefined {
  if (response.status === 404 || response.status === 503)
    return { kind: 'not-there', reason: 'The stream has no picture yet.' };
  if (response.status === 403)
    return { kind: 'refused', reason: 'The server does not let this page watch the stream.' };
  if (!response.ok) return { kind: 'broken', reason: `The server answers with ${response.status}.` };
  return undefined;
}

export type EngineName = 'clock-mse' | 'hls.js' | 'native-hls';

export interface EngineCounters {
  readonly requestCount: number;
  readonly byteCount: number;
}

export interface Engine {
  /** `none` in a browser that can run none of them. */
  readonly name: EngineName | 'none';
  start(): void;
  /**
   * Unix ms of the instant at media time 0 of the element; undefined until it is known. The timeline of
   * a stream is the wall clock, so that `zeroInstantMs + 1000 * currentTime` is when the shown picture was
   * taken in.
   */
  readonly zeroInstantMs: number | undefined;
  /** How long before that its camera captured it, ms; undefined when the camera does not tell. */
  readonly sinceCaptureMs?: number | undefined;
  readonly counters: EngineCounters;
  /** The browser chooses where playing begins, and when. */
  readonly placesItself?: boolean;
  destroy(): void;
}
