/**
 * A bad network: a UDP relay on loopback that loses, delays and reorders datagrams between a sender and a
 * receiver, in both directions, or swallows all of them. SRT and RTP pass through it unchanged.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import type { AddressInfo } from 'node:net';
import { Random } from './random.ts';

export interface RelayOptions {
  readonly targetPort: number;
  readonly targetHost?: string;
  /** 0 picks a free one; `ready` tells which. */
  readonly listenPort?: number;
  /** Share of datagrams that vanish. */
  readonly lossRate?: number;
  /** Added to each datagram. */
  readonly delayMs?: number;
  /** Added on top: 0 to this, evenly spread. Order is kept unless a datagram is chosen to be reordered. */
  readonly jitterMs?: number;
  /** Share of datagrams that arrive `reorderByMs` late, after those sent later. */
  readonly reorderRate?: number;
  readonly reorderByMs?: number;
  readonly seed?: number;
}

export interface RelayCounters {
  readonly forwardedCount: number;
  readonly lostCount: number;
  readonly reorderedCount: number;
}

/** More datagrams than this in flight are dropped, as a router does. */
const MAX_IN_FLIGHT = 20_000;
const MAX_CLIENTS = 64;

export class UdpRelay {
  /** The port that the sender shall send to. */
  readonly ready: Promise<number>;
  private options: Required<RelayOptions>;
  private readonly random: Random;
  private readonly front: Socket;
  /** One socket per sender, so that the receiver's answers find their way back. */
  private readonly backs = new Map<string, Socket>();
  /** In the order in which they are due; one timer for the first. */
  private readonly inFlight: { readonly dueMs: number; readonly send: () => void }[] = [];
  private timer: NodeJS.Timeout | undefined;
  private readonly counters = { forwardedCount: 0, lostCount: 0, reorderedCount: 0 };
  private readonly lastDueMs = new Map<string, number>();
  private isCut = false;
  private markReady: (port: number) => void = () => undefined;

  constructor(options: RelayOptions) {
    this.options = {
      targetHost: '127.0.0.1',
      listenPort: 0,
      lossRate: 0,
      delayMs: 0,
      jitterMs: 0,
      reorderRate: 0,
      reorderByMs: 20,
      seed: 1,
      ...options,
    };
    this.random = new Random(this.options.seed);
    this.front = createSocket('udp4');
    this.ready = new Promise((resolve) => {
      this.markReady = resolve;
    });
  }

  snapshot(): RelayCounters {
    return { ...this.counters };
  }

  /** From now on nothing passes in either direction: a pulled cable, a killed encoder. */
  cut(): void {
    this.isCut = true;
  }

  /** From now on the network is another one: worse, or good again. */
  change(options: Pick<RelayOptions, 'lossRate' | 'delayMs' | 'jitterMs' | 'reorderRate'>): void {
    this.options = { ...this.options, ...options };
  }

  restore(): void {
    this.isCut = false;
  }

  /** Relays until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { listenPort } = this.options;
    try {
      await new Promise<void>((resolve, reject) => {
        this.front.once('error', reject);
        this.front.bind(listenPort, '127.0.0.1', resolve);
      });
      this.front.setRecvBufferSize(4 * 1024 * 1024);
      this.front.on('message', (datagram, from) => this.toTarget(datagram, from));
      const address: AddressInfo = this.front.address();
      this.markReady(address.port);
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener('abort', () => resolve(), { once: true });
      });
    } finally {
      clearTimeout(this.timer);
      for (const back of this.backs.values()) back.close();
      this.front.close();
    }
  }

  private toTarget(datagram: Buffer, from: RemoteInfo): void {
    const key = `${from.address}:${from.port}`;
    let back = this.backs.get(key);
    if (!back) {
      if (this.backs.size >= MAX_CLIENTS) return;
      back = createSocket('udp4');
      back.on('message', (answer) =>
        this.pass(`${key}<`, () => this.front.send(answer, from.port, from.address)),
      );
      // Nobody listens yet: the sender will try again.
      back.on('error', () => undefined);
      this.backs.set(key, back);
    }
    const { targetPort, targetHost } = this.options;
    const socket = back;
    this.pass(`${key}>`, () => socket.send(datagram, targetPort, targetHost));
  }

  private pass(direction: string, send: () => void): void {
    const { lossRate, delayMs, jitterMs, reorderRate, reorderByMs } = this.options;
    if (this.isCut || this.inFlight.length >= MAX_IN_FLIGHT || this.random.next() < lossRate) {
      this.counters.lostCount++;
      return;
    }
    this.counters.forwardedCount++;
    const nowMs = performance.now();
    let dueMs = nowMs + delayMs + this.random.next() * jitterMs;
    if (this.random.next() < reorderRate) {
      this.counters.reorderedCount++;
      dueMs += reorderByMs;
    } else {
      dueMs = Math.max(dueMs, this.lastDueMs.get(direction) ?? 0);
      this.lastDueMs.set(direction, dueMs);
    }
    // Timers of their own would not keep the order of datagrams that are due within one millisecond.
    let at = this.inFlight.length;
    while (at > 0 && (this.inFlight[at - 1]?.dueMs ?? 0) > dueMs) at -= 1;
    this.inFlight.splice(at, 0, { dueMs, send });
    this.sendDue();
  }

  private sendDue(): void {
    clearTimeout(this.timer);
    const nowMs = performance.now();
    for (let next = this.inFlight[0]; next && next.dueMs <= nowMs; next = this.inFlight[0]) {
      this.inFlight.shift();
      if (!this.isCut) next.send();
    }
    const [first] = this.inFlight;
    if (first) this.timer = setTimeout(() => this.sendDue(), Math.max(0, first.dueMs - nowMs));
  }
}
