/**
 * A small MPEG-TS writer (ISO 13818-1) that can be told to do what FFmpeg's would never do: change its program
 * map in mid-stream, cut pictures across PES packets, leave out packets.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { openLiveVideo } from '../../../tools/feeds/camera.ts';
import { type FeedInput, parseFeedOptions } from '../../../tools/feeds/options.ts';
import { openSrt } from '../../../tools/feeds/sinks.ts';

export const STREAM_TYPES = { mpeg2: 0x02, h264: 0x1b, hevc: 0x24 } as const;

export interface ProgramMap {
  readonly pid: number;
  readonly streamType: number;
  readonly version: number;
}

const TS_BYTES = 188;
const PMT_PID = 0x1000;
const VIDEO_STREAM_ID = 0xe0;
const FRAME_TICKS = 3_000;
const DATAGRAM_BYTES = 7 * TS_BYTES;
const HANG_UP_AFTER_MS = 250;

/** Encoded pictures in Annex B form, the first a keyframe. */
export async function encodePictures(
  input: Omit<FeedInput, 'to'>,
  count: number,
): Promise<readonly Uint8Array[]> {
  const options = parseFeedOptions({ widthPx: 160, heightPx: 90, ...input, to: 'srt://127.0.0.1:1' });
  const source = await openLiveVideo(options, { globalHeader: false });
  const pictures: Uint8Array[] = [];
  for (let index = 0; pictures.length < count; index += 1)
    await source.encode(index, Date.now() + index * 33, async (packet) => {
      pictures.push(Uint8Array.from(packet.data ?? []));
    });
  source.close();
  return pictures.slice(0, count);
}

export class TransportStream {
  readonly #counters = new Map<number, number>();
  #ptsTicks: number;

  constructor(startPtsTicks = 900_000) {
    this.#ptsTicks = startPtsTicks;
  }

  /** PAT and PMT. */
  tables(map: ProgramMap): Buffer {
    const pat = section(0x00, 1, 0, Buffer.from([0, 1, 0xe0 | (PMT_PID >> 8), PMT_PID & 0xff]));
    const stream = [map.streamType, 0xe0 | (map.pid >> 8), map.pid & 0xff, 0xf0, 0];
    const program = Buffer.from([0xe0 | (map.pid >> 8), map.pid & 0xff, 0xf0, 0, ...stream]);
    const pmt = section(0x02, 1, map.version, program);
    return Buffer.concat([this.#packets(0, withPointer(pat)), this.#packets(PMT_PID, withPointer(pmt))]);
  }

  /** One PES packet that holds these bytes, at the next frame's time. */
  pes(pid: number, bytes: Uint8Array): Buffer {
    const pts = ptsField(this.#ptsTicks);
    this.#ptsTicks = (this.#ptsTicks + FRAME_TICKS) % 2 ** 33;
    const head = Buffer.from([0, 0, 1, VIDEO_STREAM_ID, 0, 0, 0x80, 0x80, pts.length, ...pts]);
    return this.#packets(pid, Buffer.concat([head, bytes]));
  }

  #packets(pid: number, payload: Uint8Array): Buffer {
    const packets: Buffer[] = [];
    for (let offset = 0; offset < payload.length; ) {
      const counter = this.#counters.get(pid) ?? 0;
      this.#counters.set(pid, (counter + 1) % 16);
      const room = TS_BYTES - 4;
      const part = payload.subarray(offset, offset + room);
      const stuffing = room - part.length;
      const start = offset === 0 ? 0x40 : 0;
      const head = [0x47, start | (pid >> 8), pid & 0xff, (stuffing > 0 ? 0x30 : 0x10) | counter];
      const adaptation = stuffing === 0 ? [] : stuffing === 1 ? [0] : [stuffing - 1, 0];
      const fill = Buffer.alloc(Math.max(0, stuffing - 2), 0xff);
      packets.push(Buffer.concat([Buffer.from([...head, ...adaptation]), fill, part]));
      offset += part.length;
    }
    return Buffer.concat(packets);
  }
}

/** Pushes whole datagrams over SRT at 30 pictures a second, and hangs up. */
export async function pushOverSrt(
  url: string,
  pictures: readonly Buffer[],
  frameMs = 1000 / 30,
): Promise<void> {
  const sink = await openSrt(url, { connectTimeoutMs: 5_000, signal: new AbortController().signal });
  try {
    const startMs = performance.now();
    for (const [index, bytes] of pictures.entries()) {
      const waitMs = startMs + index * frameMs - performance.now();
      if (waitMs > 0) await sleep(waitMs);
      for (let at = 0; at < bytes.length; at += DATAGRAM_BYTES)
        await sink.write(bytes.subarray(at, at + DATAGRAM_BYTES));
    }
    // What the receiver still holds back for its latency is lost when the sender hangs up.
    await sleep(HANG_UP_AFTER_MS);
  } finally {
    await sink.close();
  }
}

function withPointer(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0]), bytes]);
}

/** A PSI section with its CRC (§2.4.4). */
function section(tableId: number, number: number, version: number, content: Buffer): Buffer {
  const length = 5 + content.length + 4;
  const head = [tableId, 0xb0 | (length >> 8), length & 0xff, number >> 8, number & 0xff];
  const bytes = Buffer.concat([Buffer.from([...head, 0xc1 | (version << 1), 0, 0]), content]);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32Mpeg(bytes));
  return Buffer.concat([bytes, checksum]);
}

/** CRC-32/MPEG-2 (§2.4.4, Annex A). */
function crc32Mpeg(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x80000000) !== 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  }
  return crc >>> 0;
}

/** 33 bits in five bytes with marker bits (§2.4.3.6). */
function ptsField(ticks: number): number[] {
  const high = Math.floor(ticks / 2 ** 30) & 7;
  const middle = Math.floor(ticks / 2 ** 15) & 0x7fff;
  const low = ticks & 0x7fff;
  return [0x21 | (high << 1), middle >> 7, ((middle & 0x7f) << 1) | 1, low >> 7, ((low & 0x7f) << 1) | 1];
}
