/**
 * A response of HTTP/1.1 written to its socket without node:http. A whole answer is one buffer, head and body,
 * which is made once and written for everyone who gets the same in the same second.
 */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type HeaderList, headerList, type OriginResponse } from '../response.ts';

/** A greater body is written after its head instead of being copied behind it. */
const JOINED_BYTES_MAX = 64 * 1024;
const CHUNK_END = Buffer.from('\r\n');
const LAST_CHUNK = Buffer.from('0\r\n\r\n');
const CONTENT_LENGTH = 'Content-Length';
const CHUNKED = 'Transfer-Encoding: chunked\r\n';

/** What was written for a list of headers, with its body or the first chunk of it. */
interface Joined {
  readonly headers: HeaderList;
  readonly second: number;
  readonly body: Uint8Array;
  readonly bytes: Buffer;
}

/** What the responses of a server share. */
export class AnswerWriter {
  readonly #keepAlive: string;
  readonly #nowMs: () => number;
  /** By the header list, which belongs to one body for as long as that exists. */
  readonly #joined = new WeakMap<HeaderList, Joined>();
  /** The newest of them: whoever waited for it gets it, one after the other. */
  #latest: Joined | undefined;
  /** Chunks of the chunked coding (RFC 9112 §7.1), by their bytes: many read the same growing segment. */
  readonly #chunks = new WeakMap<Uint8Array, Buffer>();
  #second = -1;
  #date = '';

  constructor({ keepAliveMs, nowMs }: { readonly keepAliveMs: number; readonly nowMs: () => number }) {
    this.#keepAlive = `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(keepAliveMs / 1000)}\r\n`;
    this.#nowMs = nowMs;
  }

  writeWhole(socket: Socket, status: number, headers: HeaderList, body: Uint8Array): void {
    if (body.byteLength > JOINED_BYTES_MAX) {
      socket.cork();
      socket.write(this.head(status, headers), 'latin1');
      socket.write(body);
      socket.uncork();
      return;
    }
    socket.write(this.#headed(status, headers, body, body));
  }

  /** The head of a body in chunks, with its first one. */
  writeFirstChunk(socket: Socket, status: number, headers: HeaderList, bytes: Uint8Array): boolean {
    return socket.write(this.#headed(status, headers, bytes, this.#chunkOf(bytes), CHUNKED));
  }

  writeChunk(socket: Socket, bytes: Uint8Array): boolean {
    return socket.write(this.#chunkOf(bytes));
  }

  #chunkOf(bytes: Uint8Array): Buffer {
    let chunk = this.#chunks.get(bytes);
    if (!chunk) {
      chunk = Buffer.concat([Buffer.from(`${bytes.byteLength.toString(16)}\r\n`), bytes, CHUNK_END]);
      this.#chunks.set(bytes, chunk);
    }
    return chunk;
  }

  /** A head and what follows it, made once in a second for each body: the date is in the head. */
  #headed(status: number, headers: HeaderList, body: Uint8Array, sent: Uint8Array, more = ''): Buffer {
    const second = Math.floor(this.#nowMs() / 1000);
    const made = this.#latest?.headers === headers ? this.#latest : this.#joined.get(headers);
    if (made && made.second === second && made.body === body) {
      this.#latest = made;
      return made.bytes;
    }
    const bytes = Buffer.concat([Buffer.from(this.head(status, headers, more), 'latin1'), sent]);
    const joined = { headers, second, body, bytes };
    this.#joined.set(headers, joined);
    this.#latest = joined;
    return bytes;
  }

  /** Status line and fields, with the empty line. */
  head(status: number, headers: readonly string[], more = ''): string {
    let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
    for (let index = 0; index < headers.length; index += 2)
      text += `${headers[index] ?? ''}: ${headers[index + 1] ?? ''}\r\n`;
    return `${text}Date: ${this.#dateText()}\r\n${this.#keepAlive}${more}\r\n`;
  }

  /** An answer of an origin server with a clock says when it was made (RFC 9110 §6.6.1). */
  #dateText(): string {
    const nowMs = this.#nowMs();
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#date = new Date(nowMs).toUTCString();
    }
    return this.#date;
  }
}

const NO_BODY = new Uint8Array(0);
const NO_HEADERS = headerList();

export class DirectResponse implements OriginResponse {
  readonly #socket: Socket;
  readonly #writer: AnswerWriter;
  readonly #onEnd: () => void;
  #status = 200;
  #headers: HeaderList | undefined;
  #isChunked = false;
  #onClose: (() => void) | undefined;

  /** @param onEnd called when the answer is written; the connection may take its next request. */
  constructor(socket: Socket, writer: AnswerWriter, onEnd: () => void) {
    this.#socket = socket;
    this.#writer = writer;
    this.#onEnd = onEnd;
  }

  writeHead(status: number, headers: HeaderList): void {
    this.#status = status;
    this.#headers = headers;
  }

  write(bytes: Uint8Array): boolean {
    // A chunk of no bytes would be the last one.
    if (bytes.byteLength === 0) return true;
    if (this.#isChunked) return this.#writer.writeChunk(this.#socket, bytes);
    this.#isChunked = true;
    return this.#writer.writeFirstChunk(this.#socket, this.#status, this.#headers ?? NO_HEADERS, bytes);
  }

  end(bytes: Uint8Array = NO_BODY): void {
    const headers = this.#headers ?? NO_HEADERS;
    if (!this.#isChunked && headers.includes(CONTENT_LENGTH)) {
      this.#writer.writeWhole(this.#socket, this.#status, headers, bytes);
    } else {
      this.write(bytes);
      if (!this.#isChunked) this.#socket.write(this.#writer.head(this.#status, headers, CHUNKED), 'latin1');
      this.#socket.write(LAST_CHUNK);
    }
    this.#onClose = undefined;
    this.#onEnd();
  }

  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  once(_event: 'close', listener: () => void): void {
    this.#onClose = listener;
  }

  /** Called when the client has gone. */
  closed(): void {
    const onClose = this.#onClose;
    this.#onClose = undefined;
    onClose?.();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
