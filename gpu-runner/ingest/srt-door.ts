/**
 * Waits at an SRT port for a caller that may come in, while no feed is on.
 *
 * libsrt behind FFmpeg tells nobody whom it turned away or why, cannot compare streamids, and does not name
 * the caller. So the first half of the handshake is done here. A caller that passes is left without an answer
 * to its last request, the port is given up, and FFmpeg opens it: the caller repeats that request (every
 * 250 ms, or as soon as it gets the second answer that is sent on leaving), and libsrt accepts it, because the
 * cookie is the one that libsrt itself would have given. No packet of media ever passes here.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { messageOf } from '../../domain/errors.ts';
import type { Complaint } from './complaints.ts';
import {
  inductionResponse,
  readSrtDatagram,
  rejection,
  type SrtDatagram,
  type SrtRejection,
  synCookie,
} from './srt-handshake.ts';
import { verifyPassphrase } from './srt-key-material.ts';

/** Each check costs a millisecond or two of a core; a caller whose request is dropped repeats it. */
export const MAX_PASSPHRASE_CHECKS_AT_ONCE = 4;

export interface SrtDoorOptions {
  /** An IP address or a host name of this machine; `::` takes IPv4 callers too. */
  readonly host: string;
  readonly port: number;
  readonly passphrase?: string | undefined;
  /** When given, only a caller with this streamid may come in. */
  readonly streamId?: string | undefined;
  /** Called for each datagram of a peer that is turned away; the caller of the door keeps count and log. */
  readonly onTurnedAway: (peer: TurnedAway) => void;
}

export interface TurnedAway extends Complaint {
  readonly address: string;
  readonly port: number;
}

export type DoorOutcome =
  | { readonly kind: 'aborted' }
  | ({ readonly kind: 'not-opened'; readonly portInUse: boolean } & Complaint)
  /** `host` is what FFmpeg must bind so that the caller's cookie holds. */
  | { readonly kind: 'caller'; readonly host: string; readonly remoteAddress: string };

type Verdict =
  | { readonly kind: 'welcome' }
  | { readonly kind: 'ignored' }
  | ({ readonly kind: 'turned-away'; readonly rejection?: SrtRejection } & Complaint);

export class SrtDoor {
  readonly #options: SrtDoorOptions;
  #runningChecks = 0;

  constructor(options: SrtDoorOptions) {
    this.#options = options;
  }

  /** Resolves when a caller may come in, with the port free again; or when it cannot wait. */
  async wait(signal: AbortSignal): Promise<DoorOutcome> {
    if (signal.aborted) return { kind: 'aborted' };
    const bound = await this.#bind();
    if ('reason' in bound) return bound;
    const { socket, host } = bound;
    return await new Promise<DoorOutcome>((resolve) => {
      let isOver = false;
      const leave = (outcome: DoorOutcome) => {
        if (isOver) return;
        isOver = true;
        signal.removeEventListener('abort', onAbort);
        socket.close(() => resolve(outcome));
      };
      const onAbort = () => leave({ kind: 'aborted' });
      signal.addEventListener('abort', onAbort, { once: true });
      socket.on('error', (error) => leave(notOpened(error.message)));
      socket.on('message', (bytes, peer) => {
        this.#answer(socket, bytes, peer).then(
          (isWelcome) => {
            if (!isWelcome || isOver) return;
            // The caller repeats its conclusion as soon as this reaches it; FFmpeg has the port by then.
            const again = inductionResponse(bytes, synCookie(peer.address, peer.port));
            const caller = { kind: 'caller', host, remoteAddress: plainAddress(peer.address) } as const;
            socket.send(again, peer.port, peer.address, () => leave(caller));
          },
          (error: unknown) => leave(notOpened(messageOf(error))),
        );
      });
      if (signal.aborted) onAbort();
    });
  }

  async #bind(): Promise<{ socket: Socket; host: string } | Extract<DoorOutcome, { kind: 'not-opened' }>> {
    const { host, port } = this.#options;
    const first = await bind(host, port);
    if ('socket' in first) return { socket: first.socket, host };
    // A machine without IPv6 still takes IPv4 callers on the default address.
    if (host === '::' && (first.code === 'EAFNOSUPPORT' || first.code === 'EADDRNOTAVAIL')) {
      const second = await bind('0.0.0.0', port);
      if ('socket' in second) return { socket: second.socket, host: '0.0.0.0' };
    }
    const portInUse = first.code === 'EADDRINUSE';
    return { kind: 'not-opened', portInUse, ...bindProblem(first, host, port) };
  }

  /** @returns true when this caller may come in. */
  async #answer(socket: Socket, bytes: Buffer, peer: RemoteInfo): Promise<boolean> {
    const datagram = readSrtDatagram(bytes);
    if (datagram.kind === 'induction') {
      send(socket, inductionResponse(bytes, synCookie(peer.address, peer.port)), peer);
      return false;
    }
    const verdict = await this.#judge(datagram, peer);
    if (verdict.kind === 'turned-away') {
      if (verdict.rejection !== undefined) send(socket, rejection(bytes, verdict.rejection), peer);
      const { reason, remedy } = verdict;
      this.#options.onTurnedAway({ address: plainAddress(peer.address), port: peer.port, reason, remedy });
    }
    return verdict.kind === 'welcome';
  }

  async #judge(datagram: SrtDatagram, peer: RemoteInfo): Promise<Verdict> {
    switch (datagram.kind) {
      case 'induction':
      case 'other-srt':
        // The rest of a connection that is over; its sender will notice by itself.
        return { kind: 'ignored' };
      case 'rendezvous':
        return turnedAway('the sender is in rendezvous mode', 'Set the encoder to SRT caller mode.');
      case 'not-srt':
        return notSrt(datagram.looksLike);
      default:
        if (datagram.cookie !== synCookie(peer.address, peer.port)) return { kind: 'ignored' };
        return await this.#judgeConclusion(datagram);
    }
  }

  async #judgeConclusion(datagram: Extract<SrtDatagram, { kind: 'conclusion' }>): Promise<Verdict> {
    const { passphrase, streamId } = this.#options;
    if (datagram.version < 5)
      return turnedAway(
        'the sender speaks SRT older than 1.3',
        "Update the encoder's SRT to 1.3 or later.",
        'version',
      );
    if (streamId !== undefined && datagram.streamId !== streamId)
      return turnedAway(
        datagram.streamId === undefined ? 'the sender gave no streamid' : 'the sender gave another streamid',
        "Set the encoder's streamid to the one of this stream.",
        'forbidden',
      );
    if (passphrase === undefined)
      return datagram.keyMaterial === undefined
        ? { kind: 'welcome' }
        : turnedAway(
            'the sender encrypts, and this stream has no passphrase',
            'Remove the passphrase from the encoder, or start the stream with one.',
            'unsecure',
          );
    if (datagram.keyMaterial === undefined)
      return turnedAway(
        'the sender gave no passphrase',
        'Set the passphrase of this stream in the encoder.',
        'unsecure',
      );
    return await this.#judgePassphrase(Buffer.from(datagram.keyMaterial), passphrase);
  }

  async #judgePassphrase(keyMaterial: Buffer, passphrase: string): Promise<Verdict> {
    if (this.#runningChecks >= MAX_PASSPHRASE_CHECKS_AT_ONCE) return { kind: 'ignored' };
    this.#runningChecks += 1;
    try {
      const verdict = await verifyPassphrase(keyMaterial, passphrase);
      if (verdict === 'right') return { kind: 'welcome' };
      return turnedAway(
        verdict === 'wrong' ? 'wrong passphrase' : 'the key material of the sender cannot be read',
        'Copy the passphrase of this stream into the encoder, character by character.',
        'badSecret',
      );
    } finally {
      this.#runningChecks -= 1;
    }
  }
}

