/**
 * Thumbnails that cost neither a GPU nor a server anything: the init segment and the newest whole segment, which
 * is one closed group of pictures, are put together as a file, and its first picture is drawn. Two files of
 * 20 kB that any viewer of the stream asks for as well, so behind a CDN they are there already.
 */

import { SEED_PROFILE } from '../../domain/profile.ts';
import { EPOCH_MS } from '../../domain/timeline.ts';
import { mediaOrigin } from '../selection.ts';

export interface SignedFolder {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
}

/** What opens a stream's media, and until when. */
export interface MediaGrant {
  readonly media: SignedFolder;
  readonly recordings: SignedFolder;
  readonly expiresAtMs: number;
}

export interface ThumbnailDependencies {
  readonly grantOf: (streamId: string) => Promise<MediaGrant>;
  /** By the server's clock, to a second or so. */
  readonly serverNowMs: () => number;
}

/** Segments this old are whole everywhere, and a clock that is a second off does no harm. */
const AGE_MS = 2_500;
const REQUEST_TIMEOUT_MS = 4_000;
/** A picture that is not decoded by then will not be. */
const DECODE_TIMEOUT_MS = 3_000;
/** Decoders at work at the same time. */
const BUSY_MAX = 2;
/** Whose init segments are kept; it is asked for again when a stream was started anew with other settings. */
const INITS_MAX = 64;

export class Thumbnails {
  readonly #dependencies: ThumbnailDependencies;
  readonly #inits = new Map<string, ArrayBuffer>();
  readonly #waiting: (() => void)[] = [];
  #busyCount = 0;

  constructor(dependencies: ThumbnailDependencies) {
    this.#dependencies = dependencies;
  }

  /** Draws the newest picture of a stream. @returns false when there is none now. */
  async draw(streamId: string, canvas: HTMLCanvasElement, signal: AbortSignal): Promise<boolean> {
    await this.#turn();
    try {
      if (signal.aborted) return false;
      const { media } = await this.#dependencies.grantOf(streamId);
      const url = (file: string) => signedMediaUrl(streamId, media, `video/${file}`);
      const { serverNowMs } = this.#dependencies;
      const number = Math.floor((serverNowMs() - AGE_MS - EPOCH_MS) / SEED_PROFILE.segmentMs);
      const [init, segment] = await Promise.all([
        this.#init(streamId, url('init.mp4'), signal),
        fetchedBytes(url(`${number}.m4s`), signal),
      ]);
      if (!init || !segment || segment.byteLength === 0) return false;
      const isDrawn = await drawFirstPicture([init, segment], canvas, signal);
      if (!isDrawn) this.#inits.delete(streamId);
      return isDrawn;
    } catch {
      // No network, no stream, no right to it: the place stays as it is, and the list says what is wrong.
      return false;
    } finally {
      this.#busyCount -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #turn(): Promise<void> {
    if (this.#busyCount >= BUSY_MAX) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#busyCount += 1;
  }

  async #init(streamId: string, url: string, signal: AbortSignal): Promise<ArrayBuffer | undefined> {
    const kept = this.#inits.get(streamId);
    if (kept) return kept;
    const init = await fetchedBytes(url, signal);
    if (!init) return undefined;
    if (this.#inits.size >= INITS_MAX) this.#inits.clear();
    this.#inits.set(streamId, init);
    return init;
  }
}

/** Address of a file below a signed folder, at the host where this page finds media. */
export function signedMediaUrl(streamId: string, folder: SignedFolder, file: string): string {
  const query = new URLSearchParams(folder.query).toString();
  return `${mediaOrigin(streamId, location)}${folder.path}${file}${query === '' ? '' : `?${query}`}`;
}

async function fetchedBytes(url: string, signal: AbortSignal): Promise<ArrayBuffer | undefined> {
  const response = await fetch(url, {
    credentials: 'omit',
    signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
  });
  return response.ok ? response.arrayBuffer() : undefined;
}

/** A file in a video element that nobody sees; it is paused, so that one picture is all that is decoded. */
async function drawFirstPicture(
  pieces: readonly ArrayBuffer[],
  canvas: HTMLCanvasElement,
  signal: AbortSignal,
): Promise<boolean> {
  const address = URL.createObjectURL(new Blob([...pieces], { type: 'video/mp4' }));
  const video = document.createElement('video');
  video.muted = true;
  video.playsInline = true;
  video.preload = 'auto';
  try {
    const isReady = await new Promise<boolean>((resolve) => {
      const patience = AbortSignal.any([signal, AbortSignal.timeout(DECODE_TIMEOUT_MS)]);
      patience.addEventListener('abort', () => resolve(false), { once: true });
      video.addEventListener('loadeddata', () => resolve(true), { once: true });
      video.addEventListener('error', () => resolve(false), { once: true });
      video.src = address;
    });
    const context = canvas.getContext('2d');
    if (!isReady || !context || video.videoWidth === 0) return false;
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    context.drawImage(video, 0, 0);
    return true;
  } finally {
    video.removeAttribute('src');
    video.load();
    URL.revokeObjectURL(address);
  }
}
