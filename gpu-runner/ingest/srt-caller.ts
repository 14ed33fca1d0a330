/** Why a call to a sender that listens did not come about, in words. libsrt tells FFmpeg only that it did not. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { messageOf } from '../../domain/errors.ts';
import type { Complaint } from './complaints.ts';
import { SRT_CONNECT_LIMIT_MS } from './input-options.ts';

/** A refusal comes within a round trip; silence takes the whole limit. */
const SILENCE_SHARE = 0.9;

export type Resolved =
  | { readonly kind: 'resolved'; readonly address: string }
  | ({ readonly kind: 'unresolved' } & Complaint);

/** @returns the IP address of a host name, looked up anew for each call because it may move. */
export async function resolveHost(host: string): Promise<Resolved> {
  if (isIP(host) !== 0) return { kind: 'resolved', address: host };
  try {
    return { kind: 'resolved', address: (await lookup(host)).address };
  } catch (error) {
    return {
      kind: 'unresolved',
      reason: `the host name ${host} has no address (${messageOf(error)})`,
      remedy: "Correct the host in the stream's ingest, or its DNS entry.",
    };
  }
}

/** @param afterMs from the first request to the end of the try. */
export function callProblem(host: string, port: number, afterMs: number): Complaint {
  if (afterMs >= SRT_CONNECT_LIMIT_MS * SILENCE_SHARE)
    return {
      reason: `no answer from ${host} UDP port ${port} within ${SRT_CONNECT_LIMIT_MS} ms`,
      remedy: 'See that the sender is in SRT listener mode there, and that UDP passes the firewalls between.',
    };
  return {
    reason: `${host} port ${port} refused the call`,
    remedy: "Compare passphrase and streamid with the sender's; it may also have its one caller already.",
  };
}
