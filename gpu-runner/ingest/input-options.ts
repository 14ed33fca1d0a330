/**
 * What FFmpeg is told to open for each kind of ingest: one pure table. Everything that a person may write
 * (passphrase, streamid, SDP) travels as an option value or in base64, never inside a URL, so that no
 * character of it can be taken for a separator.
 */
import { isIPv6 } from 'node:net';
import type { Ingest } from '../../domain/stream.ts';
import {
  checkSessionDescription,
  mpegTsSessionDescription,
  withAllowedSources,
} from './session-description.ts';

/** The highest feed bitrate that the receive buffers are sized for. */
export const MAX_FEED_BITRATE_BPS = 50_000_000;

/** Seven MPEG-TS packets of 188 bytes, what every SRT encoder sends in one datagram. */
export const SRT_PAYLOAD_BYTES = 1316;

/** libsrt counts its receive buffer in these: an MSS of 1500 less the 28 bytes of IPv4 and UDP header. */
const SRT_BUFFER_UNIT_BYTES = 1472;

/** A lost packet that returns late holds its successors: room for this many latencies of a full-rate feed. */
const SRT_BUFFER_LATENCIES = 4;

/** Never below libsrt's own default of 8192 packets. */
const SRT_MIN_BUFFER_PACKETS = 8_192;

/** Room in the kernel for a process that is not scheduled for a moment; capped by net.core.rmem_max. */
export const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;

/** How long RTP packets are held for one that is missing; packets in order are never held. */
export const RTP_REORDER_LIMIT_MS = 50;

/** Bytes that the MPEG-TS demuxer reads at most for the program map before it hands over. */
export const PROBE_BYTES = 256 * 1024;

/** How long FFmpeg listens for the caller that the door has let in; the caller asks four times a second. */
export const SRT_ACCEPT_LIMIT_MS = 1_500;

/** How long a caller waits for the other side's answer before it counts as one failed try. */
export const SRT_CONNECT_LIMIT_MS = 2_000;

/** Options of `avformat_open_input`, as FFmpeg names them. */
export interface InputPlan {
  /** Holds host and port only, or a base64 SDP; safe to log for SRT, never holds a secret. */
  readonly url: string;
  readonly formatName: 'mpegts' | 'sdp';
  readonly options: Readonly<Record<string, string>>;
  /**
   * True when packets are whole access units without FFmpeg's parser, which would wait for the next one:
   * a PES packet in MPEG-TS holds one picture.
   */
  readonly parsesOutside: boolean;
}

/**
 * @param ingest as checked by `ingestSchema`.
 * @throws INGEST_BAD_SDP for an SDP that cannot be received.
 */
export function inputPlan(ingest: Ingest): InputPlan {
  switch (ingest.protocol) {
    case 'srt-listener':
      return srtPlan(ingest, {
        mode: 'listener',
        listen_timeout: String(SRT_ACCEPT_LIMIT_MS * 1000),
        ...(isIPv6(ingest.host) ? { ipv6only: '0' } : {}),
      });
    case 'srt-caller':
      return srtPlan(ingest, {
        mode: 'caller',
        connect_timeout: String(SRT_CONNECT_LIMIT_MS),
        ...(ingest.streamId === undefined ? {} : { streamid: ingest.streamId }),
      });
    case 'rtp-mpegts':
      return sdpPlan(
        withAllowedSources(mpegTsSessionDescription(ingest.host, ingest.port), ingest.allowedSources),
        true,
      );
    default:
      checkSessionDescription(ingest.sdp);
      return sdpPlan(withAllowedSources(ingest.sdp, ingest.allowedSources), false);
  }
}

/** The packets that libsrt may hold: `SRT_BUFFER_LATENCIES` latencies at `MAX_FEED_BITRATE_BPS`. */
export function srtBufferPackets(latencyMs: number): number {
  const packetsPerSecond = MAX_FEED_BITRATE_BPS / 8 / SRT_PAYLOAD_BYTES;
  return Math.max(
    SRT_MIN_BUFFER_PACKETS,
    Math.ceil((packetsPerSecond * latencyMs * SRT_BUFFER_LATENCIES) / 1000),
  );
}

type SrtIngest = Extract<Ingest, { protocol: 'srt-listener' | 'srt-caller' }>;

function srtPlan(ingest: SrtIngest, role: Readonly<Record<string, string>>): InputPlan {
  const bufferPackets = srtBufferPackets(ingest.latencyMs);
  return {
    url: `srt://${bracketed(ingest.host)}:${ingest.port}`,
    formatName: 'mpegts',
    parsesOutside: true,
    options: {
      ...DEMUXER_OPTIONS,
      fflags: 'nobuffer+noparse+nofillin',
      probesize: String(PROBE_BYTES),
      ...role,
      transtype: 'live',
      // FFmpeg takes microseconds here and hands libsrt milliseconds.
      latency: String(ingest.latencyMs * 1000),
      pkt_size: String(SRT_PAYLOAD_BYTES),
      // The flight window counts packets, the buffer bytes; libsrt refuses a buffer above its window.
      ffs: String(Math.max(bufferPackets, 25_600)),
      rcvbuf: String(bufferPackets * SRT_BUFFER_UNIT_BYTES),
      recv_buffer_size: String(SOCKET_BUFFER_BYTES),
      ...(ingest.passphrase === undefined ? {} : { passphrase: ingest.passphrase }),
    },
  };
}

function sdpPlan(sdp: string, parsesOutside: boolean): InputPlan {
  return {
    url: `data:application/sdp;base64,${Buffer.from(sdp, 'utf8').toString('base64')}`,
    formatName: 'sdp',
    parsesOutside,
    options: {
      ...DEMUXER_OPTIONS,
      fflags: parsesOutside ? 'nobuffer+noparse+nofillin' : 'nobuffer',
      // The SDP itself comes as a data URL; what it leads to is RTP over UDP and nothing else.
      protocol_whitelist: 'data,rtp,udp',
      max_delay: String(RTP_REORDER_LIMIT_MS * 1000),
      buffer_size: String(SOCKET_BUFFER_BYTES),
    },
  };
}

/** Timestamps stay as the sender wrote them; FFmpeg's own unwrapping rewrites some jumps into others. */
const DEMUXER_OPTIONS = { correct_ts_overflow: '0' } as const;

function bracketed(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}
