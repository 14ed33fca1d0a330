/**
 * Joins what FFmpeg's MPEG-TS demuxer cuts: it hands over a PES packet of more than 200 KiB in pieces, of which
 * only the first has timestamps. A keyframe of a feed of 20 Mbps is larger than that.
 */
import { AV_NOPTS_VALUE, AV_PKT_FLAG_CORRUPT } from 'node-av/constants';
import { Packet } from 'node-av/lib';

/** MAX_PES_PAYLOAD of FFmpeg's libavformat/mpegts.c. */
const MAX_PIECE_BYTES = 200 * 1024;
/** A piece ends before the TS packet that no longer fits, so that much less at most. */
const TS_PAYLOAD_BYTES = 184;
/** No picture is larger: 4K intra at 50 Mbps stays below a tenth of it. */
export const MAX_JOINED_BYTES = 16 * 1024 * 1024;

interface Held {
  readonly first: Packet;
  readonly pieces: Buffer[];
  byteCount: number;
}

export class PesPieces {
  #held: Held | undefined;

  /**
   * @param packet stays the caller's; it is in the result when it is whole as it is.
   * @returns the packets that are whole now, in order. Those that are new belong to the caller.
   */
  take(packet: Packet): Packet[] {
    const isContinuation = packet.pts === AV_NOPTS_VALUE && packet.dts === AV_NOPTS_VALUE;
    if (this.#held !== undefined && isContinuation) {
      this.#hold(this.#held, packet);
      return isPiece(packet) && this.#held.byteCount < MAX_JOINED_BYTES ? [] : this.#join();
    }
    const before = this.#join();
    if (!isPiece(packet)) return [...before, packet];
    const first = newPacket();
    first.streamIndex = packet.streamIndex;
    first.timeBase = packet.timeBase;
    first.pts = packet.pts;
    first.dts = packet.dts;
    this.#held = { first, pieces: [], byteCount: 0 };
    this.#hold(this.#held, packet);
    return before;
  }

  /** Forgets what is not whole. */
  clear(): void {
    this.#held?.first.free();
    this.#held = undefined;
  }

  #hold(held: Held, packet: Packet): void {
    if (packet.hasFlags(AV_PKT_FLAG_CORRUPT)) held.first.setFlags(AV_PKT_FLAG_CORRUPT);
    // A copy: the packet's own bytes are gone with the next read.
    const piece = Buffer.from(packet.data ?? NO_BYTES);
    held.pieces.push(piece);
    held.byteCount += piece.length;
  }

  #join(): Packet[] {
    const held = this.#held;
    if (held === undefined) return [];
    this.#held = undefined;
    const flags = held.first.flags;
    held.first.data = Buffer.concat(held.pieces);
    held.first.flags = flags;
    return [held.first];
  }
}

export const NO_BYTES = Buffer.alloc(0);

export function newPacket(): Packet {
  const packet = new Packet();
  packet.alloc();
  return packet;
}

function isPiece(packet: Packet): boolean {
  return packet.size > MAX_PIECE_BYTES - TS_PAYLOAD_BYTES && packet.size <= MAX_PIECE_BYTES;
}
