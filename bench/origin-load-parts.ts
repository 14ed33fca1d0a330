/**
 * A client of the origin bench that does as hls.js: one connection, one request at a time, playlist and part by
 * turns.
 */
import type { Socket } from 'node:net';
import { SEED_PROFILE } from '../domain/profile.ts';
import { partFromOrdinal } from '../domain/timeline.ts';
import { AnswerReader } from './origin-load-answer.ts';
import {
  INSTANT_LENGTH,
  instantOf,
  type LoadClient,
  newestOrdinal,
  nowMs,
  type OriginAddress,
  openConnection,
  RETRY_MS,
  remember,
  requestOf,
  type Sample,
} from './origin-load-sample.ts';

/** A client that is further behind goes to the live edge, as players do. */
export const MAX_PARTS_BEHIND = 20;

const playlistRequest = remember((ordinal) => {
  const { mediaSequenceNumber, partIndex } = partFromOrdinal(ordinal, SEED_PROFILE);
  return requestOf(`av.m3u8?_HLS_msn=${mediaSequenceNumber}&_HLS_part=${partIndex}`);
});
const partRequest = remember((ordinal) => {
  const { mediaSequenceNumber, partIndex } = partFromOrdinal(ordinal, SEED_PROFILE);
  return requestOf(`av/${mediaSequenceNumber}.${partIndex}.m4s`);
});

export class PartClient implements LoadClient {
  readonly #socket: Socket;
  readonly #sample: Sample;
  #ordinal = newestOrdinal();
  #wants: 'playlist' | 'part' = 'playlist';
  #announcedAtMs = 0;
  #playlistAtMs = 0;
  #askedPartAtMs = 0;

  constructor(address: OriginAddress, sample: Sample) {
    this.#sample = sample;
    const reader = new AnswerReader(INSTANT_LENGTH, {
      onBodyBegin: (bytes, start) => {
        if (this.#wants === 'part') this.#announcedAtMs = instantOf(this.#ordinal, bytes, start);
      },
      onBodyEnd: () => undefined,
      onAnswer: (isOk) => this.#answered(isOk),
    });
    this.#socket = openConnection(address, sample, {
      onConnect: () => this.#ask(),
      onBytes: (bytes, byteCount) => reader.read(bytes, byteCount),
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #ask(): void {
    if (this.#wants === 'playlist') {
      this.#socket.write(playlistRequest(this.#ordinal));
    } else {
      this.#askedPartAtMs = nowMs();
      this.#socket.write(partRequest(this.#ordinal));
    }
  }

  #answered(isOk: boolean): void {
    if (!isOk) {
      this.#sample.errorCount += 1;
      this.#ordinal = newestOrdinal();
      this.#wants = 'playlist';
      setTimeout(() => this.#ask(), RETRY_MS);
      return;
    }
    if (this.#wants === 'playlist') {
      this.#playlistAtMs = nowMs();
      this.#wants = 'part';
    } else {
      this.#measure();
      this.#ordinal += 1;
      const newest = newestOrdinal();
      if (newest - this.#ordinal > MAX_PARTS_BEHIND) {
        this.#ordinal = newest;
        this.#sample.jumpCount += 1;
      }
      this.#wants = 'playlist';
    }
    this.#ask();
  }

  #measure(): void {
    const { isMeasured, playlistMs, partMs, partAnswerMs } = this.#sample;
    if (!isMeasured) return;
    const atMs = nowMs();
    playlistMs.add(this.#playlistAtMs - this.#announcedAtMs);
    partMs.add(atMs - this.#announcedAtMs);
    partAnswerMs.add(atMs - Math.max(this.#announcedAtMs, this.#askedPartAtMs));
  }
}
