/**
 * A client of the origin bench that does as hls.js: one connection, one request at a time, playlist and part by
 * turns.
 */
import { connect, type Socket } from 'node:net';
import { SEED_PROFILE } from '../domain/profile.ts';
import { partFromOrdinal } from '../domain/timeline.ts';
import {
  HEAD_END,
  HEADERS,
  type LoadClient,
  newestOrdinal,
  nowMs,
  RETRY_MS,
  type Sample,
} from './origin-load-sample.ts';

/** A client that is further behind goes to the live edge, as players do. */
const MAX_PARTS_BEHIND = 20;
/** When each part was announced, as its own bytes say. */
const announcedAtMs = new Map<number, number>();

export class PartClient implements LoadClient {
  private readonly socket: Socket;
  private readonly sample: Sample;
  private ordinal: number;
  private wants: 'playlist' | 'part' = 'playlist';
  private playlistAtMs = 0;
  private askedPartAtMs = 0;
  private buffered: Buffer[] = [];
  private bufferedBytes = 0;
  /** Of the whole answer, head included; 0 until the head is there. */
  private answerBytes = 0;

  constructor(port: number, sample: Sample) {
    this.sample = sample;
    this.ordinal = newestOrdinal();
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.socket.on('connect', () => this.ask());
    this.socket.on('data', (bytes) => this.receive(bytes));
    this.socket.on('error', () => {
      this.sample.errorCount += 1;
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
    if (this.wants === 'part') this.askedPartAtMs = nowMs();
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
      if (!text.startsWith('HTTP/1.1 200')) this.sample.errorCount += 1;
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
        this.sample.jumpCount += 1;
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
    if (!this.sample.isMeasured) return;
    this.sample.playlistMs.push(this.playlistAtMs - announced);
    const atMs = nowMs();
    this.sample.partMs.push(atMs - announced);
    this.sample.partAnswerMs.push(atMs - Math.max(announced, this.askedPartAtMs));
  }
}
