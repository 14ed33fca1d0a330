/** The data directory: usable, ours alone for as long as this process lives, and kept from growing. */
import { createHash } from 'node:crypto';
import { mkdir, realpath, rm, stat, statfs, unlink, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { messageOf } from '../domain/errors.ts';
import { LIVE_EDGE_WINDOW_MS } from '../domain/live-edge.ts';
import type { Log } from '../domain/log.ts';
import { localErrors } from './errors.ts';

/** Parts older than this are in no playlist and in no origin's window any more. */
const RETENTION_MS = LIVE_EDGE_WINDOW_MS + 20_000;
const CLEAN_EVERY_MS = 5_000;
/** A minute of 25 streams is about 90 MB; below this the feeds would soon fail. */
const FREE_BYTES_MIN = 200 * 1024 * 1024;
const CONNECT_TIMEOUT_MS = 1_000;

export interface HeldDirectory {
  readonly path: string;
  release(): Promise<void>;
}

/**
 * Makes the directory, tries to write in it, and holds it against a second mirror. The lock is a local socket:
 * the system takes it away with the process, however that ends, so that it is never stale.
 *
 * @throws MirrorError LOCAL_DATA_DIR_UNUSABLE, LOCAL_DATA_DIR_IN_USE.
 */
export async function holdDataDirectory(directory: string): Promise<HeldDirectory> {
  const path = await usableDirectory(resolve(directory));
  const lockPath = lockPathOf(path);
  let server: Server;
  try {
    server = await listenOnLock(lockPath);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
    if (await isAnswered(lockPath)) throw localErrors.create('DATA_DIR_IN_USE', `It is ${path}.`);
    // Left behind by a process that was killed.
    await unlink(lockPath);
    server = await listenOnLock(lockPath);
  }
  server.unref();
  return { path, release: () => new Promise((done) => server.close(() => done())) };
}

async function usableDirectory(directory: string): Promise<string> {
  try {
    await makeDirectory(directory);
    const path = await realpath(directory);
    const probe = join(path, '.write-probe');
    await writeFile(probe, 'x');
    await rm(probe);
    const { bavail, bsize } = await statfs(path);
    if (bavail * bsize < FREE_BYTES_MIN) {
      throw new Error(`only ${Math.round((bavail * bsize) / 1024 / 1024)} MB are free on its disk`);
    }
    return path;
  } catch (error) {
    throw localErrors.create('DATA_DIR_UNUSABLE', `It is ${directory}: ${messageOf(error)}.`, {
      cause: error,
    });
  }
}

/** Level by level: Node's own recursive way never ends where a system lets nobody make a directory, as in /proc. */
async function makeDirectory(directory: string): Promise<void> {
  const found = await stat(directory).catch(() => undefined);
  if (found?.isDirectory()) return;
  if (dirname(directory) !== directory) await makeDirectory(dirname(directory));
  await mkdir(directory);
}

/** In the system's folder for temporary files, since the path of a socket may have 107 bytes at most. */
function lockPathOf(directory: string): string {
  const name = `mirror-${createHash('sha256').update(directory).digest('hex').slice(0, 16)}`;
  return process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : join(tmpdir(), `${name}.sock`);
}

function listenOnLock(path: string): Promise<Server> {
  return new Promise((done, fail) => {
    const server = createServer((socket) => socket.end());
    server.once('error', fail);
    server.listen(path, () => done(server));
  });
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(path);
    socket.setTimeout(CONNECT_TIMEOUT_MS);
    const settle = (answered: boolean) => {
      socket.destroy();
      done(answered);
    };
    socket.once('connect', () => settle(true));
    socket.once('timeout', () => settle(true));
    socket.once('error', () => settle(false));
  });
}

/** What the cleaner needs of the disk store. */
export interface OldPartRemover {
  removeOldParts(prefix: string, oldestKeptMs: number): Promise<number>;
}

export class PartCleaner {
  readonly #dependencies: {
    readonly store: OldPartRemover;
    readonly nowMs: () => number;
    readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
    readonly log: Log;
  };

  constructor(dependencies: {
    readonly store: OldPartRemover;
    readonly nowMs: () => number;
    readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
    readonly log: Log;
  }) {
    this.#dependencies = dependencies;
  }

  /** Deletes what is past its time, every few seconds, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { store, nowMs, sleep, log } = this.#dependencies;
    while (!signal.aborted) {
      try {
        await store.removeOldParts('streams/', nowMs() - RETENTION_MS);
      } catch (error) {
        log.warn('clean-failed', { reason: messageOf(error) });
      }
      await sleep(CLEAN_EVERY_MS, signal);
    }
  }
}
