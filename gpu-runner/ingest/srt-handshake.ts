/**
 * The handshake packets of SRT, read and written (draft-sharabayko-srt-01 §3.2.1, §4.3). Only what a listener
 * needs to know who calls and whether to let it in; the connection itself is libsrt's.
 */
import { createHash } from 'node:crypto';

const HEADER_BYTES = 16;
const HANDSHAKE_BYTES = 48;
const CONTROL_FLAG = 0x8000;
const CONTROL_TYPE_HANDSHAKE = 0x0000;
/** Peer error (§3.2). */
const LAST_CONTROL_TYPE = 0x0008;
/** The packet position flag of data that is one whole message (§3.1). */
const SOLO_MESSAGE = 3;
/** libsrt numbers its sockets in 30 bits. */
const SOCKET_ID_LIMIT = 2 ** 30;
const VERSION_5 = 5;
/** Tells a caller that it talks to SRT 1.3 or later (§4.3.1.1). */
const EXTENSION_MAGIC = 0x4a17;
const MAX_EXTENSIONS = 16;

const REQUEST_INDUCTION = 1;
const REQUEST_CONCLUSION = 0xffffffff;
const REQUEST_WAVEAHAND = 0;
const REJECTION_BASE = 1000;

const EXTENSION_KEY_MATERIAL = 3;
const EXTENSION_STREAM_ID = 5;

/** Reasons that a caller is told (SRT API, rejection codes); `forbidden` is one of the application's. */
export const SRT_REJECTIONS = { version: 8, badSecret: 10, unsecure: 11, forbidden: 1403 } as const;
export type SrtRejection = keyof typeof SRT_REJECTIONS;

/** Any datagram that reached an SRT port. */
export type SrtDatagram =
  | { readonly kind: 'induction' }
  | {
      readonly kind: 'conclusion';
      readonly version: number;
      /** As on the wire, to be compared with `synCookie`. */
      readonly cookie: number;
      readonly streamId: string | undefined;
      /** The key material message of an encrypting caller (§3.2.2). */
      readonly keyMaterial: Uint8Array | undefined;
    }
  | { readonly kind: 'rendezvous' }
  /** A data or control packet of a connection that this port knows nothing of, any more. */
  | { readonly kind: 'other-srt' }
  | { readonly kind: 'not-srt'; readonly looksLike: 'mpeg-ts' | 'rtp' | 'unknown' };

export function readSrtDatagram(bytes: Buffer): SrtDatagram {
  const looksLike = foreignProtocol(bytes);
  if (looksLike !== undefined) return { kind: 'not-srt', looksLike };
  if (bytes.length < HEADER_BYTES) return { kind: 'not-srt', looksLike: 'unknown' };
  if (belongsToConnection(bytes)) return { kind: 'other-srt' };
  const isHandshake =
    bytes.readUInt16BE(0) === (CONTROL_FLAG | CONTROL_TYPE_HANDSHAKE) && bytes.readUInt32BE(12) === 0;
  if (!isHandshake || bytes.length < HEADER_BYTES + HANDSHAKE_BYTES)
    return { kind: 'not-srt', looksLike: 'unknown' };
  const request = bytes.readUInt32BE(HEADER_BYTES + 20);
  if (request === REQUEST_INDUCTION) return { kind: 'induction' };
  if (request === REQUEST_WAVEAHAND) return { kind: 'rendezvous' };
  if (request !== REQUEST_CONCLUSION) return { kind: 'not-srt', looksLike: 'unknown' };
  const version = bytes.readUInt32BE(HEADER_BYTES);
  return {
    kind: 'conclusion',
    version,
    cookie: bytes.readUInt32BE(HEADER_BYTES + 28),
    ...(version >= VERSION_5 ? readExtensions(bytes) : { streamId: undefined, keyMaterial: undefined }),
  };
}

