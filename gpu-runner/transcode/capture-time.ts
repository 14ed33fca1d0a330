/**
 * When a camera captured a picture, as its encoder wrote it beside the picture: a precision time stamp (MISB ST 0604
 * §7, an SEI message of unregistered user data) or a timecode (SMPTE ST 12-1 in the picture timing SEI of H.264 or
 * the time code SEI of HEVC), which encoders set by NTP fill with the time of day in UTC. Cameras that send elementary
 * streams over RTP tell it in the sender reports of RTCP instead (RFC 3550 §6.4.1).
 */
import {
  AV_FRAME_DATA_S12M_TIMECODE,
  AV_FRAME_DATA_SEI_UNREGISTERED,
  AV_PKT_DATA_PRFT,
} from 'node-av/constants';
import type { Frame, Packet } from 'node-av/lib';

export type CaptureTime =
  | { readonly kind: 'instant'; readonly unixMs: number }
  /** UTC. */
  | { readonly kind: 'time-of-day'; readonly msOfDay: number };

const UUID_BYTES = 16;
/** Identifiers of ST 0604 and the length of their unit in milliseconds. */
const PRECISION_TIME_STAMPS: ReadonlyMap<string, number> = new Map([
  // H.264: the letters MISPmicrosectime.
  ['4d4953506d6963726f73656374696d65', 1e-3],
  // HEVC, microseconds and nanoseconds.
  ['a8687dd4d7593758a5cef0338b6545f1', 1e-3],
  ['cf848278ee23306c9265e8fef22fb8b8', 1e-6],
]);
/** A status byte, then 64 bits, with a byte of ones after every second one against start codes. */
const STAMP_OFFSETS = [1, 2, 4, 5, 7, 8, 10, 11] as const;
const STAMP_BYTES = 12;
const DAY_MS = 86_400_000;

/**
 * @param framesPerSecond of the feed, which gives a timecode's frames their length; undefined while nobody knows.
 * @returns undefined for a picture that says nothing of when it was captured.
 */
export function captureTimeOf(frame: Frame, framesPerSecond: number | undefined): CaptureTime | undefined {
  const userData = frame.getSideData(AV_FRAME_DATA_SEI_UNREGISTERED);
  const stamp = userData && precisionTimeStamp(userData);
  if (stamp) return stamp;
  const timecode = framesPerSecond === undefined ? null : frame.getSideData(AV_FRAME_DATA_S12M_TIMECODE);
  return timecode && framesPerSecond !== undefined ? timeOfTimecode(timecode, framesPerSecond) : undefined;
}

/**
 * What a sender report says of a packet: FFmpeg lays it beside the packet as an AVProducerReferenceTime, whose first
 * eight bytes are microseconds since 1970.
 */
export function captureTimeOfPacket(packet: Packet): number | undefined {
  const reference = packet.getSideData(AV_PKT_DATA_PRFT);
  return reference && reference.byteLength >= 8 ? Number(reference.readBigInt64LE(0)) / 1000 : undefined;
}

/** @param userData UUID and what follows it. */
export function precisionTimeStamp(userData: Buffer): CaptureTime | undefined {
  const unitMs = PRECISION_TIME_STAMPS.get(userData.toString('hex', 0, UUID_BYTES));
  if (unitMs === undefined || userData.byteLength < UUID_BYTES + STAMP_BYTES) return undefined;
  let units = 0n;
  for (const offset of STAMP_OFFSETS) units = (units << 8n) | BigInt(userData[UUID_BYTES + offset] ?? 0);
  return { kind: 'instant', unixMs: Number(units) * unitMs };
}

/**
 * @param timecode as AV_FRAME_DATA_S12M_TIMECODE holds it: how many there are, then each in BCD as in ST 12-1, 32
 *   bits in the machine's own order.
 */
export function timeOfTimecode(timecode: Buffer, framesPerSecond: number): CaptureTime | undefined {
  if (timecode.byteLength < 8 || timecode.readUInt32LE(0) < 1) return undefined;
  const bits = timecode.readUInt32LE(4);
  const digits = (shift: number, tensMask: number) =>
    ((bits >>> (shift + 4)) & tensMask) * 10 + ((bits >>> shift) & 0xf);
  const nominal = Math.round(framesPerSecond);
  // Above 30 fps the count is of pairs, and a bit that is free at that rate says which of the two it is.
  const isSecond = nominal > 30 && ((bits >>> (nominal === 50 ? 7 : 23)) & 1) === 1;
  const pairs = digits(24, 0x3);
  const frames = nominal > 30 ? pairs * 2 + (isSecond ? 1 : 0) : pairs;
  const [hours, minutes, seconds] = [digits(0, 0x3), digits(8, 0x7), digits(16, 0x7)];
  if (hours > 23 || minutes > 59 || seconds > 59 || frames >= nominal) return undefined;
  const wholeSeconds = (hours * 60 + minutes) * 60 + seconds;
  return { kind: 'time-of-day', msOfDay: wholeSeconds * 1000 + (frames * 1000) / nominal };
}

/**
 * The instant, Unix milliseconds: a time of day is that of the day on which it is nearest to now.
 */
export function captureInstantMs(capture: CaptureTime, nowUnixMs: number): number {
  if (capture.kind === 'instant') return capture.unixMs;
  const sinceMs = (((nowUnixMs - capture.msOfDay) % DAY_MS) + DAY_MS * 1.5) % DAY_MS;
  return nowUnixMs - (sinceMs - DAY_MS / 2);
}
