/**
 * A client of the origin bench that does as our own player: one request for each segment, whose parts are read
 * as they come, and the next one as soon as it has ended.
 */
import { connect, type Socket } from 'node:net';
import { SEED_PROFILE } from '../domain/profile.ts';
import { partAt, partsPerSegment } from '../domain/timeline.ts';
import { HEAD_END, HEADERS, type LoadClient, nowMs, RETRY_MS, type Sample } from './origin-load-sample.ts';

const LINE_END = Buffer.from('\r\n');
/** A client that is further behind goes to the live edge, as players do. */
const MAX_SEGMENTS_BEHIND = 4;
/** Every part of the bench begins with the instant of its announcement. */
const INSTANT_LENGTH = 24;

export class SegmentClient implements LoadClient {
  private readonly socket: Socket;
  private readonly sample: Sample;
  private segment = newestSegment() + 1;
  private received: Buffer = Buffer.alloc(0);
  private expects: 'head' | 'chunk' = 'head';

  constructor(port: number, sample: Sample) {
    this.sample = sample;
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.socket.on('connect', () => this.ask());
    this.socket.on('data', (bytes) => this.receive(bytes));
    this.socket.on('error', () => {
      sample.errorCount += 1;
    });
  }

  close(): void {
    this.socket.destroy();
  }

  private ask(): void {
    this.expects = 'head';
    this.socket.write(`GET /open/bench/video/${this.segment}.m4s${HEADERS}`);
  }

  private receive(bytes: Buffer): void {
    this.received = this.received.length === 0 ? bytes : Buffer.concat([this.received, bytes]);
    while (this.expects === 'head' ? this.readHead() : this.readChunk());
  }

  /** @returns whether there may be more to read. */
  private readHead(): boolean {
    const headEnd = this.received.indexOf(HEAD_END);
    if (headEnd < 0) return false;
    const head = this.received.toString('latin1', 0, headEnd);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (length > 0 && this.received.length < headEnd + HEAD_END.length + length) return false;
    this.received = this.received.subarray(headEnd + HEAD_END.length + length);
    if (!head.startsWith('HTTP/1.1 200')) {
      this.sample.errorCount += 1;
      this.segment = newestSegment() + 1;
      setTimeout(() => this.ask(), RETRY_MS);
    } else if (length > 0) {
      // Whole, because it had ended before it was asked for: this client is late.
      this.askNext();
    } else {
      this.expects = 'chunk';
    }
    return this.received.length > 0;
  }

  /** One chunk of the chunked coding (RFC 9112 §7.1); the origin writes each part as one. */
  private readChunk(): boolean {
    const lineEnd = this.received.indexOf(LINE_END);
    if (lineEnd < 0) return false;
    const byteCount = Number.parseInt(this.received.toString('latin1', 0, lineEnd), 16);
    const start = lineEnd + LINE_END.length;
    const end = start + byteCount + LINE_END.length;
    if (this.received.length < end) return false;
    if (byteCount > 0 && this.sample.isMeasured) {
      const announcedMs = Number.parseFloat(this.received.toString('latin1', start, start + INSTANT_LENGTH));
      this.sample.partMs.push(nowMs() - announcedMs);
    }
    this.received = this.received.subarray(end);
    if (byteCount === 0) this.askNext();
    return this.received.length > 0;
  }

  private askNext(): void {
    this.segment += 1;
    if (newestSegment() - this.segment > MAX_SEGMENTS_BEHIND) {
      this.segment = newestSegment() + 1;
      this.sample.jumpCount += 1;
    }
    this.ask();
  }
}

function newestSegment(): number {
  return partAt(Date.now(), SEED_PROFILE).mediaSequenceNumber;
}

/** Parts that a client receives each second when it misses none. */
export const PARTS_PER_SECOND = (partsPerSegment(SEED_PROFILE) * 1000) / SEED_PROFILE.segmentMs;
