/** From a record and a slot to what the runner is told, and to what the encoder's operator is told. */
import { type Ingest, type RunnerSpec, runnerSpecSchema } from '../stream.ts';
import { controlErrors } from './errors.ts';
import type { IngestSlot } from './ingest-slot.ts';
import { mediaOf, withSdpPorts } from './sdp.ts';
import type { StreamRecord } from './stream-record.ts';

/**
 * @param callAddress the address that the caller's host name resolved to and that was checked: the runner
 * must not resolve it again, since the answer may have changed meanwhile.
 * @throws MirrorError `CONTROL_INGEST_UNSUPPORTED`
 */
export function runnerSpecOf(record: StreamRecord, slot: IngestSlot, callAddress?: string): RunnerSpec {
  return runnerSpecSchema.parse({
    streamId: record.id,
    name: record.name,
    ingest: ingestOf(record, slot, callAddress),
    frameRate: record.frameRate,
    hardware: record.hardware,
    record: record.record,
    signalLoss: record.signalLoss,
  });
}

function ingestOf({ ingest }: StreamRecord, slot: IngestSlot, callAddress?: string): Ingest {
  if (ingest.protocol === 'srt-caller') return { ...ingest, host: callAddress ?? ingest.host };
  if (ingest.protocol === 'srt-listener') {
    const { unencrypted: _told, ...rest } = ingest;
    return { ...rest, host: '::', port: slot.port };
  }
  if (ingest.protocol === 'rtp-mpegts') return { ...ingest, host: '::', port: slot.port };
  const ports = slot.secondPort === undefined ? [slot.port] : [slot.port, slot.secondPort];
  const rewritten = withSdpPorts(ingest.sdp, ports);
  if (rewritten.kind === 'unsupported') throw controlErrors.create('INGEST_UNSUPPORTED', rewritten.reason);
  return { ...ingest, sdp: rewritten.sdp };
}

/** The same spec with the passphrase that was kept apart from it. */
export function withPassphrase(spec: RunnerSpec, passphrase: string | undefined): RunnerSpec {
  if (passphrase === undefined) return spec;
  const { ingest } = spec;
  if (ingest.protocol !== 'srt-listener' && ingest.protocol !== 'srt-caller') return spec;
  return { ...spec, ingest: { ...ingest, passphrase } };
}

/** What an operator enters into the encoder. */
export interface IngestTarget {
  readonly host: string;
  readonly port: number;
  /** As OBS and ffmpeg take it: SRT latency in microseconds. */
  readonly url: string;
  readonly passphrase?: string;
  /** Of an SDP with two media: where each of them is to be sent. `url` is the first's. */
  readonly media?: readonly {
    readonly medium: 'audio' | 'video';
    readonly port: number;
    readonly url: string;
  }[];
}

/** @returns undefined for a caller: it fetches its feed by itself. */
export function ingestTargetOf(
  record: StreamRecord,
  slot: IngestSlot,
  passphrase?: string,
): IngestTarget | undefined {
  const { ingest } = record;
  const host = slot.publicHost.includes(':') ? `[${slot.publicHost}]` : slot.publicHost;
  const base = { host: slot.publicHost, port: slot.port };
  if (ingest.protocol === 'srt-caller') return undefined;
  if (ingest.protocol === 'rtp-mpegts') return { ...base, url: `rtp://${host}:${slot.port}?pkt_size=1316` };
  if (ingest.protocol === 'rtp-sdp') {
    const media = mediaOf(ingest.sdp).map((medium, index) => {
      const port = index === 0 ? slot.port : (slot.secondPort ?? slot.port);
      return { medium, port, url: `rtp://${host}:${port}` };
    });
    return { ...base, url: `rtp://${host}:${slot.port}`, ...(media.length > 1 ? { media } : {}) };
  }
  const query = new URLSearchParams({ mode: 'caller', latency: String(ingest.latencyMs * 1000) });
  if (ingest.streamId !== undefined) query.set('streamid', ingest.streamId);
  if (passphrase !== undefined) query.set('passphrase', passphrase);
  query.set('pkt_size', '1316');
  const url = `srt://${host}:${slot.port}?${query.toString()}`;
  return passphrase === undefined ? { ...base, url } : { ...base, url, passphrase };
}
