/**
 * The little of SDP (RFC 8866) that the control plane touches: the ports of a feed come from its slot and not
 * from its operator, and where it is sent from is not what our sockets bind to.
 */

export type SdpRewrite =
  | { readonly kind: 'ok'; readonly sdp: string }
  | { readonly kind: 'unsupported'; readonly reason: string };

/** RFC 8866 §5.14: media, port, optional number of ports, protocol, formats. */
const MEDIA_LINE = /^m=(audio|video) (\d{1,5})(?:\/\d+)? (RTP\/AVPF?) ([\w. -]+)$/;

/**
 * The SDP with the k-th medium at the k-th port, and without addresses of its own (RFC 8866 §5.7): a feed
 * arrives at whatever address the slot has, and a multicast group is not joined because a request said so.
 */
export function withSdpPorts(sdp: string, ports: readonly number[]): SdpRewrite {
  const lines: string[] = [];
  let mediaCount = 0;
  for (const line of sdp.split(/\r\n|\r|\n/)) {
    if (line.startsWith('c=') || line === '') continue;
    if (!line.startsWith('m=')) {
      lines.push(line);
      continue;
    }
    const match = MEDIA_LINE.exec(line);
    if (!match)
      return { kind: 'unsupported', reason: 'Its SDP has a medium that is not audio or video in RTP/AVP.' };
    const port = ports[mediaCount++];
    if (port === undefined) return { kind: 'unsupported', reason: tooManyMedia(ports.length) };
    lines.push(`m=${match[1]} ${port} ${match[3]} ${match[4]}`, 'c=IN IP4 0.0.0.0');
  }
  if (mediaCount === 0) return { kind: 'unsupported', reason: 'Its SDP has no medium.' };
  return { kind: 'ok', sdp: `${lines.join('\r\n')}\r\n` };
}

function tooManyMedia(portCount: number): string {
  return portCount === 1
    ? 'Its SDP has more than one medium, and a slot has one port here: send picture and sound together as MPEG-TS (SRT, or RTP with MPEG-TS), or the picture alone.'
    : `Its SDP has more than ${portCount} media, and a slot has ${portCount} ports here.`;
}

/** What the media of an SDP are, in their order: the k-th arrives at the slot's k-th port. */
export function mediaOf(sdp: string): readonly ('audio' | 'video')[] {
  return [...sdp.matchAll(/^m=(audio|video) /gm)].map(([, medium]) =>
    medium === 'audio' ? 'audio' : 'video',
  );
}
