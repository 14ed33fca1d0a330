/** SRT callers' packets, made here so that the door can be tried with ones that libsrt would never send. */
import { createCipheriv, pbkdf2Sync, randomBytes } from 'node:crypto';

export interface ConclusionInput {
  readonly cookie: number;
  readonly version?: number;
  readonly streamId?: string;
  readonly keyMaterial?: Buffer;
}

const SOCKET_ID = 0x2a2a2a2a;

function handshake(version: number, request: number, cookie: number, extensions: Buffer): Buffer {
  const packet = Buffer.alloc(64);
  packet.writeUInt16BE(0x8000, 0);
  packet.writeUInt32BE(version, 16);
  packet.writeUInt32BE(request, 36);
  packet.writeUInt32BE(SOCKET_ID, 40);
  packet.writeUInt32BE(cookie, 44);
  return Buffer.concat([packet, extensions]);
}

export function induction(): Buffer {
  return handshake(4, 1, 0, Buffer.alloc(0));
}

export function conclusion({ cookie, version = 5, streamId, keyMaterial }: ConclusionInput): Buffer {
  const extensions: Buffer[] = [extension(1, Buffer.alloc(12))];
  if (keyMaterial !== undefined) extensions.push(extension(3, keyMaterial));
  if (streamId !== undefined) extensions.push(extension(5, streamIdWords(streamId)));
  return handshake(version, 0xffffffff, cookie, Buffer.concat(extensions));
}

function extension(type: number, content: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(content.length / 4, 2);
  return Buffer.concat([head, content]);
}

function streamIdWords(streamId: string): Buffer {
  const text = Buffer.from(streamId, 'utf8');
  return Buffer.concat([text, Buffer.alloc((4 - (text.length % 4)) % 4)]).swap32();
}

/** What a caller sends that wrapped a fresh key with this passphrase (SRT draft §3.2.2). */
export function keyMaterial(passphrase: string, keyBytes: 16 | 24 | 32 = 16): Buffer {
  const head = Buffer.alloc(16);
  head.set([0x12, 0x20, 0x29, 0x01]);
  head.set([2, 0, 2, 0], 8);
  head.set([4, keyBytes / 4], 14);
  const salt = randomBytes(16);
  const key = pbkdf2Sync(passphrase, salt.subarray(8), 2048, keyBytes, 'sha1');
  const cipher = createCipheriv(`id-aes${keyBytes * 8}-wrap`, key, Buffer.alloc(8, 0xa6));
  return Buffer.concat([head, salt, cipher.update(randomBytes(keyBytes)), cipher.final()]);
}
