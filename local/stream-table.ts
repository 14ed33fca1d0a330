/**
 * The streams of this machine and their states, as `GET /v1/streams` shows them. The control plane's handlers
 * read the same through `StreamList`.
 */
import type { RunnerStatus, StreamState } from '../domain/stream.ts';

export interface StreamView {
  readonly id: string;
  readonly name: string;
  readonly state: StreamState;
  /** In words, for a person: why the state is what it is. */
  readonly reason?: string;
  /** Since when the state holds, Unix ms. */
  readonly sinceMs: number;
  /** Path of the multivariant playlist on this server. */
  readonly playlistPath: string;
  /** Where an encoder sends this stream's feed. */
  readonly ingestUrl: string;
  /** A demo feed is sent by this program itself. */
  readonly demo: boolean;
  readonly hardware?: RunnerStatus['hardware'];
  readonly source?: RunnerStatus['source'];
  readonly counters?: RunnerStatus['counters'];
}

/** What the API needs. */
export interface StreamList {
  list(): Promise<readonly StreamView[]>;
}

export class StreamTable implements StreamList {
  readonly #nowMs: () => number;
  readonly #onState: (stream: StreamView) => void;
  readonly #streams = new Map<string, StreamView>();

  /** @param options.onState called when a stream's state has changed. */
  constructor(options: { readonly nowMs: () => number; readonly onState?: (stream: StreamView) => void }) {
    this.#nowMs = options.nowMs;
    this.#onState = options.onState ?? (() => undefined);
  }

  add(stream: Omit<StreamView, 'state' | 'sinceMs' | 'playlistPath'>): void {
    this.#streams.set(stream.id, {
      ...stream,
      state: 'starting',
      sinceMs: this.#nowMs(),
      playlistPath: `/open/${stream.id}/index.m3u8`,
    });
  }

  /** Notes a state; `sinceMs` moves only when the state changes. */
  setState(id: string, state: StreamState, reason?: string): void {
    const stream = this.#streams.get(id);
    if (!stream) return;
    const { reason: _earlier, ...rest } = stream;
    const changed = stream.state !== state;
    const next = {
      ...rest,
      state,
      sinceMs: changed ? this.#nowMs() : stream.sinceMs,
      ...(reason === undefined ? {} : { reason }),
    };
    this.#streams.set(id, next);
    if (changed) this.#onState(next);
  }

  /** Takes a runner's report over. */
  report(status: RunnerStatus): void {
    this.setState(status.streamId, status.state, status.reason);
    const stream = this.#streams.get(status.streamId);
    if (!stream) return;
    const { source: _earlier, ...rest } = stream;
    this.#streams.set(status.streamId, {
      ...rest,
      hardware: status.hardware,
      counters: status.counters,
      ...(status.source === undefined ? {} : { source: status.source }),
    });
  }

  get(id: string): StreamView | undefined {
    return this.#streams.get(id);
  }

  async list(): Promise<readonly StreamView[]> {
    return [...this.#streams.values()];
  }
}
