/** Remembers how the newest URLs read: the viewers of a stream ask for the same few in the same instant. */
import { type ParsedRequest, parseRequest } from './request.ts';
import { TextMemory } from './text-memory.ts';

/** Parts, playlists and segments of some 50 streams at the live edge. */
const REMEMBERED_COUNT_MAX = 512;
/** A longer one carries a viewer's own signature, and nobody else asks for it. */
const REMEMBERED_LENGTH_MAX = 128;

export class RequestMemory {
  readonly #urlLengthMax: number;
  readonly #parsed = new TextMemory<ParsedRequest>({
    countMax: REMEMBERED_COUNT_MAX,
    lengthMax: REMEMBERED_LENGTH_MAX,
  });

  constructor(urlLengthMax: number) {
    this.#urlLengthMax = urlLengthMax;
  }

  /** How many URLs are remembered. */
  get size(): number {
    return this.#parsed.size;
  }

  /** As `parseRequest`. */
  parse(method: string | undefined, url: string | undefined): ParsedRequest {
    if (method !== 'GET' || url === undefined) return parseRequest(method, url, this.#urlLengthMax);
    const remembered = this.#parsed.get(url);
    if (remembered) return remembered;
    const parsed = parseRequest(method, url, this.#urlLengthMax);
    // What is refused is not asked for by many, and must not push out what is.
    if (parsed.kind !== 'rejected') this.#parsed.set(url, parsed);
    return parsed;
  }
}
