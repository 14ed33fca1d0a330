/** Reads answers of HTTP/1.1 from bytes that come in any pieces, without keeping bodies. */

const HEAD_END = Buffer.from('\r\n\r\n');
const LENGTH_FIELD = Buffer.from('\r\nContent-Length: ');
const LINE_END = Buffer.from('\r\n');
const STATUS_START = 'HTTP/1.1 '.length;
const OK = Buffer.from('200');
const ZERO = '0'.charCodeAt(0);

export interface AnswerListener {
  /**
   * A body of known length, or a chunk of one (RFC 9112 §7.1), has begun.
   * @param start where it begins in `bytes`, which hold at least `firstByteCount` bytes of it, or all.
   */
  onBodyBegin(bytes: Buffer, start: number): void;
  /** All of it was read; in a chunked body, of one chunk. */
  onBodyEnd(): void;
  /** The answer has ended. It may ask for the next. */
  onAnswer(isOk: boolean): void;
}

/** How far an answer was read. */
type Expected = 'head' | 'body' | 'chunk-line' | 'chunk' | 'last-chunk';

export class AnswerReader {
  readonly #listener: AnswerListener;
  readonly #firstByteCount: number;
  #expected: Expected = 'head';
  #isOk = false;
  /** Of the body or chunk; a chunk's line end is counted in. */
  #missingByteCount = 0;
  /** The beginning of a head, or of a body, of which the rest is still to come. */
  #begun: Buffer | undefined;

  /** @param firstByteCount how much of a body or chunk is to be seen at its beginning. */
  constructor(firstByteCount: number, listener: AnswerListener) {
    this.#firstByteCount = firstByteCount;
    this.#listener = listener;
  }

  /** @param bytes of which the first `byteCount` are new. They are not kept. */
  read(bytes: Buffer, byteCount: number): void {
    let from = bytes;
    let end = byteCount;
    if (this.#begun) {
      from = Buffer.concat([this.#begun, bytes.subarray(0, byteCount)]);
      end = from.byteLength;
      this.#begun = undefined;
    }
    let position = 0;
    while (position < end) {
      const next = this.#readOne(from, position, end);
      if (next === position) {
        this.#begun = Buffer.from(from.subarray(position, end));
        return;
      }
      position = next;
    }
  }

  /** @returns where it came to; the same position when there is too little to go on. */
  #readOne(bytes: Buffer, position: number, end: number): number {
    switch (this.#expected) {
      case 'head':
        return this.#readHead(bytes, position, end);
      case 'chunk-line':
        return this.#readChunkLine(bytes, position, end);
      default: {
        const readCount = Math.min(this.#missingByteCount, end - position);
        this.#missingByteCount -= readCount;
        if (this.#missingByteCount === 0) this.#ended();
        return position + readCount;
      }
    }
  }

  #readHead(bytes: Buffer, position: number, end: number): number {
    const headEnd = indexOf(bytes, HEAD_END, position, end);
    if (headEnd < 0) return position;
    const bodyStart = headEnd + HEAD_END.byteLength;
    const lengthField = indexOf(bytes, LENGTH_FIELD, position, headEnd + LINE_END.byteLength);
    const isChunked = lengthField < 0;
    const length = isChunked ? 0 : decimal(bytes, lengthField + LENGTH_FIELD.byteLength);
    if (end - bodyStart < Math.min(length, this.#firstByteCount)) return position;
    this.#isOk = isStatusOk(bytes, position);
    if (isChunked) {
      this.#expected = 'chunk-line';
      return bodyStart;
    }
    this.#expected = 'body';
    this.#missingByteCount = length;
    if (this.#isOk) this.#listener.onBodyBegin(bytes, bodyStart);
    if (length === 0) this.#ended();
    return bodyStart;
  }

  #readChunkLine(bytes: Buffer, position: number, end: number): number {
    const lineEnd = indexOf(bytes, LINE_END, position, end);
    if (lineEnd < 0) return position;
    const length = Number.parseInt(bytes.toString('latin1', position, lineEnd), 16);
    const start = lineEnd + LINE_END.byteLength;
    const withLineEnd = length + LINE_END.byteLength;
    if (end - start < Math.min(withLineEnd, this.#firstByteCount)) return position;
    this.#missingByteCount = withLineEnd;
    this.#expected = length === 0 ? 'last-chunk' : 'chunk';
    if (length > 0) this.#listener.onBodyBegin(bytes, start);
    return start;
  }

  #ended(): void {
    const ended = this.#expected;
    this.#expected = ended === 'chunk' ? 'chunk-line' : 'head';
    if (this.#isOk && ended !== 'last-chunk') this.#listener.onBodyEnd();
    if (ended !== 'chunk') this.#listener.onAnswer(this.#isOk);
  }
}

function indexOf(bytes: Buffer, wanted: Buffer, position: number, end: number): number {
  const index = bytes.indexOf(wanted, position);
  return index < 0 || index + wanted.byteLength > end ? -1 : index;
}

/** Without a string: this is asked for each answer. */
function decimal(bytes: Buffer, position: number): number {
  let value = 0;
  for (let index = position; index < bytes.byteLength; index += 1) {
    const digit = (bytes[index] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  return value;
}

function isStatusOk(bytes: Buffer, headStart: number): boolean {
  const start = headStart + STATUS_START;
  return bytes[start] === OK[0] && bytes[start + 1] === OK[1] && bytes[start + 2] === OK[2];
}
