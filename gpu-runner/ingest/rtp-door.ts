/**
 * Watches an RTP port that has been quiet for a while, to say what comes there that is not the feed. FFmpeg
 * drops such datagrams without a word. The first packet of the feed opens the door; FFmpeg takes the next ones.
 */

import { readSrtDatagram } from './srt-handshake.ts';
import { type DoorOutcome, plainAddress, type UdpDoorOptions, type Verdict, waitAtDoor } from './udp-door.ts';

export interface RtpDoorOptions extends UdpDoorOptions {
  readonly payloadType: number;
  readonly allowedSources?: readonly string[] | undefined;
}

const RTP_HEADER_BYTES = 12;
/** RTCP that shares the port: packet types 200 to 204 (RFC 5761 §4). */
const FIRST_RTCP_TYPE = 200;
const LAST_RTCP_TYPE = 204;

/** Resolves when the feed begins, with the port free again; or when it cannot wait. */
export async function waitAtRtpDoor(options: RtpDoorOptions, signal: AbortSignal): Promise<DoorOutcome> {
  return await waitAtDoor(options, (bytes, peer) => judgeRtp(bytes, peer.address, options), signal);
}

/** @param address of the sender. */
export function judgeRtp(
  bytes: Buffer,
  address: string,
  { payloadType, allowedSources }: Pick<RtpDoorOptions, 'payloadType' | 'allowedSources'>,
): Verdict {
  const isRtp = bytes.length >= RTP_HEADER_BYTES && (bytes[0] ?? 0) >> 6 === 2;
  const second = bytes[1] ?? 0;
  if (isRtp && second >= FIRST_RTCP_TYPE && second <= LAST_RTCP_TYPE) return { kind: 'ignored' };
  if (readSrtDatagram(bytes).kind === 'induction')
    return turnedAway('SRT came to an RTP port', 'Set the encoder to RTP, or make this an SRT stream.');
  if (!isRtp) return notRtp(bytes);
  if ((second & 0x7f) !== payloadType)
    return turnedAway(
      `RTP with payload type ${second & 0x7f} came in, and this stream takes ${payloadType}`,
      payloadType === 33 ? 'Set the encoder to MPEG-TS in RTP.' : "Use the payload type of the stream's SDP.",
    );
  if (allowedSources !== undefined && !allowedSources.includes(plainAddress(address)))
    return turnedAway(
      'RTP came from an address that is not allowed',
      "Add the encoder's address to the stream's allowedSources.",
    );
  return { kind: 'welcome' };
}

function notRtp(bytes: Buffer): Verdict {
  return bytes[0] === 0x47 && bytes.length % 188 === 0 && bytes.length > 0
    ? turnedAway('plain MPEG-TS over UDP came to an RTP port', 'Set the encoder to RTP (rtp://).')
    : turnedAway(
        'bytes that are not RTP came in',
        'If this is an encoder, set it to RTP; if not, let only encoders reach the port.',
      );
}

function turnedAway(reason: string, remedy: string): Verdict {
  return { kind: 'turned-away', reason, remedy };
}
