/**
 * What a session must know of a stream: its name, and whether it is open. Both are constant for the life of a
 * stream, so they are remembered for a few seconds; a deleted stream is forgotten as soon.
 */
import { CONTROL_LIMITS } from '../../domain/control/limits.ts';
import type { StreamRegistry } from '../../domain/control/registry.ts';
import type { Access } from '../../domain/control/stream-record.ts';
import type { Clock } from '../../domain/timeline.ts';

/** A stream as a viewer may choose it. */
export interface NamedStream {
  readonly streamId: string;
  readonly name: string;
}

export interface WatchableStream {
  readonly name: string;
  readonly access: Access;
}

const CACHE_MS = 5_000;
/** More than the records that are kept; unknown ids are not remembered, so guesses cannot fill the memory. */
const CACHE_COUNT_MAX = 1_000;

export class WatchableStreams {
  readonly #registry: Pick<StreamRegistry, 'getStream' | 'listStreams'>;
  readonly #clock: Clock;
  readonly #cache = new Map<string, { stream: WatchableStream | undefined; readAtMs: number }>();
  /** All that there are, for tickets that name none: one reading serves every session of these seconds. */
  #all: { readonly reading: Promise<readonly NamedStream[]>; readonly readAtMs: number } | undefined;

  constructor({
    registry,
    clock,
  }: { registry: Pick<StreamRegistry, 'getStream' | 'listStreams'>; clock: Clock }) {
    this.#registry = registry;
    this.#clock = clock;
  }

  async find(streamId: string): Promise<WatchableStream | undefined> {
    const nowMs = this.#clock.nowMs();
    const cached = this.#cache.get(streamId);
    // An unknown id is asked for again at once: its stream may have been created this very second.
    if (cached?.stream && nowMs - cached.readAtMs < CACHE_MS) return cached.stream;
    const found = await this.#registry.getStream(streamId);
    const stream = found && { name: found.record.name, access: found.record.access };
    if (stream) this.#remember(streamId, stream, nowMs);
    else this.#cache.delete(streamId);
    return stream;
  }

  /** Of these streams those that exist; `*` for all that there are. */
  async named(streamIds: readonly string[] | '*'): Promise<readonly NamedStream[]> {
    if (streamIds === '*') return this.#allNamed();
    const found = await Promise.all(
      streamIds.map(async (streamId) => ({ streamId, name: (await this.find(streamId))?.name })),
    );
    return found.flatMap(({ streamId, name }) => (name === undefined ? [] : [{ streamId, name }]));
  }

  #allNamed(): Promise<readonly NamedStream[]> {
    const nowMs = this.#clock.nowMs();
    if (this.#all && nowMs - this.#all.readAtMs < CACHE_MS) return this.#all.reading;
    const reading = this.#registry
      .listStreams({ countMax: CONTROL_LIMITS.streamRecordCountMax })
      .then((all) => all.map(({ record }) => ({ streamId: record.id, name: record.name })));
    const entry = { reading, readAtMs: nowMs };
    this.#all = entry;
    // A reading that failed is nobody's answer but of those who waited for it.
    reading.catch(() => {
      if (this.#all === entry) this.#all = undefined;
    });
    return reading;
  }

  #remember(streamId: string, stream: WatchableStream, readAtMs: number): void {
    this.#cache.delete(streamId);
    this.#cache.set(streamId, { stream, readAtMs });
    const oldest = this.#cache.size > CACHE_COUNT_MAX ? this.#cache.keys().next().value : undefined;
    if (oldest !== undefined) this.#cache.delete(oldest);
  }
}
