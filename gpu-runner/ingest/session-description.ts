/** Reading and completing the session descriptions (SDP, RFC 8866) that RTP ingests are opened with. */
import { isIPv6 } from 'node:net';
import { ingestErrors } from './errors.ts';

/** The static payload type of MPEG-TS (RFC 3551 §6, RFC 2250). */
export const MPEG_TS_PAYLOAD_TYPE = 33;
const FIRST_DYNAMIC_PAYLOAD_TYPE = 96;
const TAKEN_VIDEO: ReadonlySet<string> = new Set(['H264', 'H265']);

/** One m= line. */
export interface MediaDescription {
  readonly media: string;
  readonly port: number;
  readonly protocol: string;
  readonly payloadType: number;
  /** Upper case; of the rtpmap, or of the static payload type. */
  readonly encoding: string | undefined;
}

/** The description of MPEG-TS in RTP on one port, which such senders do not send. */
export function mpegTsSessionDescription(host: string, port: number): string {
  const address = isIPv6(host) ? `IP6 ${host}` : `IP4 ${host}`;
  return [
    'v=0',
    'o=- 0 0 IN IP4 127.0.0.1',
    's=mirror',
    `c=IN ${address}`,
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
  const lines = linesOf(sdp).filter((line) => !line.startsWith('a=source-filter:'));
  const firstMediaIndex = lines.findIndex((line) => line.startsWith('m='));
  const at = firstMediaIndex < 0 ? lines.length : firstMediaIndex;
  const filters = allowedSources.map(
    (source) => `a=source-filter: incl IN ${isIPv6(source) ? 'IP6' : 'IP4'} * ${source}`,
  );
  return [...lines.slice(0, at), ...filters, ...lines.slice(at), ''].join('\r\n');
}

/**
 * Checks an SDP before FFmpeg opens it, because FFmpeg opens nearly anything and then waits for ever.
 *
 * @throws INGEST_BAD_SDP that names everything that is wrong.
 */
export function checkSessionDescription(sdp: string): void {
  const problems = sessionDescriptionProblems(sdp);
  if (problems.length > 0) throw ingestErrors.create('BAD_SDP', `${problems.join('; ')}.`);
}

/** @returns what keeps the SDP from being received, in words; empty when nothing does. */
export function sessionDescriptionProblems(sdp: string): string[] {
  const lines = linesOf(sdp);
  if (lines[0] !== 'v=0') return ['it does not begin with v=0'];
  const medias = readMedias(lines);
  const problems = medias.flatMap(mediaProblems);
  const ports = medias.map(({ port }) => port);
  if (new Set(ports).size < ports.length) problems.push('two m= lines have the same port');
  if (!medias.some(({ media }) => media === 'video')) problems.push('it has no m=video line');
  return problems;
}

/** Where the video of a checked description arrives. */
export function videoOf(sdp: string): Pick<MediaDescription, 'port' | 'payloadType'> | undefined {
  return readMedias(linesOf(sdp)).find(({ media }) => media === 'video');
}

/** True when senders send to a group (RFC 5771, RFC 4291 §2.7), which has to be joined to hear them. */
export function isMulticast(text: string): boolean {
  return /(^|c=IN IP4 )(22[4-9]|23\d)\.|(^|c=IN IP6 )ff[0-9a-f]{2}:/im.test(text);
}

function mediaProblems({ media, port, protocol, payloadType, encoding }: MediaDescription): string[] {
  if (media !== 'video' && media !== 'audio') return [];
  const problems: string[] = [];
  if (!(port >= 1 && port <= 65_535)) problems.push(`m=${media} has no port`);
  if (!/^RTP\/AVPF?$/.test(protocol)) problems.push(`m=${media} is ${protocol}, not RTP/AVP`);
  if (encoding === undefined && payloadType >= FIRST_DYNAMIC_PAYLOAD_TYPE)
    problems.push(`m=${media} has no a=rtpmap:${payloadType}`);
  else if (media === 'video' && !isTakenVideo(payloadType, encoding))
    problems.push(`video in ${encoding ?? `payload type ${payloadType}`} is not taken, H264 and H265 are`);
  return problems;
}

function isTakenVideo(payloadType: number, encoding: string | undefined): boolean {
  return payloadType === MPEG_TS_PAYLOAD_TYPE || (encoding !== undefined && TAKEN_VIDEO.has(encoding));
}

function readMedias(lines: readonly string[]): MediaDescription[] {
  const medias: MediaDescription[] = [];
  for (const [index, line] of lines.entries()) {
    if (!line.startsWith('m=')) continue;
    const [media = '', port = '', protocol = '', payloadType = ''] = line.slice(2).split(' ');
    const nextMedia = lines.findIndex((each, at) => at > index && each.startsWith('m='));
    const own = lines.slice(index, nextMedia < 0 ? lines.length : nextMedia);
    const mapPrefix = `a=rtpmap:${payloadType} `;
    const map = own.find((each) => each.startsWith(mapPrefix));
    medias.push({
      media,
      port: Number(port),
      protocol,
      payloadType: Number(payloadType),
      encoding: map?.slice(mapPrefix.length).split('/')[0]?.trim().toUpperCase(),
    });
  }
  return medias;
}

function linesOf(sdp: string): string[] {
  return sdp.split(/\r?\n/).filter((line) => line !== '');
}
