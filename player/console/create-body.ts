/** From the fields of the form to the body that the API checks. Pure. */
import type { CreateStreamRequest } from '../../domain/control/api.ts';

/** By the names of the form; fields that are empty or unchecked are absent. */
export type CreateFields = Readonly<Record<string, string>>;

export function createBody(fields: CreateFields): Partial<CreateStreamRequest> {
  const { id, name = '', access, frameRate, hardware, signalLoss } = fields;
  const body = {
    ...(id === undefined ? {} : { id }),
    name,
    ingest: ingestOf(fields),
    ...(access === undefined ? {} : { access }),
    ...(frameRate === undefined ? {} : { frameRate: Number(frameRate) }),
    ...(hardware === undefined ? {} : { hardware }),
    ...(signalLoss === undefined ? {} : { signalLoss }),
    record: fields['record'] !== undefined,
  };
  // The API checks it by the schema that this type comes from, and names the fields that are wrong.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return body as Partial<CreateStreamRequest>;
}

function ingestOf(fields: CreateFields): object {
  const { protocol, latencyMs, srtStreamId, host, port, passphrase, allowedSources, sdp } = fields;
  const srt = {
    ...(latencyMs === undefined ? {} : { latencyMs: Number(latencyMs) }),
    ...(srtStreamId === undefined ? {} : { streamId: srtStreamId }),
  };
  const sources = allowedSources?.split(/[\s,;]+/).filter((text) => text !== '');
  const allowed = sources === undefined || sources.length === 0 ? {} : { allowedSources: sources };
  switch (protocol) {
    case 'srt-caller':
      return {
        protocol,
        host: host ?? '',
        port: Number(port),
        ...srt,
        ...(passphrase === undefined ? {} : { passphrase }),
      };
    case 'rtp-mpegts':
      return { protocol, ...allowed };
    case 'rtp-sdp':
      return { protocol, sdp: lines(sdp ?? ''), ...allowed };
    default:
      return { protocol: 'srt-listener', ...srt };
  }
}

/** SDP lines end in CRLF (RFC 8866 §5); a text area has them with LF. */
function lines(text: string): string {
  return `${text.replaceAll(/\r?\n/g, '\r\n')}\r\n`;
}

/** Name of the form's field that a problem of the API points to, such as `ingest.latencyMs` or `/ingest/streamId`. */
export function fieldOfPointer(pointer: string): string {
  const [first = '', second = ''] = pointer.split(/[./]/).filter((part) => part !== '');
  if (first !== 'ingest') return first;
  return second === 'streamId' ? 'srtStreamId' : second;
}
