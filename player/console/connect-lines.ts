/** What to enter where, so that an encoder's feed arrives: lines to copy for OBS, ffmpeg and hardware encoders. */
import type { ListedStream } from '../../domain/control/api.ts';
import { reachableHost, reachableUrl } from '../reachable.ts';
import type { IngestTarget } from './api-client.ts';

type Ingest = ListedStream['ingest'];

export interface ConnectLine {
  readonly label: string;
  readonly value: string;
  /** Holds the passphrase: hidden until it is asked for. */
  readonly isSecret?: boolean;
}

export interface ConnectSheet {
  readonly name: string;
  /** What to do, in a sentence or two. */
  readonly how: string;
  readonly lines: readonly ConnectLine[];
}

/** AES-128, which every SRT encoder has; mirror takes 24 and 32 too (SRT API, SRTO_PBKEYLEN). */
const KEY_BYTE_COUNT = 16;
const HIDDEN = '••••••••';

/**
 * @param pageHost host name of this page: encoders on other machines reach a single machine by it.
 * @param isShown whether the passphrase is written out.
 */
export function connectSheets(
  ingest: Ingest,
  target: IngestTarget | undefined,
  { pageHost, isShown }: { readonly pageHost: string; readonly isShown: boolean },
): readonly ConnectSheet[] {
  if (ingest.protocol === 'srt-caller') return [callerSheet(ingest)];
  if (!target) return [];
  const reachable = reachableTarget(target, pageHost);
  if (ingest.protocol === 'srt-listener') return listenerSheets(ingest, reachable, isShown);
  return rtpSheets(ingest, reachable);
}

/** An address without its passphrase, for the eyes of everybody in the room. */
function withHiddenPassphrase(text: string): string {
  return text.replace(/(\bpassphrase=)[^&"\s]*/g, `$1${HIDDEN}`);
}

function reachableTarget(target: IngestTarget, pageHost: string): IngestTarget {
  return {
    ...target,
    host: reachableHost(target.host, pageHost),
    url: reachableUrl(target.url, pageHost),
  };
}

function listenerSheets(ingest: Ingest, target: IngestTarget, isShown: boolean): readonly ConnectSheet[] {
  const { passphrase } = target;
  const url = passphrase === undefined ? target.url : `${target.url}&pbkeylen=${KEY_BYTE_COUNT}`;
  const shown = (text: string) => (isShown ? text : withHiddenPassphrase(text));
  const hasSecret = passphrase !== undefined;
  const latencyMs = numberOf(ingest, 'latencyMs') ?? 120;
  const streamId = textOf(ingest, 'streamId');
  return [
    {
      name: 'OBS',
      how: 'Settings > Stream: Service "Custom", this as Server, and an empty Stream Key. Keyframe interval 1 or 2 s.',
      lines: [{ label: 'Server', value: shown(url), isSecret: hasSecret }],
    },
    {
      name: 'ffmpeg',
      how: 'INPUT is a file, a device or another stream. The second line sends what is H.264 or HEVC already as it is.',
      lines: [
        {
          label: 'Encoded anew',
          value: `ffmpeg -re -i INPUT -c:v libx264 -preset veryfast -tune zerolatency -g 60 -c:a aac -f mpegts "${shown(url)}"`,
          isSecret: hasSecret,
        },
        {
          label: 'As it is',
          value: `ffmpeg -re -i INPUT -c copy -f mpegts "${shown(url)}"`,
          isSecret: hasSecret,
        },
      ],
    },
    {
      name: 'Hardware encoder',
      how: 'An SRT output in caller mode that carries MPEG-TS with HEVC or H.264. On bad networks raise its latency: the larger of both ends counts.',
      lines: [
        { label: 'Mode', value: 'Caller' },
        { label: 'Address', value: target.host },
        { label: 'Port', value: String(target.port) },
        { label: 'Latency', value: `${latencyMs} ms` },
        ...(streamId === undefined ? [] : [{ label: 'Stream ID', value: streamId }]),
        ...(passphrase === undefined
          ? [{ label: 'Encryption', value: 'None' }]
          : [
              { label: 'Encryption', value: `AES-${KEY_BYTE_COUNT * 8} (key length ${KEY_BYTE_COUNT})` },
              { label: 'Passphrase', value: isShown ? passphrase : HIDDEN, isSecret: true },
            ]),
      ],
    },
  ];
}

function rtpSheets(ingest: Ingest, target: IngestTarget): readonly ConnectSheet[] {
  const address = [
    { label: 'Address', value: target.host },
    { label: 'Port', value: `${target.port} (UDP)` },
  ];
  if (ingest.protocol === 'rtp-mpegts')
    return [
      {
        name: 'ffmpeg',
        how: 'RTP is neither encrypted nor repaired: use it inside one network, and name the allowed sources.',
        lines: [{ label: 'Command', value: `ffmpeg -re -i INPUT -c copy -f rtp_mpegts "${target.url}"` }],
      },
      {
        name: 'Hardware encoder',
        how: 'An RTP output that carries MPEG-TS, payload type 33.',
        lines: address,
      },
    ];
  return [
    {
      name: 'Encoder',
      how: 'Send what the SDP of this stream describes; its ports are replaced by those of the slot.',
      lines: target.media
        ? [
            { label: 'Address', value: target.host },
            ...target.media.map(({ medium, port }) => ({
              label: medium === 'video' ? 'Port of the video' : 'Port of the sound',
              value: `${port} (UDP)`,
            })),
          ]
        : address,
    },
  ];
}

function callerSheet(ingest: Ingest): ConnectSheet {
  const streamId = textOf(ingest, 'streamId');
  return {
    name: 'Encoder',
    how: 'mirror calls the encoder: give the encoder an SRT output in listener mode on this port, reachable from mirror, with the passphrase that was given at create.',
    lines: [
      { label: 'Mode', value: 'Listener' },
      { label: 'Called at', value: `${textOf(ingest, 'host') ?? ''}:${numberOf(ingest, 'port') ?? ''}` },
      { label: 'Latency', value: `${numberOf(ingest, 'latencyMs') ?? 120} ms` },
      ...(streamId === undefined ? [] : [{ label: 'Stream ID', value: streamId }]),
    ],
  };
}

function textOf(ingest: Ingest, name: string): string | undefined {
  const value = ingest[name];
  return typeof value === 'string' ? value : undefined;
}

function numberOf(ingest: Ingest, name: string): number | undefined {
  const value = ingest[name];
  return typeof value === 'number' ? value : undefined;
}
