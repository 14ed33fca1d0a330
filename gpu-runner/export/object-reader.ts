/** The packets of one recorded object, read from memory. */
import { FormatContext, Packet, type Stream } from 'node-av/lib';
import { textOf } from '../transcode/codec-call.ts';
import { memoryInput } from '../transcode/memory-input.ts';
import { exportErrors } from './errors.ts';

/** What to do with a packet; it is emptied afterwards. */
export type TakePacket = (packet: Packet, stream: Stream) => Promise<void>;

/**
 * Reads an object behind its init segment to its end.
 *
 * @param onStreams called once before the first packet.
 * @throws MirrorError `EXPORT_MEDIA`.
 */
export async function readObject(
  pieces: readonly Uint8Array[],
  onStreams: (streams: readonly Stream[]) => Promise<void>,
  take: TakePacket,
): Promise<void> {
  using io = memoryInput(Buffer.concat(pieces));
  await using input = new FormatContext();
  input.allocContext();
  input.pb = io;
  const opened = await input.openInput('', null, null);
  if (opened < 0) throw exportErrors.create('MEDIA', `An object cannot be opened: ${textOf(opened)}.`);
  await onStreams(input.streams);
  using packet = new Packet();
  packet.alloc();
  while ((await input.readFrame(packet)) >= 0) {
    const stream = input.streams[packet.streamIndex];
    if (stream) await take(packet, stream);
    packet.unref();
  }
}
