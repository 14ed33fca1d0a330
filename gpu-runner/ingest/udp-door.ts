/** A UDP port watched by this process while no feed is on it, until somebody comes who may have it. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { messageOf } from '../../domain/errors.ts';
import type { Complaint } from './complaints.ts';

export interface UdpDoorOptions {
  /** An IP address or a host name of this machine; `::` takes IPv4 senders too. */
  readonly host: string;
  readonly port: number;
  /** Called for each datagram of a peer that is turned away; the door's owner keeps count and log. */
  readonly onTurnedAway: (peer: TurnedAway) => void;
}

export interface TurnedAway extends Complaint {
  readonly address: string;
  readonly port: number;
}

type NotOpened = { readonly kind: 'not-opened'; readonly portInUse: boolean } & Complaint;

export type DoorOutcome =
  | { readonly kind: 'aborted' }
  | NotOpened
  /** `host` is what was bound, and what FFmpeg is to bind. */
  | { readonly kind: 'caller'; readonly host: string; readonly remoteAddress: string };

/** What to do about one datagram; `reply` is sent back in any case. */
export type Verdict = { readonly reply?: Buffer } & (
  | { readonly kind: 'welcome' }
  | { readonly kind: 'ignored' }
  | ({ readonly kind: 'turned-away' } & Complaint)
);

export type Judge = (bytes: Buffer, peer: RemoteInfo) => Verdict | Promise<Verdict>;

/** Resolves when a sender may come in, with the port free again; or when it cannot wait. */
export async function waitAtDoor(
  options: UdpDoorOptions,
  judge: Judge,
  signal: AbortSignal,
): Promise<DoorOutcome> {
  if (signal.aborted) return { kind: 'aborted' };
  const bound = await bindAny(options.host, options.port);
  if ('kind' in bound) return bound;
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
    const answer = async (bytes: Buffer, peer: RemoteInfo): Promise<void> => {
      const verdict = await judge(bytes, peer);
      if (isOver) return;
      const address = plainAddress(peer.address);
      const { reply } = verdict;
      // A reply that is lost is asked for again, so nobody needs to know how sending it went.
      if (reply !== undefined) await new Promise((sent) => socket.send(reply, peer.port, peer.address, sent));
      if (verdict.kind === 'welcome') leave({ kind: 'caller', host, remoteAddress: address });
      if (verdict.kind === 'turned-away')
        options.onTurnedAway({ address, port: peer.port, reason: verdict.reason, remedy: verdict.remedy });
    };
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('error', (error) => leave(notOpened(error.message)));
    socket.on('message', (bytes, peer) => {
      answer(bytes, peer).catch((error: unknown) => leave(notOpened(messageOf(error))));
    });
    if (signal.aborted) onAbort();
  });
}

async function bindAny(host: string, port: number): Promise<{ socket: Socket; host: string } | NotOpened> {
  const first = await bind(host, port);
  if ('socket' in first) return { socket: first.socket, host };
  // A machine without IPv6 still takes IPv4 senders on the default address.
  if (host === '::' && (first.code === 'EAFNOSUPPORT' || first.code === 'EADDRNOTAVAIL')) {
    const second = await bind('0.0.0.0', port);
    if ('socket' in second) return { socket: second.socket, host: '0.0.0.0' };
  }
  const portInUse = first.code === 'EADDRINUSE';
  return { kind: 'not-opened', portInUse, ...bindProblem(first, host, port) };
}

/** `0.0.0.0` for `::` on a machine without IPv6; any other host as it is. */
export async function usableHost(host: string): Promise<string> {
  if (host !== '::') return host;
  const tried = await bindAny(host, 0);
  if ('kind' in tried) return host;
  await new Promise<void>((resolve) => tried.socket.close(() => resolve()));
  return tried.host;
}

/** Why this process cannot have a port, in words; undefined when it can. */
export async function portProblem(host: string, port: number): Promise<Complaint | undefined> {
  const tried = await bindAny(host, port);
  if ('kind' in tried) return { reason: tried.reason, remedy: tried.remedy };
  await new Promise<void>((resolve) => tried.socket.close(() => resolve()));
  return undefined;
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

function notOpened(reason: string): NotOpened {
  return { kind: 'not-opened', portInUse: false, reason, remedy: CHECK_ADDRESS };
}

/** An IPv4 caller on an IPv6 socket, as people write it. */
export function plainAddress(address: string): string {
  return isIPv6(address) && address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
}
