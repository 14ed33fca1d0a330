/**
 * A client of the origin bench that does as our own player: one request for each segment, whose parts are read
 * as they come, and the next one as soon as it has ended.
 */
import type { Socket } from 'node:net';
import { SEED_PROFILE } from '../domain/profile.ts';
import { partAt, partsPerSegment } from '../domain/timeline.ts';
import { AnswerReader } from './origin-load-answer.ts';
import {
  INSTANT_LENGTH,
  instantOf,
  type LoadClient,
  nowMs,
  type OriginAddress,
  openConnection,
  RETRY_MS,
  remember,
  requestOf,
  type Sample,
} from './origin-load-sample.ts';

/** A client that is further behind goes to the live edge, as players do. */
const MAX_SEGMENTS_BEHIND = 4;
const PARTS_PER_SEGMENT = partsPerSegment(SEED_PROFILE);

const segmentRequest = remember((segment) => requestOf(`video/${segment}.m4s`));

export class SegmentClient implements LoadClient {
  readonly #socket: Socket;
  readonly #sample: Sample;
  #segment = newestSegment() + 1;
  #partIndex = 0;
  #announcedAtMs = 0;

  constructor(address: OriginAddress, sample: Sample) {
    this.#sample = sample;
    // The origin writes each part as one chunk. A segment that came whole had ended before it was asked for:
    // then this client is late, by what its first part says.
    const reader = new AnswerReader(INSTANT_LENGTH, {
      onBodyBegin: (bytes, start) => {
        const ordinal = this.#segment * PARTS_PER_SEGMENT + this.#partIndex;
        this.#announcedAtMs = instantOf(ordinal, bytes, start);
      },
      onBodyEnd: () => {
        this.#partIndex += 1;
        if (sample.isMeasured) sample.partMs.add(nowMs() - this.#announcedAtMs);
      },
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
    this.#partIndex = 0;
    this.#socket.write(segmentRequest(this.#segment));
  }

  #answered(isOk: boolean): void {
    if (!isOk) {
      this.#sample.errorCount += 1;
      this.#segment = newestSegment() + 1;
      setTimeout(() => this.#ask(), RETRY_MS);
      return;
    }
    this.#segment += 1;
    const newest = newestSegment();
    if (newest - this.#segment > MAX_SEGMENTS_BEHIND) {
      this.#segment = newest + 1;
      this.#sample.jumpCount += 1;
    }
    this.#ask();
  }
}

function newestSegment(): number {
  return partAt(Date.now(), SEED_PROFILE).mediaSequenceNumber;
}

/** Parts that a client receives each second when it misses none. */
export const PARTS_PER_SECOND = (PARTS_PER_SEGMENT * 1000) / SEED_PROFILE.segmentMs;
