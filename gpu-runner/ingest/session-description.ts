/** Reading and completing the session descriptions (RFC 8866) that RTP ingests are opened with. */
import { isIPv4, isIPv6 } from 'node:net';

/** The static payload type of MPEG-TS (RFC 3551 §6, RFC 2250). */
const MPEG_TS_PAYLOAD_TYPE = 33;

/** The description of MPEG-TS in RTP on one port, which such senders do not send. */
export function mpegTsSessionDescription(host: string, port: number): string {
  return [
    'v=0',
    'o=- 0 0 IN IP4 127.0.0.1',
    's=mirror',
    `c=IN ${addressOfHost(host)}`,
    't=0 0',
    `m=video ${port} RTP/AVP ${MPEG_TS_PAYLOAD_TYPE}`,
    '',
  ].join('\r\n');
}

/**
 * Adds a source filter (RFC 4570) at session level, which FFmpeg applies to every packet. The filters that
 * the SDP already has are removed: who may send is decided by the operator and not by the description.
 */
export function withAllowedSources(sdp: string, allowedSources: readonly string[] | undefined): string {
  if (allowedSources === undefined || allowedSources.length === 0) return sdp;
  const lines = sdp.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('a=source-filter:'));
  const firstMediaIndex = lines.findIndex((line) => line.startsWith('m='));
  const at = firstMediaIndex < 0 ? lines.length : firstMediaIndex;
  const filters = allowedSources.map(
    (source) => `a=source-filter: incl IN ${isIPv6(source) ? 'IP6' : 'IP4'} * ${source}`,
  );
  return [...lines.slice(0, at), ...filters, ...lines.slice(at), ''].join('\r\n');
}

function addressOfHost(host: string): string {
  if (isIPv6(host)) return `IP6 ${host}`;
  return isIPv4(host) ? `IP4 ${host}` : `IP4 ${host}`;
}
