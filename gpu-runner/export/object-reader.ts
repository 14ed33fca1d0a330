/** The packets of one recorded object, read from memory. */
import { FormatContext, IOContext, Packet, type Stream } from 'node-av/lib';
import { textOf } from '../transcode/codec-call.ts';
import { exportErrors } from './errors.ts';

const READ_BYTE_COUNT = 65_536;

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
  const bytes = Buffer.concat(pieces);
  let offset = 0;
  // Freed when it is done with: until then its callback keeps the process alive.
  using io = new IOContext();
  io.allocContextWithCallbacks(READ_BYTE_COUNT, 0, (size) => {
    if (offset >= bytes.byteLength) return null;
    const chunk = bytes.subarray(offset, offset + size);
    offset += chunk.byteLength;
    return chunk;
  });
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