/** A packet for a socket: control of a known type, or data that is a message of its own, as live data is. */
function belongsToConnection(bytes: Buffer): boolean {
  const socketId = bytes.readUInt32BE(12);
  if (socketId === 0 || socketId >= SOCKET_ID_LIMIT) return false;
  const first = bytes.readUInt16BE(0);
  if ((first & CONTROL_FLAG) !== 0) return (first & 0x7fff) <= LAST_CONTROL_TYPE;
  return bytes.readUInt8(4) >> 6 === SOLO_MESSAGE;
}

/** Plain MPEG-TS and RTP are what encoders send when someone forgot to choose SRT. */
function foreignProtocol(bytes: Buffer): 'mpeg-ts' | 'rtp' | undefined {
  if (bytes.length >= 188 && bytes.length % 188 === 0 && bytes[0] === 0x47) return 'mpeg-ts';
  const second = bytes[1] ?? 0;
  // Version 2 in the first two bits. SRT control packets begin 0x80 0x00 to 0x80 0x08, and RTP payload
  // types in use are 33 and the dynamic ones.
  const isRtp = bytes.length > 12 && ((bytes[0] ?? 0) & 0xc0) === 0x80 && (second & 0x7f) >= 33;
  return isRtp ? 'rtp' : undefined;
}

function readExtensions(bytes: Buffer): { streamId: string | undefined; keyMaterial: Buffer | undefined } {
  let streamId: string | undefined;
  let keyMaterial: Buffer | undefined;
  let offset = HEADER_BYTES + HANDSHAKE_BYTES;
  for (let count = 0; count < MAX_EXTENSIONS && offset + 4 <= bytes.length; count += 1) {
    const type = bytes.readUInt16BE(offset);
    const end = offset + 4 + bytes.readUInt16BE(offset + 2) * 4;
    if (end > bytes.length) break;
    const content = bytes.subarray(offset + 4, end);
    if (type === EXTENSION_STREAM_ID) streamId = readStreamId(content);
    if (type === EXTENSION_KEY_MATERIAL) keyMaterial = content;
    offset = end;
  }
  return { streamId, keyMaterial };
}

/** The text lies in words of four bytes, each reversed, filled up with zeros (§3.2.1.3). */
function readStreamId(content: Uint8Array): string {
  const text = Buffer.from(content).swap32();
  const end = text.indexOf(0);
  return text.toString('utf8', 0, end < 0 ? text.length : end);
}

/**
 * The cookie that libsrt gives this caller in the first minute of a listener's life (libsrt `CUDT::bake`).
 * Because it is the same, a caller that was answered here can conclude with libsrt.
 */
export function synCookie(address: string, port: number): number {
  return createHash('md5').update(`${address}:${port}:0`).digest().readUInt32LE(0);
}

/** Answers an induction: "conclude with this cookie" (§4.3.1.1). */
export function inductionResponse(request: Buffer, cookie: number): Buffer {
  const response = answerTo(request);
  response.writeUInt32BE(VERSION_5, HEADER_BYTES);
  // No key length is advertised: the caller's own choice stands.
  response.writeUInt16BE(0, HEADER_BYTES + 4);
  response.writeUInt16BE(EXTENSION_MAGIC, HEADER_BYTES + 6);
  response.writeUInt32BE(REQUEST_INDUCTION, HEADER_BYTES + 20);
  response.writeUInt32BE(cookie, HEADER_BYTES + 28);
  return response;
}

/** Answers a conclusion with a reason why not. */
export function rejection(request: Buffer, reason: SrtRejection): Buffer {
  const response = answerTo(request);
  response.writeUInt32BE(REJECTION_BASE + SRT_REJECTIONS[reason], HEADER_BYTES + 20);
  return response;
}

/** A copy of the request's fixed part, addressed to the socket that sent it. */
function answerTo(request: Buffer): Buffer {
  const response = Buffer.from(request.subarray(0, HEADER_BYTES + HANDSHAKE_BYTES));
  response.copyWithin(12, HEADER_BYTES + 24, HEADER_BYTES + 28);
  return response;
}
