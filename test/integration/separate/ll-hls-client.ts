/** A Low-Latency HLS client without pictures: follows a playlist by blocking reloads and takes every part. */
import { setTimeout as sleep } from 'node:timers/promises';
import { SEED_PROFILE } from '../../../domain/profile.ts';
import { EPOCH_MS } from '../../../domain/timeline.ts';

const RETRY_MS = 100;
const REQUEST_TIMEOUT_MS = 5_000;
const PARTS_PER_SEGMENT = SEED_PROFILE.segmentMs / SEED_PROFILE.partMs;

export interface TakenPart {
  /** Parts since EPOCH. */
  readonly ordinal: number;
  readonly byteCount: number;
  readonly atMs: number;
}

export class LlHlsClient {
  /** In the order of their arrival. */
  readonly parts: TakenPart[] = [];
  failureCount = 0;
  readonly #playlistUrl: string;

  /** @param playlistUrl of one rendition, such as http://host/open/cam-1/video.m3u8. */
  constructor(playlistUrl: string) {
    this.#playlistUrl = playlistUrl;
  }

  async run(signal: AbortSignal): Promise<void> {
    let next: number | undefined;
    while (!signal.aborted) {
      try {
        next = await this.#round(next);
      } catch {
        // A process behind the address is away: what every player does then is to try again.
        this.failureCount += 1;
        next = undefined;
        await sleep(RETRY_MS);
      }
    }
  }

  /** One reload and the parts that it names. @returns the part to wait for in the next one. */
  async #round(next: number | undefined): Promise<number | undefined> {
    const url = new URL(this.#playlistUrl);
    if (next !== undefined) {
      url.searchParams.set('_HLS_msn', String(Math.floor(next / PARTS_PER_SEGMENT)));
      url.searchParams.set('_HLS_part', String(next % PARTS_PER_SEGMENT));
    }
    const playlist = (await ask(url)).toString();
    const newest = this.parts.at(-1)?.ordinal;
    let last = newest;
    for (const line of playlist.split('\n')) {
      const [, uri, segment, part] = /^#EXT-X-PART:.*URI="([^"]*?(\d+)\.(\d+)\.m4s[^"]*)"/.exec(line) ?? [];
      if (uri === undefined || line.includes('GAP=YES')) continue;
      const ordinal = Number(segment) * PARTS_PER_SEGMENT + Number(part);
      if (newest !== undefined && ordinal <= newest) continue;
      const bytes = await ask(new URL(uri, url));
      this.parts.push({ ordinal, byteCount: bytes.byteLength, atMs: Date.now() });
      last = ordinal;
    }
    return last === undefined ? undefined : last + 1;
  }

  /** How late the newest part was by the clock when it was here, ms: from its end to its arrival. */
  get latencyMs(): number {
    const newest = this.parts.at(-1);
    if (!newest) return Number.POSITIVE_INFINITY;
    return newest.atMs - (EPOCH_MS + (newest.ordinal + 1) * SEED_PROFILE.partMs);
  }
}

async function ask(url: URL): Promise<Buffer> {
  const response = await fetch(url, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
  if (!response.ok) throw new Error(`${url.pathname}: ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}
