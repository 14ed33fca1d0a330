/** What `npm start` prints once everything is up: where to look, and how to send one's own feed. */
import { SEED_LIMITS } from '../domain/profile.ts';

export interface Announcement {
  readonly port: number;
  readonly tls: boolean;
  /** True when the certificate was made here, so that browsers ask once. */
  readonly ownCertificate: boolean;
  readonly demoFeedCount: number;
  readonly ownFeed: { readonly port: number };
  /** This machine's addresses in its networks. */
  readonly lanAddresses: readonly string[];
  /** The operator's token, when it was made at this start. */
  readonly newToken?: string;
}

/** SRT as FFmpeg and OBS write it: the latency is in microseconds there. */
export function ingestUrl(host: string, port: number): string {
  return `srt://${host}:${port}?latency=${SEED_LIMITS.srtLatencyMs * 1000}`;
}

export function announcementText(announcement: Announcement): string {
  const { port, tls, ownCertificate, demoFeedCount, ownFeed, lanAddresses } = announcement;
  const base = `${tls ? 'https' : 'http'}://localhost:${port}`;
  const url = ingestUrl('127.0.0.1', ownFeed.port);
  const lines = [
    '',
    `  mirror is up${demoFeedCount === 0 ? '' : `, with ${demoFeedCount} demo feed${demoFeedCount === 1 ? '' : 's'} over SRT`}.`,
    '',
    `  Page     ${base}/`,
    `  Console  ${base}/console/`,
    `  API      ${base}/v1/streams`,
    '',
    '  Your own feed',
    `    OBS     Settings > Stream > Service "Custom", Server: ${url}`,
    `    ffmpeg  ffmpeg -re -i FILE -c:v libx264 -preset veryfast -tune zerolatency -g 60 -c:a aac -f mpegts "${url}&pkt_size=1316"`,
  ];
  const [lan] = lanAddresses;
  if (lan !== undefined) {
    lines.push(
      '',
      `  From another machine: ${base.replace('localhost', lan)}/ and ${ingestUrl(lan, ownFeed.port)}`,
    );
    if (!tls)
      lines.push(
        '  (There a browser has six connections over plain HTTP, enough for three feeds; --tls lifts that.)',
      );
  }
  if (announcement.newToken === undefined) {
    lines.push('', '  Operator token: shown at the first start. Lost it? npm start -- --new-token');
  } else {
    lines.push(
      '',
      '  Operator token for the console, the API and npx mirror, shown this once:',
      `    export MIRROR_URL=${base} MIRROR_TOKEN=${announcement.newToken}`,
    );
  }
  if (ownCertificate)
    lines.push('', '  The certificate was made on this machine: the browser asks once whether to trust it.');
  lines.push('', '  Ctrl-C ends everything.', '');
  return `${lines.join('\n')}\n`;
}

/** One line for a change that the person at the terminal wants to know of; undefined for the others. */
export function stateLine(stream: {
  readonly name: string;
  readonly state: string;
  readonly reason?: string;
}): string | undefined {
  switch (stream.state) {
    case 'live':
      return `  ${stream.name}: on air\n`;
    case 'interrupted':
      return `  ${stream.name}: signal lost, waiting for it to return\n`;
    case 'failed':
      return `  ${stream.name}: failed, ${stream.reason ?? 'for no known reason'}\n`;
    default:
      return undefined;
  }
}
