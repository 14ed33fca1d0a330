/**
 * The live edge inside one process: what `npm start` and unit tests use. A listener is called in the same
 * tick as the append, so a held request is answered at once.
 */
import type {
  LiveEdgeEvent,
  LiveEdgeReader,
  LiveEdgeSnapshot,
  LiveEdgeWriter,
  PartEntry,
  StreamInfo,
} from '../domain/live-edge.ts';
import type { Log } from '../domain/log.ts';
import type { Track } from '../domain/renditions.ts';
import { liveEdgeErrors } from './errors.ts';
import {
  comparePositions,
  firstKeptMediaSequenceNumber,
  type LiveEdgeListener,
  notify,
  reopenedInfo,
} from './live-edge-window.ts';

interface StreamState {
  info: StreamInfo;
  ended: boolean;
  readonly parts: Record<Track, PartEntry[]>;
}

export class MemoryLiveEdge implements LiveEdgeWriter, LiveEdgeReader {
  readonly #log: Pick<Log, 'error'>;
  readonly #streams = new Map<string, StreamState>();
  readonly #listeners = new Map<string, Set<LiveEdgeListener>>();

  constructor(dependencies: { readonly log: Pick<Log, 'error'> }) {
    this.#log = dependencies.log;
  }

  async open(streamId: string, info: StreamInfo): Promise<void> {
    const stream = this.#streams.get(streamId);
    const merged = reopenedInfo(stream, info);
    if (stream) {
      stream.info = merged;
      stream.ended = false;
    } else {
      this.#streams.set(streamId, { info: merged, ended: false, parts: { video: [], audio: [] } });
    }
    this.#publish({ kind: 'info', streamId, info: merged });
  }

  async append(streamId: string, track: Track, entry: PartEntry): Promise<'appended' | 'duplicate'> {
    const stream = this.#streams.get(streamId);
    if (!stream) throw liveEdgeErrors.create('NOT_OPEN', `Stream ${streamId}.`);
    const parts = stream.parts[track];
    const last = parts.at(-1);
    if (last && comparePositions(entry, last) <= 0) return 'duplicate';
    parts.push(entry);
    trim(parts, firstKeptMediaSequenceNumber(entry.mediaSequenceNumber, stream.info.segmentMs));
    this.#publish({ kind: 'part', streamId, track, entry });
    return 'appended';
  }

  async end(streamId: string): Promise<void> {
    const stream = this.#streams.get(streamId);
    if (!stream || stream.ended) return;
    stream.ended = true;
    this.#publish({ kind: 'ended', streamId });
  }

  async remove(streamId: string): Promise<void> {
    if (this.#streams.delete(streamId)) this.#publish({ kind: 'removed', streamId });
  }

  follow(streamId: string, listener: LiveEdgeListener): () => void {
    let stopped = false;
    // Not within this call: a caller may not have stored the stop function yet, and Redis answers later too.
    // Snapshot and registration happen in one tick, so that nothing falls between them.
    queueMicrotask(() => {
      if (stopped) return;
      const listeners = this.#listeners.get(streamId) ?? new Set();
      listeners.add(listener);
      this.#listeners.set(streamId, listeners);
      notify(this.#log, streamId, () => listener.onSnapshot(this.#snapshot(streamId)));
    });
    return () => {
      stopped = true;
      const listeners = this.#listeners.get(streamId);
      listeners?.delete(listener);
      if (listeners?.size === 0) this.#listeners.delete(streamId);
    };
  }

  #snapshot(streamId: string): LiveEdgeSnapshot | undefined {
    const stream = this.#streams.get(streamId);
    if (!stream) return undefined;
    const { info, ended, parts } = stream;
    return { info, ended, parts: { video: [...parts.video], audio: [...parts.audio] } };
  }

  #publish(event: LiveEdgeEvent): void {
    const listeners = this.#listeners.get(event.streamId);
    if (!listeners) return;
    for (const listener of listeners) notify(this.#log, event.streamId, () => listener.onEvent(event));
  }
}

function trim(parts: PartEntry[], firstKept: number): void {
  let oldCount = 0;
  while ((parts[oldCount]?.mediaSequenceNumber ?? firstKept) < firstKept) oldCount += 1;
  if (oldCount > 0) parts.splice(0, oldCount);
}
