/** Media that is in memory already, for FFmpeg to read as if it were a file. */
import { IOContext } from 'node-av/lib';

const READ_BYTE_COUNT = 65_536;

/**
 * @returns the reader, to be set as the `pb` of a FormatContext. It must be freed, after that context: until then
 *   its callback keeps the process alive.
 */
export function memoryInput(bytes: Uint8Array): IOContext {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 0;
  const io = new IOContext();
  io.allocContextWithCallbacks(READ_BYTE_COUNT, 0, (size) => {
    if (offset >= source.byteLength) return null;
    const chunk = source.subarray(offset, offset + size);
    offset += chunk.byteLength;
    return chunk;
  });
  return io;
}
