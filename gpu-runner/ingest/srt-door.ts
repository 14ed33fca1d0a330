/**
 * Waits at an SRT port for a caller that may come in, while no feed is on.
 *
 * libsrt behind FFmpeg tells nobody whom it turned away or why, cannot compare streamids, and does not name
 * the caller. So the first half of the handshake is done here. A caller that passes is left without an answer
 * to its last request, the port is given up, and FFmpeg opens it: the caller repeats that request (every
 * 250 ms, or as soon as it gets the second answer that is sent on leaving), and libsrt accepts it, because the
 * cookie is the one that libsrt itself would have given. No packet of media ever passes here.
 */
import type { RemoteInfo } from 'node:dgram';
import {
  inductionResponse,
  readSrtDatagram,
  rejection,
  type SrtDatagram,
  type SrtRejection,
  synCookie,
} from './srt-handshake.ts';
import { verifyPassphrase } from './srt-key-material.ts';
import { type DoorOutcome, type UdpDoorOptions, type Verdict, waitAtDoor } from './udp-door.ts';

/** Each check costs a millisecond or two of a core; a caller whose request is dropped repeats it. */
export const MAX_PASSPHRASE_CHECKS_AT_ONCE = 4;

export interface SrtDoorOptions extends UdpDoorOptions {
  readonly passphrase?: string | undefined;
  /** When given, only a caller with this streamid may come in. */
  readonly streamId?: string | undefined;
}

type Judgement = Verdict & { readonly rejection?: SrtRejection };

export class SrtDoor {
  readonly #options: SrtDoorOptions;
  #runningChecks = 0;

  constructor(options: SrtDoorOptions) {
    this.#options = options;
  }

  /** Resolves when a caller may come in, with the port free again; or when it cannot wait. */
  async wait(signal: AbortSignal): Promise<DoorOutcome> {
    return await waitAtDoor(this.#options, (bytes, peer) => this.#answer(bytes, peer), signal);
  }

  async #answer(bytes: Buffer, peer: RemoteInfo): Promise<Verdict> {
    const datagram = readSrtDatagram(bytes);
    const cookieReply = () => inductionResponse(bytes, synCookie(peer.address, peer.port));
    if (datagram.kind === 'induction') return { kind: 'ignored', reply: cookieReply() };
    const judgement = await this.#judge(datagram, peer);
    // The caller repeats its conclusion as soon as this reaches it; FFmpeg has the port by then.
    if (judgement.kind === 'welcome') return { ...judgement, reply: cookieReply() };
    if (judgement.rejection === undefined) return judgement;
    return { ...judgement, reply: rejection(bytes, judgement.rejection) };
  }

  async #judge(datagram: SrtDatagram, peer: RemoteInfo): Promise<Judgement> {
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

  async #judgeConclusion(datagram: Extract<SrtDatagram, { kind: 'conclusion' }>): Promise<Judgement> {
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

  async #judgePassphrase(keyMaterial: Buffer, passphrase: string): Promise<Judgement> {
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

function turnedAway(reason: string, remedy: string, code?: SrtRejection): Judgement {
  return { kind: 'turned-away', reason, remedy, ...(code === undefined ? {} : { rejection: code }) };
}

function notSrt(looksLike: 'mpeg-ts' | 'rtp' | 'unknown'): Judgement {
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
