/**
 * What the clients of the origin bench have in common. They speak HTTP/1.1 over plain sockets, because an HTTP
 * client library would need more CPU than the origin. What they cost is late in their own figures, so all of
 * them read into one buffer, and send requests that were written once for all.
 */
import { connect, type Socket } from 'node:net';
import { SEED_PROFILE } from '../domain/profile.ts';
import { partAt, partOrdinal } from '../domain/timeline.ts';

export const RETRY_MS = 500;
const READ_BYTES = 64 * 1024;
const HEADERS = ' HTTP/1.1\r\nHost: bench\r\nAccept-Encoding: gzip\r\nUser-Agent: mirror-bench\r\n\r\n';
/** Every part of the bench begins with the instant of its announcement, which fits into so many characters. */
export const INSTANT_LENGTH = 24;
/** Of parts and requests that are remembered: those of some ten seconds, more than any client is behind. */
const REMEMBERED_COUNT_MAX = 100;

export interface Sample {
  isMeasured: boolean;
  /** From the announcement of a part to the playlist that names it, and to the part itself. */
  readonly playlistMs: Durations;
  readonly partMs: Durations;
  /** From the request of a part to the part, or from its announcement where that came later. */
  readonly partAnswerMs: Durations;
  errorCount: number;
  /** How often a client fell so far behind that it skipped to the live edge. */
  jumpCount: number;
}

/** Numbers in memory that was taken before: a growing array would be copied while clients wait. */
export class Durations {
  readonly #values: Float64Array;
  #count = 0;

  constructor(countMax: number) {
    this.#values = new Float64Array(countMax);
  }

  /** @throws RangeError when there are more than was said. */
  add(durationMs: number): void {
    if (this.#count === this.#values.length) throw new RangeError(`More than ${this.#count} durations.`);
    this.#values[this.#count++] = durationMs;
  }

  toArray(): number[] {
    return [...this.#values.subarray(0, this.#count)];
  }
}

export interface LoadClient {
  close(): void;
}

export interface OriginAddress {
  readonly host: string;
  readonly port: number;
}

export interface ConnectionListener {
  onConnect(): void;
  /** @param bytes begin with what was read; they belong to all connections and change after this call. */
  onBytes(bytes: Buffer, byteCount: number): void;
}

const readBuffer = Buffer.alloc(READ_BYTES);

export function openConnection(
  { host, port }: OriginAddress,
  sample: Sample,
  listener: ConnectionListener,
): Socket {
  const onread = {
    buffer: readBuffer,
    callback: (byteCount: number) => {
      listener.onBytes(readBuffer, byteCount);
      return true;
    },
  };
  const socket = connect({ host, port, noDelay: true, onread });
  socket.on('connect', () => listener.onConnect());
  socket.on('error', () => {
    sample.errorCount += 1;
  });
  return socket;
}

/** What was made for a number of the grid, for all clients that come to the same number. */
export function remember<Value, From extends readonly unknown[]>(
  make: (number: number, ...from: From) => Value,
): (number: number, ...from: From) => Value {
  const made = new Map<number, Value>();
  return (number, ...from) => {
    const known = made.get(number);
    if (known !== undefined) return known;
    const value = make(number, ...from);
    if (made.size === REMEMBERED_COUNT_MAX) made.delete(made.keys().next().value ?? 0);
    made.set(number, value);
    return value;
  };
}

/** When a part was announced, as its own bytes say; they say the same to everyone and are read once. */
export const instantOf = remember((_ordinal, bytes: Buffer, start: number) =>
  Number.parseFloat(bytes.toString('latin1', start, start + INSTANT_LENGTH)),
);

export const requestOf = (path: string) => Buffer.from(`GET /open/bench/${path}${HEADERS}`, 'latin1');

export const nowMs = () => performance.timeOrigin + performance.now();

/** The part that is being made now. */
export function newestOrdinal(): number {
  return partOrdinal(partAt(Date.now(), SEED_PROFILE), SEED_PROFILE);
}
