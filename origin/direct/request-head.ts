/**
 * Reads the head of a plain GET request (RFC 9112 §3, §5), and of nothing else: whoever is in the least unusual
 * is left to node:http, so that this never has to decide what a doubtful request means.
 */

import { TextMemory } from '../text-memory.ts';

/** A header block by its lower-case names. */
export type HeaderRecord = Readonly<Record<string, string>>;

export interface PlainGet {
  /** Path and query, as sent. */
  readonly url: string;
  readonly headers: HeaderRecord;
}

const METHOD = 'GET ';
const VERSION = ' HTTP/1.1';
/** Only what the origin itself answers; everything else is rare. */
const URL_PATTERN = /^\/(?:live|open)\/[\x21-\x7e]*$/;
/** A token, a colon, and visible ASCII: no folding, no bare CR or LF, nothing of obs-text. */
const FIELD_PATTERN = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*([\x20-\x7e]*)$/;
/** Fields that give a request a body, or its connection another meaning. */
const UNUSUAL_FIELDS: ReadonlySet<string> = new Set([
  'content-length',
  'expect',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
/** The viewers of one browser release send the same block with every request. */
const REMEMBERED_COUNT_MAX = 256;
/** A longer one holds cookies of one viewer, which nobody else sends. */
const REMEMBERED_LENGTH_MAX = 1_024;

export class HeadReader {
  readonly #remembered = new TextMemory<HeaderRecord>({
    countMax: REMEMBERED_COUNT_MAX,
    lengthMax: REMEMBERED_LENGTH_MAX,
  });

  /** How many header blocks are remembered. */
  get size(): number {
    return this.#remembered.size;
  }

  /**
   * @param head of a request, one character for each byte, without the empty line at its end.
   * @returns undefined for what is not a plain GET of a live or open path.
   */
  read(head: string): PlainGet | undefined {
    const lineEnd = head.indexOf('\r\n');
    if (lineEnd < 0 || !head.startsWith(METHOD)) return undefined;
    const urlEnd = lineEnd - VERSION.length;
    if (!head.startsWith(VERSION, urlEnd)) return undefined;
    const url = head.slice(METHOD.length, urlEnd);
    if (!URL_PATTERN.test(url)) return undefined;
    const headers = this.#headers(head.slice(lineEnd + 2));
    return headers && { url, headers };
  }

  #headers(block: string): HeaderRecord | undefined {
    const remembered = this.#remembered.get(block);
    if (remembered) return remembered;
    const headers = headersOf(block);
    if (headers) this.#remembered.set(block, headers);
    return headers;
  }
}

function headersOf(block: string): HeaderRecord | undefined {
  const headers = new Map<string, string>();
  for (const line of block.split('\r\n')) {
    const [, field, value] = FIELD_PATTERN.exec(line) ?? [];
    if (field === undefined || value === undefined) return undefined;
    const name = field.toLowerCase();
    // Twice the same name: how to join them differs from name to name.
    if (UNUSUAL_FIELDS.has(name) || headers.has(name)) return undefined;
    headers.set(name, value.trimEnd());
  }
  const connection = headers.get('connection')?.toLowerCase();
  if (!headers.has('host') || (connection !== undefined && connection !== 'keep-alive')) return undefined;
  return Object.fromEntries(headers);
}
