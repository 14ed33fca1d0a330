/** One connection whose plain GET requests are answered without node:http, for as long as it sends no other. */
import type { Socket } from 'node:net';
import type { OriginRequest, OriginResponse } from '../response.ts';
import { type AnswerWriter, DirectResponse } from './direct-response.ts';
import type { HeadReader } from './request-head.ts';

/** Node's own limit of a head (`--max-http-header-size`); what is longer is node:http's to refuse. */
const HEAD_BYTES_MAX = 16 * 1024;
/** Requests that a client sends ahead of their answers. More than this is no player. */
const AHEAD_BYTES_MAX = 64 * 1024;
const HEAD_END = Buffer.from('\r\n\r\n');
const NO_BYTES = Buffer.alloc(0);

export interface ConnectionDependencies {
  readonly handle: (request: OriginRequest, response: OriginResponse) => void;
  /** Takes a connection over, with what it has sent and nobody has read. */
  readonly handOver: (socket: Socket, unread: Buffer) => void;
  readonly onGone: (connection: DirectConnection) => void;
  readonly heads: HeadReader;
  readonly writer: AnswerWriter;
  readonly nowMs: () => number;
}

export class DirectConnection {
  readonly #socket: Socket;
  readonly #dependencies: ConnectionDependencies;
  #unread: Buffer = NO_BYTES;
  #response: DirectResponse | undefined;
  #isReading = false;
  #closeWhenIdle = false;
  /** Since when it is idle, or has sent a part of a head; by `nowMs`, for an idle one by that of the sweep. */
  #quietSinceMs: number;
  #isAnsweredSinceSweep = false;

  readonly #onData = (bytes: Buffer) => this.#receive(bytes);
  readonly #onDrain = () => this.#read();
  /** The client will send nothing more; what it still waits for is nobody's any more. */
  readonly #onEnd = () => this.#socket.end();
  readonly #onError = () => this.#socket.destroy();
  readonly #onAnswered = () => this.#answered();
  readonly #onClose = () => {
    this.#response?.closed();
    this.#dependencies.onGone(this);
  };

  constructor(socket: Socket, dependencies: ConnectionDependencies) {
    this.#socket = socket;
    this.#dependencies = dependencies;
    this.#quietSinceMs = dependencies.nowMs();
    socket.on('data', this.#onData);
    socket.on('drain', this.#onDrain);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  /** Closes the connection now when nothing is being answered on it, and else after the answer. */
  closeWhenIdle(): void {
    this.#closeWhenIdle = true;
    if (!this.#response) this.#socket.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /**
   * Closes a connection that nobody uses. One whose head does not end goes to node:http, which knows what to say
   * and when to lose patience.
   */
  sweep(nowMs: number, limits: { readonly keepAliveMs: number; readonly partialHeadMs: number }): void {
    if (this.#response || this.#socket.writableLength > 0) return;
    if (this.#isAnsweredSinceSweep) {
      this.#isAnsweredSinceSweep = false;
      if (this.#unread.byteLength === 0) this.#quietSinceMs = nowMs;
    }
    const quietMs = nowMs - this.#quietSinceMs;
    if (this.#unread.byteLength > 0) {
      if (quietMs > limits.partialHeadMs) this.#handOver();
    } else if (quietMs > limits.keepAliveMs) {
      this.#socket.destroy();
    }
  }

  #receive(bytes: Buffer): void {
    this.#unread = this.#unread.byteLength === 0 ? bytes : Buffer.concat([this.#unread, bytes]);
    this.#read();
    if (this.#unread.byteLength > AHEAD_BYTES_MAX) this.#socket.destroy();
  }

  /**
   * Answers what was sent, one request after the other, until one must wait or the client does not read what it
   * was sent.
   */
  #read(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    const { heads, handle, writer, nowMs } = this.#dependencies;
    while (this.#unread.byteLength > 0 && this.#mayAnswer) {
      const headEnd = this.#unread.indexOf(HEAD_END);
      if (headEnd < 0 && this.#unread.byteLength <= HEAD_BYTES_MAX && looksLikeGet(this.#unread)) {
        this.#quietSinceMs = nowMs();
        break;
      }
      const request =
        headEnd < 0 || headEnd > HEAD_BYTES_MAX
          ? undefined
          : heads.read(this.#unread.toString('latin1', 0, headEnd));
      if (!request) {
        this.#handOver();
        break;
      }
      const end = headEnd + HEAD_END.byteLength;
      this.#unread = end === this.#unread.byteLength ? NO_BYTES : this.#unread.subarray(end);
      const response = new DirectResponse(this.#socket, writer, this.#onAnswered);
      this.#response = response;
      handle({ method: 'GET', url: request.url, headers: request.headers }, response);
    }
    this.#isReading = false;
  }

  get #mayAnswer(): boolean {
    const { writable, writableNeedDrain } = this.#socket;
    return !this.#response && writable && !writableNeedDrain;
  }

  #answered(): void {
    this.#response = undefined;
    if (this.#closeWhenIdle) {
      this.#socket.end();
      return;
    }
    this.#isAnsweredSinceSweep = true;
    this.#read();
  }

  #handOver(): void {
    const socket = this.#socket;
    socket.off('data', this.#onData);
    socket.off('drain', this.#onDrain);
    socket.off('end', this.#onEnd);
    socket.off('error', this.#onError);
    socket.off('close', this.#onClose);
    const unread = this.#unread;
    this.#unread = NO_BYTES;
    this.#dependencies.onGone(this);
    this.#dependencies.handOver(socket, unread);
  }
}

const GET = Buffer.from('GET /');

function looksLikeGet(bytes: Buffer): boolean {
  const length = Math.min(bytes.byteLength, GET.byteLength);
  return bytes.compare(GET, 0, length, 0, length) === 0;
}
