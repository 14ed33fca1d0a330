/**
 * The media store in a directory. Readers see a file whole or not at all, and a second writer of one key is
 * refused, even when the two are different processes: bytes go to a temporary file, which `link` then gives
 * its name. `link` fails when the name is taken; `rename` would silently replace it.
 *
 * Parts that are too old for any reader lend their files to new ones. Making a file costs ext4 up to 0.9 ms
 * where many were deleted in the last minutes, which is what live parts do; a file used again costs 0.05 ms.
 *
 * `put` uses synchronous calls: all of them together take some 0.05 ms in the page cache, while each
 * asynchronous one would queue behind FFmpeg for a thread of libuv.
 */
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LIVE_EDGE_WINDOW_MS } from '../domain/live-edge.ts';
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
/** Nothing that the live edge still names, and no one who is just reading its oldest part, is touched. */
const LEND_AFTER_MS = LIVE_EDGE_WINDOW_MS + 10_000;

export class DiskMediaStore implements MediaStoreWriter, MediaStoreReader, MediaStoreCleaner, ObjectWriter {
  readonly #directory: string;
  readonly #nowMs: () => number;
  readonly #knownDirectories = new Set<string>();
  /** The parts that this instance stored, oldest first: as many as fit into LEND_AFTER_MS. */
  readonly #stored: { readonly path: string; readonly atMs: number }[] = [];

  /** @param options.nowMs a monotonic clock; only tests need another one. */
  constructor(options: { readonly directory: string; readonly nowMs?: () => number }) {
    this.#directory = options.directory;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  async put(
    key: string,
    bytes: Uint8Array,
    options: { readonly signal: AbortSignal },
  ): Promise<'stored' | 'exists'> {
    assertKey(key);
    options.signal.throwIfAborted();
    const temporary = join(this.#directory, TEMPORARY_DIRECTORY, randomUUID());
    const target = join(this.#directory, key);
    const attempt = () => {
      for (const path of [temporary, target]) this.#ensureDirectorySync(dirname(path));
      try {
        if (!this.#fillBorrowed(temporary, bytes)) writeFileSync(temporary, bytes);
        linkSync(temporary, target);
      } catch (error) {
        if (codeOf(error) === 'EEXIST') return 'exists';
        throw error;
      } finally {
        unlinkIfThere(temporary);
      }
      if (isPartKey(key)) this.#stored.push({ path: target, atMs: this.#nowMs() });
      return 'stored';
    };
    try {
      return this.#again(attempt);
    } catch (error) {
      throw this.#problem(error);
    }
  }

  async write(
    key: string,
    bytes: Uint8Array,
    options: { readonly contentType: string; readonly signal: AbortSignal },
  ): Promise<void> {
    assertKey(key);
    options.signal.throwIfAborted();
    const temporary = join(this.#directory, TEMPORARY_DIRECTORY, randomUUID());
    const target = join(this.#directory, key);
    try {
      for (const path of [temporary, target]) await mkdir(dirname(path), { recursive: true });
      await writeFile(temporary, bytes, { signal: options.signal });
      await rename(temporary, target);
    } catch (error) {
      await unlink(temporary).catch(() => undefined);
      throw this.#problem(error, options.signal);
    }
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

  /** @returns false when no part is old enough to lend its file. */
  #fillBorrowed(temporary: string, bytes: Uint8Array): boolean {
    const oldestMs = this.#nowMs() - LEND_AFTER_MS;
    for (let oldest = this.#stored[0]; oldest && oldest.atMs < oldestMs; oldest = this.#stored[0]) {
      this.#stored.shift();
      try {
        renameSync(oldest.path, temporary);
      } catch (error) {
        // Deleted by now, with its stream or for its age.
        if (isMissing(error)) continue;
        throw error;
      }
      this.#overwrite(temporary, bytes);
      return true;
    }
    return false;
  }

  #overwrite(path: string, bytes: Uint8Array): void {
    const file = openSync(path, 'r+');
    try {
      writeFileSync(file, bytes);
      ftruncateSync(file, bytes.length);
    } finally {
      closeSync(file);
    }
  }

  /** Another process may have removed the stream's directory since this one made it: made again, once. */
  #again<Result>(attempt: () => Result): Result {
    try {
      return attempt();
    } catch (error) {
      if (!isMissing(error)) throw error;
      this.#knownDirectories.clear();
      return attempt();
    }
  }

  #ensureDirectorySync(directory: string): void {
    if (this.#knownDirectories.has(directory)) return;
    mkdirSync(directory, { recursive: true });
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

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
