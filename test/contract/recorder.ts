/** A follower of the live edge that keeps what it was told, for tests. */
import type {
  LiveEdgeEvent,
  LiveEdgeReader,
  LiveEdgeSnapshot,
  PartEntry,
  StreamInfo,
} from '../../domain/live-edge.ts';
import { TRACKS, type Track } from '../../domain/renditions.ts';

const PATIENCE_MS = 10_000;

/** What a follower believes after all that it was told: the sum of its snapshot and the events since. */
export interface Belief {
  info: StreamInfo | undefined;
  ended: boolean;
  parts: Record<Track, PartEntry[]>;
}

export class Recorder {
  readonly snapshots: (LiveEdgeSnapshot | undefined)[] = [];
  readonly events: LiveEdgeEvent[] = [];
  /** Rules of the port that were broken, in words. */
  readonly violations: string[] = [];
  belief: Belief = unknownStream();
  readonly stop: () => void;
  #stopped = false;
  readonly #waiting = new Set<() => void>();

  constructor(reader: LiveEdgeReader, streamId: string) {
    let returned = false;
    const check = (event?: LiveEdgeEvent) => {
      if (!returned) this.violations.push('called within follow()');
      if (this.#stopped) this.violations.push('called after it stopped');
      if (event && this.snapshots.length === 0) this.violations.push(`${event.kind} before the snapshot`);
      if (event && event.streamId !== streamId)
        this.violations.push(`event of another stream, ${event.streamId}`);
    };
    const stop = reader.follow(streamId, {
      onSnapshot: (snapshot) => {
        check();
        this.snapshots.push(snapshot);
        this.belief = snapshot
          ? {
              info: snapshot.info,
              ended: snapshot.ended,
              parts: { video: [...snapshot.parts.video], audio: [...snapshot.parts.audio] },
            }
          : unknownStream();
        for (const track of TRACKS) this.#checkAscending(track);
        this.#wakeAll();
      },
      onEvent: (event) => {
        check(event);
        this.events.push(event);
        this.#apply(event);
        this.#wakeAll();
      },
    });
    returned = true;
    this.stop = () => {
      this.#stopped = true;
      stop();
    };
  }

  get kinds(): string[] {
    return this.events.map((event) => event.kind);
  }

  /** The media sequence number and part index of all parts of a track, as `7.0 7.1`. */
  positions(track: Track): string {
    return this.belief.parts[track].map((part) => `${part.mediaSequenceNumber}.${part.partIndex}`).join(' ');
  }

  /** Resolves as soon as the condition holds; it is looked at after every call of the reader. */
  async until(condition: () => boolean, what = condition.toString()): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve, reject) => {
      const look = () => {
        if (!condition()) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        const seen = `${this.snapshots.length} snapshots, then ${this.kinds.join(' ')}`;
        reject(
          new Error(`Waited ${PATIENCE_MS} ms for ${what}. Saw ${seen}; video ${this.positions('video')}.`),
        );
      }, PATIENCE_MS);
      this.#waiting.add(look);
    });
  }

  #apply(event: LiveEdgeEvent): void {
    switch (event.kind) {
      case 'info':
        this.belief.info = event.info;
        this.belief.ended = false;
        break;
      case 'part':
        if (!this.belief.info) this.violations.push('part of an unknown stream');
        this.belief.parts[event.track].push(event.entry);
        this.#checkAscending(event.track);
        break;
      case 'ended':
        this.belief.ended = true;
        break;
      case 'removed':
        this.belief = unknownStream();
        break;
    }
  }

  #checkAscending(track: Track): void {
    const parts = this.belief.parts[track];
    for (const [index, part] of parts.entries()) {
      const before = parts[index - 1];
      if (!before) continue;
      const order =
        part.mediaSequenceNumber - before.mediaSequenceNumber || part.partIndex - before.partIndex;
      if (order <= 0)
        this.violations.push(
          `${track} ${part.mediaSequenceNumber}.${part.partIndex} doubled or out of order`,
        );
    }
  }

  #wakeAll(): void {
    for (const look of this.#waiting) look();
  }
}

function unknownStream(): Belief {
  return { info: undefined, ended: false, parts: { video: [], audio: [] } };
}
