/** Where the bytes of a feed go: SRT through FFmpeg's libsrt, or MPEG-TS in RTP over plain UDP. */
import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';
import { AVIO_FLAG_WRITE } from 'node-av/constants';
import { FFmpegError, IOContext } from 'node-av/lib';
import { messageOf } from '../../domain/errors.ts';
import { feedErrors } from './errors.ts';

export interface FeedSink {
  /** @throws MirrorError `FEED_SEND`. */
  write(bytes: Buffer): Promise<void>;
  /** Says goodbye to the receiver where the protocol can. */
  close(): Promise<void>;
}

/** Seven TS packets: what fits one Ethernet frame, and what SRT and RTP senders use. */
export const TS_PER_DATAGRAM = 7;
const TS_PACKET_BYTES = 188;
const DATAGRAM_BYTES = TS_PACKET_BYTES * TS_PER_DATAGRAM;
const RETRY_MS = 250;
const WRITE_TIMEOUT_MS = 5_000;
/** One try of a listener; between tries an abort is noticed. */
const LISTEN_TRY_MS = 1_000;

/** @throws MirrorError `FEED_CONNECT` when the receiver was not reached in time, or the signal's reason. */
export async function openSrt(
  url: string,
  { connectTimeoutMs, signal }: { connectTimeoutMs: number; signal: AbortSignal },
): Promise<FeedSink> {
  const address = withSrtDefaults(url);
  const deadlineMs = performance.now() + connectTimeoutMs;
  for (;;) {
    signal.throwIfAborted();
    const io = new IOContext();
    const reason = await tryOpen(io, address);
    if (reason === undefined) return new SrtSink(io);
    if (performance.now() > deadlineMs)
      throw feedErrors.create('CONNECT', `${withoutSecret(url)}: ${reason}.`);
    await sleep(RETRY_MS, undefined, { signal });
  }
}

async function tryOpen(io: IOContext, address: string): Promise<string | undefined> {
  try {
    const code = await io.open2(address, AVIO_FLAG_WRITE);
    return code < 0 ? FFmpegError.strerror(code) : undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function withSrtDefaults(url: string): string {
  const [base = '', query = ''] = url.split('?', 2);
  const options = new URLSearchParams(query);
  const defaults: Record<string, string> = {
    mode: 'caller',
    latency: '120000',
    pkt_size: String(DATAGRAM_BYTES),
    // A receiver that takes nothing any more would hold a write for ever.
    timeout: String(WRITE_TIMEOUT_MS * 1000),
  };
  if (options.get('mode') === 'listener') defaults.listen_timeout = String(LISTEN_TRY_MS * 1000);
  for (const [name, value] of Object.entries(defaults)) if (!options.has(name)) options.set(name, value);
  // FFmpeg decodes %XX but takes + for what it is.
  return `${base}?${options.toString().replaceAll('+', '%20')}`;
}

function withoutSecret(url: string): string {
  return url.replace(/passphrase=[^&]*/, 'passphrase=***');
}

class SrtSink implements FeedSink {
  private readonly io: IOContext;
  /** What the address asked for as `pkt_size`; without a limit, what is usual. */
  private readonly datagramBytes: number;

  constructor(io: IOContext) {
    this.io = io;
    this.datagramBytes = io.maxPacketSize || DATAGRAM_BYTES;
    // Each write goes out as it is: one call instead of two.
    io.direct = 1;
  }

  async write(bytes: Buffer): Promise<void> {
    try {
      // SRT queues them; waking a thread to do so would cost more than all the rest.
      for (let at = 0; at < bytes.length; at += this.datagramBytes)
        this.io.writeSync(bytes.subarray(at, at + this.datagramBytes));
    } catch (error) {
      throw feedErrors.create('SEND', messageOf(error), { cause: error });
    }
    if (this.io.error < 0) throw feedErrors.create('SEND', `${FFmpegError.strerror(this.io.error)}.`);
  }

  async close(): Promise<void> {
    await this.io.closep();
  }
}

/** MPEG-TS in RTP, payload type 33, whole TS packets per datagram (RFC 2250 §2). */
export async function openRtpMpegts(url: string): Promise<FeedSink> {
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.connect(Number(port), host, () => resolve());
  });
  // A receiver that is not there yet answers with ICMP errors; RTP senders do not care.
  socket.on('error', () => undefined);
  return new RtpMpegtsSink(socket);
}

const RTP_HEADER_BYTES = 12;
const RTP_CLOCK_HZ = 90_000;
const PAYLOAD_TYPE_MP2T = 33;

class RtpMpegtsSink implements FeedSink {
  private readonly socket: Socket;
  private readonly ssrc = randomInt(2 ** 32);
  private sequenceNumber = randomInt(2 ** 16);

  constructor(socket: Socket) {
    this.socket = socket;
  }

  async write(bytes: Buffer): Promise<void> {
    const timestamp = Math.floor((performance.now() * RTP_CLOCK_HZ) / 1000) % 2 ** 32;
    for (let at = 0; at < bytes.length; at += DATAGRAM_BYTES) {
      const header = Buffer.alloc(RTP_HEADER_BYTES);
      header[0] = 0x80;
      header[1] = PAYLOAD_TYPE_MP2T;
      header.writeUInt16BE(this.sequenceNumber, 2);
      header.writeUInt32BE(timestamp, 4);
      header.writeUInt32BE(this.ssrc, 8);
      this.sequenceNumber = (this.sequenceNumber + 1) % 2 ** 16;
      const datagram = [header, bytes.subarray(at, at + DATAGRAM_BYTES)];
      await new Promise<void>((resolve) => this.socket.send(datagram, () => resolve()));
    }
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.socket.close(() => resolve()));
  }
}
