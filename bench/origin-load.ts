/**
 * A child process of the origin bench: many LL-HLS clients, each with one connection and one request at a
 * time, playlist and part by turns as a player does. Speaks HTTP/1.1 over plain sockets, because an HTTP
 * client library would need more CPU than the origin.
 */
import { connect, type Socket } from 'node:net';
import { z } from 'zod';
import { SEED_PROFILE } from '../domain/profile.ts';
import { partAt, partFromOrdinal, partOrdinal } from '../domain/timeline.ts';

const orderSchema = z.object({
  port: z.int(),
  clientCount: z.int(),
  warmUpMs: z.int(),
  durationMs: z.int(),
});

const HEADERS = ' HTTP/1.1\r\nHost: bench\r\nAccept-Encoding: gzip\r\nUser-Agent: mirror-bench\r\n\r\n';
const HEAD_END = Buffer.from('\r\n\r\n');
const RETRY_MS = 500;
/** A client that is further behind goes to the live edge, as players do. */
const MAX_PARTS_BEHIND = 20;

interface Sample {
  readonly playlistMs: number[];
  readonly partMs: number[];
  errorCount: number;
  /** How often a client fell so far behind that it skipped to the live edge. */
  jumpCount: number;
}

const sample: Sample = { playlistMs: [], partMs: [], errorCount: 0, jumpCount: 0 };
/** When each part was announced, as its own bytes say. */
const announcedAtMs = new Map<number, number>();
let isMeasured = false;

const nowMs = () => performance.timeOrigin + performance.now();

class Client {
  private readonly socket: Socket;
  private ordinal: number;
  private wants: 'playlist' | 'part' = 'playlist';
  private playlistAtMs = 0;
  private buffered: Buffer[] = [];
  private bufferedBytes = 0;
  /** Of the whole answer, head included; 0 until the head is there. */
  private answerBytes = 0;

  constructor(port: number, ordinal: number) {
    this.ordinal = ordinal;
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
    const { mediaSequenceNumber, partIndex } = partFromOrdinal(this.ordinal, SEED_PROFILE);
    const path =
      this.wants === 'playlist'
        ? `av.m3u8?_HLS_msn=${mediaSequenceNumber}&_HLS_part=${partIndex}`
        : `av/${mediaSequenceNumber}.${partIndex}.m4s`;
    this.socket.write(`GET /open/bench/${path}${HEADERS}`);
  }

  private receive(bytes: Buffer): void {
    this.buffered.push(bytes);
    this.bufferedBytes += bytes.byteLength;
    if (this.answerBytes === 0) {
      const head = this.buffered.length === 1 ? bytes : Buffer.concat(this.buffered);
      const headEnd = head.indexOf(HEAD_END);
      if (headEnd < 0) return;
      const text = head.toString('latin1', 0, headEnd);
      this.answerBytes = headEnd + 4 + Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
      if (!text.startsWith('HTTP/1.1 200')) sample.errorCount += 1;
    }
    if (this.bufferedBytes < this.answerBytes) return;
    const answer = this.buffered.length === 1 ? bytes : Buffer.concat(this.buffered);
    this.buffered = [];
    this.bufferedBytes = 0;
    this.answerBytes = 0;
    this.answered(answer);
  }

  private answered(answer: Buffer): void {
    if (answer.toString('latin1', 9, 12) !== '200') {
      this.ordinal = newestOrdinal();
      this.wants = 'playlist';
      setTimeout(() => this.ask(), RETRY_MS);
      return;
    }
    if (this.wants === 'playlist') {
      this.playlistAtMs = nowMs();
      this.wants = 'part';
    } else {
      this.measure(answer);
      this.ordinal += 1;
      if (newestOrdinal() - this.ordinal > MAX_PARTS_BEHIND) {
        this.ordinal = newestOrdinal();
        sample.jumpCount += 1;
      }
      this.wants = 'playlist';
    }
    this.ask();
  }

  private measure(answer: Buffer): void {
    let announced = announcedAtMs.get(this.ordinal);
    if (announced === undefined) {
      const start = answer.indexOf(HEAD_END) + 4;
      announced = Number.parseFloat(answer.toString('latin1', start, start + 24));
      announcedAtMs.set(this.ordinal, announced);
    }
    if (!isMeasured) return;
    sample.playlistMs.push(this.playlistAtMs - announced);
    sample.partMs.push(nowMs() - announced);
  }
}

/** The part that is being made now. */
function newestOrdinal(): number {
  return partOrdinal(partAt(Date.now(), SEED_PROFILE), SEED_PROFILE);
}

process.once('message', (message) => {
  const { port, clientCount, warmUpMs, durationMs } = orderSchema.parse(message);
  const clients = Array.from({ length: clientCount }, () => new Client(port, newestOrdinal()));
  let cpuBefore = process.cpuUsage();
  setTimeout(() => {
    isMeasured = true;
    cpuBefore = process.cpuUsage();
    process.send?.({ phase: 'measuring' });
  }, warmUpMs);
  setTimeout(() => {
    isMeasured = false;
    const { user, system } = process.cpuUsage(cpuBefore);
    process.send?.({ phase: 'done', ...sample, cpuMs: (user + system) / 1000 });
    setTimeout(() => {
      for (const client of clients) client.close();
      process.exit(0);
    }, 1_000);
  }, warmUpMs + durationMs);
});
process.on('disconnect', () => process.exit(0));
