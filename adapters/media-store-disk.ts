/**
 * The media store in a directory. Readers see a file whole or not at all, and a second writer of one key is
 * refused, even when the two are different processes: bytes go to a temporary file, which `link` then gives
 * its name. `link` fails when the name is taken; `rename` would silently replace it.
 */
import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, readFile, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type {
  MediaStoreCleaner,
  MediaStoreReader,
  MediaStoreWriter,
  ObjectWriter,
} from '../domain/media-store.ts';
import { storeErrors } from './errors.ts';
import { assertKey, assertPrefix, isPartKey } from './media-store-keys.ts';

/** Beside the objects, because a link cannot leave its file system. Keys cannot start with a dot and a slash. */
const TEMPORARY_DIRECTORY = '.incoming';

export class DiskMediaStore implements MediaStoreWriter, MediaStoreReader, MediaStoreCleaner, ObjectWriter {
  readonly #directory: string;
  readonly #knownDirectories = new Set<string>();

  constructor(options: { readonly directory: string }) {
    this.#directory = options.directory;
  }

  async put(
    key: string,
    bytes: Uint8Array,
    options: { readonly signal: AbortSignal },
  ): Promise<'stored' | 'exists'> {
    return this.#place(key, bytes, options.signal, async (temporary, target) => {
      try {
        await link(temporary, target);
        return 'stored';
      } catch (error) {
        if (codeOf(error) === 'EEXIST') return 'exists';
        throw error;
      } finally {
        await rm(temporary, { force: true });
      }
    });
  }

  async write(
    key: string,
    bytes: Uint8Array,
    options: { readonly contentType: string; readonly signal: AbortSignal },
  ): Promise<void> {
    await this.#place(key, bytes, options.signal, rename);
  }

  async get(key: string, options: { readonly signal: AbortSignal }): Promise<Uint8Array | undefined> {
    assertKey(key);
    options.signal.throwIfAborted();
    try {
      return await readFile(join(this.#directory, key), { signal: options.signal });
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw this.#problem(error, options.signal);
    }
  }

  async removePrefix(prefix: string): Promise<void> {
    assertPrefix(prefix);
    try {
      this.#knownDirectories.clear();
      await rm(join(this.#directory, prefix), { recursive: true, force: true });
    } catch (error) {
      throw this.#problem(error);
    }
  }

  /**
   * Deletes the live parts that are older than the retention. Any process may call it, now and then; it reads
   * one listing per track and looks at each deleted file and one more.
   *
   * @param prefix the folder below which the parts lie, `streams/`. Nothing outside it is looked at.
   * @returns how many parts were deleted.
   */
  async removeOldParts(prefix: string, oldestKeptMs: number): Promise<number> {
    assertPrefix(prefix);
    try {
      return await removeOldPartsBelow(join(this.#directory, prefix), oldestKeptMs);
    } catch (error) {
      throw this.#problem(error);
    }
  }

  async #place<Result>(
    key: string,
    bytes: Uint8Array,
    signal: AbortSignal,
    place: (temporary: string, target: string) => Promise<Result>,
  ): Promise<Result> {
    assertKey(key);
    signal.throwIfAborted();
    const temporary = join(this.#directory, TEMPORARY_DIRECTORY, randomUUID());
    const target = join(this.#directory, key);
    const attempt = async () => {
      await this.#ensureDirectory(dirname(temporary));
      await this.#ensureDirectory(dirname(target));
      await writeFile(temporary, bytes, { flag: 'w', signal });
      return place(temporary, target);
    };
    try {
      try {
        return await attempt();
      } catch (error) {
        // Another process removed the stream's directory since this one made it: make it again, once.
        if (!isMissing(error)) throw error;
        this.#knownDirectories.clear();
        return await attempt();
      }
    } catch (error) {
      await unlink(temporary).catch(() => undefined);
      throw this.#problem(error, signal);
    }
  }

  async #ensureDirectory(directory: string): Promise<void> {
    if (this.#knownDirectories.has(directory)) return;
    await mkdir(directory, { recursive: true });
    this.#knownDirectories.add(directory);
  }

  #problem(error: unknown, signal?: AbortSignal): unknown {
    if (signal?.aborted) return signal.reason;
    const detail = `Directory ${this.#directory}.`;
    switch (codeOf(error)) {
      case 'ENOSPC':
      case 'EDQUOT':
        return storeErrors.create('FULL', detail, { cause: error });
      case 'EACCES':
      case 'EROFS':
        return storeErrors.create('FORBIDDEN', detail, { cause: error });
      case 'EPERM':
      case 'ENOTSUP':
      case 'ENOSYS':
      case 'EMLINK':
        return storeErrors.create('NO_LINKS', detail, { cause: error });
      case 'ENOENT':
      case 'ENOTDIR':
        return storeErrors.create('NOT_FOUND', detail, { cause: error });
      default:
        return storeErrors.create('FAILED', detail, { cause: error });
    }
  }
}

async function removeOldPartsBelow(directory: string, oldestKeptMs: number): Promise<number> {
  let deletedCount = 0;
  const partNames: string[] = [];
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  for (const entry of entries) {
    if (entry.isDirectory())
      deletedCount += await removeOldPartsBelow(join(directory, entry.name), oldestKeptMs);
    else if (isPartKey(entry.name)) partNames.push(entry.name);
  }
  // A part's name is its place in time, so the first young one ends the search.
  partNames.sort(byMediaSequenceNumber);
  for (const name of partNames) {
    const path = join(directory, name);
    try {
      if ((await stat(path)).mtimeMs >= oldestKeptMs) break;
      await unlink(path);
      deletedCount += 1;
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  return deletedCount;
}

/** Of `{msn}.{part}.m4s`. */
function byMediaSequenceNumber(a: string, b: string): number {
  return Number.parseFloat(a) - Number.parseFloat(b);
}

function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
