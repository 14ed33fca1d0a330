/** An origin over the embedded live edge and media store, asked without sockets and on a fake clock. */
import { vi } from 'vitest';
import { MemoryLiveEdge } from '../../../adapters/live-edge-memory.ts';
import { MemoryMediaStore } from '../../../adapters/media-store-memory.ts';
import type { LiveEdgeReader, PartEntry, StreamInfo } from '../../../domain/live-edge.ts';
import type { Log, LogFields } from '../../../domain/log.ts';
import { initKey, type MediaStoreReader, partKey } from '../../../domain/media-store.ts';
import { TRACKS, type Track } from '../../../domain/renditions.ts';
import type { OriginLimits } from '../../../origin/limits.ts';
import type { IsOpen } from '../../../origin/open-check.ts';
import { Origin } from '../../../origin/origin.ts';
import type { HeaderList, OriginResponse } from '../../../origin/response.ts';
import { SAMPLE_INFO, sampleGap, samplePart } from '../hls/live-edge-samples.ts';
import { sampleInit } from './init-samples.ts';

const NEVER = new AbortController().signal;

/** What a client would have received so far. */
export class RecordedResponse implements OriginResponse {
  status = 0;
  headers: Readonly<Record<string, string>> = {};
  readonly chunks: string[] = [];
  ended = false;
  destroyed = false;
  #onClose: (() => void)[] = [];

  writeHead(status: number, headers: HeaderList): void {
    if (this.status !== 0) throw new Error('The headers were sent twice.');
    this.status = status;
    const named: Record<string, string> = {};
    for (let index = 0; index < headers.length; index += 2)
      named[(headers[index] ?? '').toLowerCase()] = headers[index + 1] ?? '';
    this.headers = named;
  }

  write(bytes: Uint8Array): boolean {
    if (this.ended || this.destroyed) throw new Error('Bytes were written after the end.');
    this.chunks.push(Buffer.from(bytes).toString('latin1'));
    return true;
  }

  end(bytes?: Uint8Array): void {
    if (this.ended) throw new Error('The response was ended twice.');
    if (bytes) this.write(bytes);
    this.ended = true;
  }

  once(_event: 'close', listener: () => void): void {
    this.#onClose.push(listener);
  }

  destroy(): void {
    this.destroyed = true;
  }

  /** The client goes away. */
  close(): void {
    for (const listener of this.#onClose.splice(0)) listener();
  }

  get body(): string {
    return this.chunks.join('');
  }

  get waiting(): boolean {
    return !this.ended && !this.destroyed;
  }
}

export class RecordedLog implements Log {
  readonly lines: { level: string; event: string; fields: LogFields }[] = [];
  debug(event: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'debug', event, fields });
  }
  info(event: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'info', event, fields });
  }
  warn(event: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'warn', event, fields });
  }
  error(event: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'error', event, fields });
  }
  child(): Log {
    return this;
  }
}

export interface BedOptions {
  readonly limits?: Partial<OriginLimits>;
  readonly isOpen?: IsOpen;
  readonly mediaStore?: (store: MemoryMediaStore) => MediaStoreReader;
  readonly liveEdge?: (liveEdge: MemoryLiveEdge) => LiveEdgeReader;
}

export class OriginBed {
  readonly log = new RecordedLog();
  readonly clock = { nowMs: () => Date.now() };
  readonly liveEdge = new MemoryLiveEdge({ log: this.log });
  readonly store = new MemoryMediaStore({ clock: this.clock, retentionMs: 3_600_000 });
  readonly origin: Origin;
  readonly #stop = new AbortController();

  /** Needs `vi.useFakeTimers()`; deadlines are kept by fake time. */
  constructor(options: BedOptions = {}) {
    this.origin = new Origin({
      liveEdge: options.liveEdge?.(this.liveEdge) ?? this.liveEdge,
      mediaStore: options.mediaStore?.(this.store) ?? this.store,
      clock: this.clock,
      log: this.log,
      isOpen: options.isOpen ?? (() => true),
      ...(options.limits ? { limits: options.limits } : {}),
    });
    void this.origin.run(this.#stop.signal);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await settle();
  }

  /** Opens a stream and stores its init segments. */
  async open(streamId = 'cam', info: StreamInfo = SAMPLE_INFO): Promise<void> {
    for (const track of TRACKS) {
      if (track === 'audio' && !info.audio) continue;
      await this.store.put(initKey(streamId, track), sampleInit(track), { signal: NEVER });
    }
    await this.liveEdge.open(streamId, info);
    await settle();
  }

  /** Stores and announces one part of one track; its bytes name it. */
  async publish(
    track: Track,
    ordinal: number,
    overrides: Partial<PartEntry> = {},
    streamId = 'cam',
  ): Promise<void> {
    const entry = samplePart(track, ordinal, overrides);
    await this.store.put(partKey(streamId, track, entry), Buffer.from(partText(track, ordinal)), {
      signal: NEVER,
    });
    await this.liveEdge.append(streamId, track, entry);
    await settle();
  }

  async gap(track: Track, ordinal: number, streamId = 'cam'): Promise<void> {
    await this.liveEdge.append(streamId, track, sampleGap(track, ordinal));
    await settle();
  }

  /** Publishes both tracks' parts from one position up to another, the latter not included. */
  async publishBoth(first: number, end: number, streamId = 'cam'): Promise<void> {
    for (let ordinal = first; ordinal < end; ordinal += 1)
      for (const track of TRACKS) await this.publish(track, ordinal, {}, streamId);
  }

  /** Sends a request and lets everything happen that can happen without time passing. */
  async get(url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<RecordedResponse> {
    const response = this.send(url, headers, method);
    await settle();
    return response;
  }

  send(url: string, headers: Record<string, string> = {}, method = 'GET'): RecordedResponse {
    const response = new RecordedResponse();
    this.origin.handle({ method, url, headers }, response);
    return response;
  }
}

/** What a test part's bytes say. */
export function partText(track: Track, ordinal: number): string {
  return `[${track} ${Math.floor(ordinal / 5)}.${ordinal % 5}]`;
}

/** More than any chain of promises here is long. */
const SETTLING_TURNS = 100;

/** Runs all promise reactions that are due; no time passes. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < SETTLING_TURNS; turn += 1) await Promise.resolve();
}

export async function pass(milliseconds: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(milliseconds);
  await settle();
}
