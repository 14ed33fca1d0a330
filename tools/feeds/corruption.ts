/** Damages a transport stream on purpose, the same way each time for the same seed. */
import { Random } from './random.ts';

const TS_PACKET_BYTES = 188;

export class Corruption {
  private readonly garbageRate: number;
  private readonly truncateRate: number;
  private readonly random: Random;

  constructor({
    garbageRate,
    truncateRate,
    seed,
  }: { garbageRate: number; truncateRate: number; seed: number }) {
    this.garbageRate = garbageRate;
    this.truncateRate = truncateRate;
    this.random = new Random(seed);
  }

  /** @param bytes whole TS packets. */
  apply(bytes: Buffer): Buffer {
    if (this.garbageRate === 0 && this.truncateRate === 0) return bytes;
    const packets: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += TS_PACKET_BYTES) {
      const packet = Buffer.from(bytes.subarray(at, at + TS_PACKET_BYTES));
      if (this.random.next() < this.garbageRate)
        for (let index = 0; index < packet.length; index++)
          packet[index] = Math.floor(this.random.next() * 256);
      const cut = this.random.next() < this.truncateRate;
      packets.push(cut ? packet.subarray(0, Math.floor(this.random.next() * packet.length)) : packet);
    }
    return Buffer.concat(packets);
  }
}
