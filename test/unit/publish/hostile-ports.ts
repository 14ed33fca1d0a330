/** A media store and a live edge that misbehave on demand, and a record of what they were asked. */
import type { LiveEdgeWriter, PartEntry, StreamInfo } from '../../../domain/live-edge.ts';
import type { Log } from '../../../domain/log.ts';
import type { MediaStoreReader, MediaStoreWriter } from '../../../domain/media-store.ts';
import type { Track } from '../../../domain/renditions.ts';

/** What the next call with this key does; then the store behaves again. */
export type StoreMood =
  | { readonly kind: 'fails'; readonly error: Error }
  /** Never answers and ignores its signal. */
  | { readonly kind: 'hangs' }
  /** Stores the bytes, and then never answers. */
  | { readonly kind: 'stores-and-hangs' }
  | { readonly kind: 'slow'; readonly ms: number };

export class HostileStore implements MediaStoreWriter, MediaStoreReader {
  readonly objects = new Map<string, Uint8Array>();
  readonly putKeys: string[] = [];
  /** Called for each PUT. */
  mood: (key: string, callIndex: number) => StoreMood | undefined = () => undefined;

  async put(key: string, bytes: Uint8Array): Promise<'stored' | 'exists'> {
    const mood = this.mood(key, this.putKeys.length);
    this.putKeys.push(key);
    if (mood?.kind === 'fails') throw mood.error;
    if (mood?.kind === 'hangs') return never();
    if (mood?.kind === 'slow') await new Promise((resolve) => setTimeout(resolve, mood.ms));
    const exists = this.objects.has(key);
    if (!exists) this.objects.set(key, bytes);
    if (mood?.kind === 'stores-and-hangs') return never();
    return exists ? 'exists' : 'stored';
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.objects.get(key);
  }
}

export class HostileLiveEdge implements LiveEdgeWriter {
  readonly calls: string[] = [];
  readonly entries: Record<Track, PartEntry[]> = { video: [], audio: [] };
  /** Called for each append, before it is looked at. */
  beforeAppend: (entry: PartEntry) => Promise<void> | void = () => undefined;
  /** Called after the entry is in the log. */
  afterAppend: (entry: PartEntry) => Promise<void> | void = () => undefined;
  private opened = false;

  async open(_streamId: string, info: StreamInfo): Promise<void> {
    this.opened = true;
    this.calls.push(`open ${info.firstMediaSequenceNumber}`);
  }

  async append(_streamId: string, track: Track, entry: PartEntry): Promise<'appended' | 'duplicate'> {
    await this.beforeAppend(entry);
    if (!this.opened) throw new Error('append before open');
    const last = this.entries[track].at(-1);
    if (last && ordinalOf(entry) <= ordinalOf(last)) return 'duplicate';
    this.entries[track].push(entry);
    this.calls.push(`${track} ${entry.mediaSequenceNumber}.${entry.partIndex}${entry.gap ? ' gap' : ''}`);
    await this.afterAppend(entry);
    return 'appended';
  }

  async end(): Promise<void> {
    this.calls.push('end');
  }

  async remove(): Promise<void> {
    this.opened = false;
  }
}

function ordinalOf(entry: PartEntry): number {
  return entry.mediaSequenceNumber * 5 + entry.partIndex;
}

function never<Value>(): Promise<Value> {
  return new Promise(() => undefined);
}

export class RecordingLog implements Log {
  readonly lines: string[] = [];
  debug(event: string): void {
    this.lines.push(event);
  }
  info(event: string): void {
    this.lines.push(event);
  }
  warn(event: string): void {
    this.lines.push(event);
  }
  error(event: string): void {
    this.lines.push(event);
  }
  child(): Log {
    return this;
  }
}
