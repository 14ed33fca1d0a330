/**
 * MPEG-TS that was made once, sent again later: timestamps moved, continuity counters going on (ISO 13818-1
 * §2.4.3). A feed that repeats itself costs no muxing that way, which was most of what sending cost.
 */

const PACKET_BYTES = 188;
const PCR_FLAG = 0x10;
/** `stream_id`s from here on are sound and picture, whose PES headers hold timestamps (table 2-22). */
const FIRST_MEDIA_STREAM_ID = 0xbd;
const TICKS_PERIOD = 2 ** 33;

export class TsRetimer {
  readonly #counters = new Map<number, number>();

  /**
   * @param bytes whole TS packets; left as they are.
   * @param addTicks added to PCR, PTS and DTS, 90 kHz; wraps at 33 bits.
   * @returns a copy with the timestamps moved and with counters that follow on what was returned before.
   */
  retime(bytes: Uint8Array, addTicks: number): Buffer {
    const moved = Buffer.from(bytes);
    for (let at = 0; at < moved.length; at += PACKET_BYTES)
      this.#retimePacket(moved.subarray(at, at + PACKET_BYTES), addTicks);
    return moved;
  }

  #retimePacket(packet: Buffer, addTicks: number): void {
    const pid = packet.readUInt16BE(1) & 0x1fff;
    const flags = packet.readUInt8(3);
    const hasAdaptation = (flags & 0x20) !== 0;
    const hasPayload = (flags & 0x10) !== 0;
    // The counter of a PID does not move with a packet that carries no payload.
    const counter = ((this.#counters.get(pid) ?? -1) + (hasPayload ? 1 : 0)) & 0x0f;
    this.#counters.set(pid, counter);
    packet.writeUInt8((flags & 0xf0) | counter, 3);
    const adaptationBytes = hasAdaptation ? packet.readUInt8(4) : 0;
    if (adaptationBytes > 0 && (packet.readUInt8(5) & PCR_FLAG) !== 0) movePcr(packet.subarray(6), addTicks);
    const startsUnit = (packet.readUInt8(1) & 0x40) !== 0;
    if (startsUnit && hasPayload) movePes(packet.subarray(hasAdaptation ? 5 + adaptationBytes : 4), addTicks);
  }
}

/** 33 bits of 90 kHz, 6 reserved, 9 of 27 MHz. */
function movePcr(field: Buffer, addTicks: number): void {
  const base = wrapped(field.readUInt32BE(0) * 2 + (field.readUInt8(4) >> 7) + addTicks);
  field.writeUInt32BE(Math.floor(base / 2), 0);
  field.writeUInt8((field.readUInt8(4) & 0x7f) | ((base % 2) << 7), 4);
}

function movePes(pes: Buffer, addTicks: number): void {
  if (pes.length < 19 || pes.readUIntBE(0, 3) !== 1 || pes.readUInt8(3) < FIRST_MEDIA_STREAM_ID) return;
  const present = pes.readUInt8(7) >> 6;
  if (present >= 2) moveTimestamp(pes.subarray(9), addTicks);
  if (present === 3) moveTimestamp(pes.subarray(14), addTicks);
}

/** 33 bits in three pieces, each with a marker bit behind it. */
function moveTimestamp(field: Buffer, addTicks: number): void {
  const high = (field.readUInt8(0) >> 1) & 0x07;
  const middle = field.readUInt16BE(1) >> 1;
  const low = field.readUInt16BE(3) >> 1;
  const ticks = wrapped(high * 2 ** 30 + middle * 2 ** 15 + low + addTicks);
  field.writeUInt8((field.readUInt8(0) & 0xf1) | (Math.floor(ticks / 2 ** 30) << 1), 0);
  field.writeUInt16BE(((Math.floor(ticks / 2 ** 15) % 2 ** 15) << 1) | 1, 1);
  field.writeUInt16BE(((ticks % 2 ** 15) << 1) | 1, 3);
}

function wrapped(ticks: number): number {
  return ((ticks % TICKS_PERIOD) + TICKS_PERIOD) % TICKS_PERIOD;
}