function turnedAway(reason: string, remedy: string, code?: SrtRejection): Verdict {
  return { kind: 'turned-away', reason, remedy, ...(code === undefined ? {} : { rejection: code }) };
}

function notSrt(looksLike: 'mpeg-ts' | 'rtp' | 'unknown'): Verdict {
  if (looksLike === 'mpeg-ts')
    return turnedAway('plain MPEG-TS over UDP came to an SRT port', 'Set the encoder to SRT (srt://).');
  if (looksLike === 'rtp')
    return turnedAway(
      'RTP came to an SRT port',
      'Set the encoder to SRT (srt://), or make this an RTP stream.',
    );
  return turnedAway(
    'bytes that are not SRT came in',
    'If this is an encoder, set it to SRT; if not, let only encoders reach the port.',
  );
}

type BindFailure = { readonly code: string; readonly message: string };

async function bind(host: string, port: number): Promise<{ socket: Socket } | BindFailure> {
  const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4', ipv6Only: false });
  return await new Promise((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close();
      resolve({ code: error.code ?? '', message: error.message });
    });
    socket.bind({ port, address: host, exclusive: true }, () => {
      socket.removeAllListeners('error');
      resolve({ socket });
    });
  });
}

function bindProblem(failure: BindFailure, host: string, port: number): Complaint {
  if (failure.code === 'EADDRINUSE')
    return {
      reason: `UDP port ${port} is in use by another program`,
      remedy: 'End that program, or give the stream another port.',
    };
  if (failure.code === 'EACCES')
    return {
      reason: `UDP port ${port} needs rights that this process lacks`,
      remedy: 'Choose a port of 1024 or above.',
    };
  if (failure.code === 'EADDRNOTAVAIL' || failure.code === 'ENOTFOUND')
    return { reason: `${host} is not an address of this machine`, remedy: "Correct the ingest's host." };
  return { reason: failure.message, remedy: CHECK_ADDRESS };
}

const CHECK_ADDRESS = "Check the ingest's host and port.";

function notOpened(reason: string): DoorOutcome {
  return { kind: 'not-opened', portInUse: false, reason, remedy: CHECK_ADDRESS };
}

/** A lost answer is asked for again by the caller, so a failed send is one that was lost. */
function send(socket: Socket, bytes: Buffer, peer: RemoteInfo): void {
  socket.send(bytes, peer.port, peer.address, ignoreLoss);
}

function ignoreLoss(): void {}

/** An IPv4 caller on an IPv6 socket, as people write it. */
function plainAddress(address: string): string {
  return isIPv6(address) && address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
}
