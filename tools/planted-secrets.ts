/**
 * Tests plant secrets that are made to be found: `planted-secret-...`. Nothing that a test run prints may hold
 * one, whichever part wrote it: a log, an error, a child process.
 */
const PLANTED = /[\w-]*planted-secret-[\w-]+/g;
/** Longer than any of them: what a chunk ends with may go on in the next. */
const OVERLAP_CHAR_COUNT = 100;
const REPORT_COUNT_MAX = 5;
/** What stands around one in the report, to find who printed it. */
const CONTEXT_CHAR_COUNT = 80;

export class PlantedSecretWatch {
  readonly #found: string[] = [];
  #rest = '';

  /** The places that were found, the first few of them, with what stood around. */
  get found(): readonly string[] {
    return this.#found;
  }

  see(chunk: string | Uint8Array): void {
    const text = this.#rest + (typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString());
    let seenTo = Math.max(0, text.length - OVERLAP_CHAR_COUNT);
    for (const match of text.matchAll(PLANTED)) {
      const end = match.index + match[0].length;
      seenTo = Math.max(seenTo, end);
      if (this.#found.length < REPORT_COUNT_MAX)
        this.#found.push(
          text.slice(Math.max(0, match.index - CONTEXT_CHAR_COUNT), end + CONTEXT_CHAR_COUNT).trim(),
        );
    }
    this.#rest = text.slice(seenTo);
  }
}

/** Sees everything that this process prints from now on; its children's output comes out through it. */
export function watchOutput(): PlantedSecretWatch {
  const watch = new PlantedSecretWatch();
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream);
    // The two shapes of `write` have nothing in common but their first argument.
    stream.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
      watch.see(chunk);
      return Reflect.apply(write, stream, [chunk, ...rest]) === true;
    };
  }
  return watch;
}
