/** A running ingest whose events are kept, and the waiting for them. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { AV_LOG_FATAL } from 'node-av/constants';
import { Log as AvLog } from 'node-av/lib';
import { onTestFinished } from 'vitest';
import type { Track } from '../../../domain/renditions.ts';
import { type Ingest, ingestSchema } from '../../../domain/stream.ts';
import { FeedIngest } from '../../../gpu-runner/ingest/feed-ingest.ts';
import type { SourceEvent } from '../../../gpu-runner/media.ts';
import { RecordingLog } from '../../unit/ingest/fakes.ts';

const POLL_MS = 5;

/** What is kept of a packet; the packet itself is freed at once. */
export interface SeenPacket {
  readonly track: Track;
  readonly ptsTicks: bigint;
  readonly byteCount: number;
  readonly arrivalMs: number;
}

export type SeenEvent =
  | { readonly kind: 'connected'; readonly atMs: number; readonly event: SourceEvent & { kind: 'connected' } }
  | { readonly kind: 'disconnected'; readonly atMs: number; readonly reason: string };

export const clock = { nowMs: () => performance.timeOrigin + performance.now() };

type PacketSink = (event: SourceEvent & { kind: 'packet' }) => void;

export class IngestUnderTest {
  readonly log = new RecordingLog();
  readonly events: SeenEvent[] = [];
  readonly packets: SeenPacket[] = [];
  readonly stopped: Promise<void>;
  readonly #ingest: FeedIngest;
  readonly #stop = new AbortController();
  readonly #onPacket: PacketSink;

  /** Runs until `stop`, which the end of the test calls by itself. */
  constructor(
    input: Record<string, unknown>,
    onPacket: PacketSink = () => undefined,
    settings: { readonly quietLimitMs?: number } = {},
  ) {
    AvLog.setLevel(AV_LOG_FATAL);
    const ingest: Ingest = ingestSchema.parse(input);
    this.#onPacket = onPacket;
    this.#ingest = new FeedIngest({ ingest, clock, log: this.log, ...settings });
    this.stopped = this.#ingest.run(this.#stop.signal, (event) => this.#see(event));
    onTestFinished(async () => {
      await this.stop();
    });
  }

  get counters(): FeedIngest['counters'] {
    return this.#ingest.counters;
  }

  get refusedFeed(): FeedIngest['refusedFeed'] {
    return this.#ingest.refusedFeed;
  }

  connections(): Extract<SeenEvent, { kind: 'connected' }>[] {
    return this.events.filter((event) => event.kind === 'connected');
  }

  losses(): Extract<SeenEvent, { kind: 'disconnected' }>[] {
    return this.events.filter((event) => event.kind === 'disconnected');
  }

  ptsOf(track: Track): bigint[] {
    return this.packets.filter((packet) => packet.track === track).map((packet) => packet.ptsTicks);
  }

  /** Polls, because what is waited for may be a log line or a counter as well as an event. */
  async until(what: string, isSo: () => boolean, withinMs = 10_000): Promise<void> {
    const deadlineMs = performance.now() + withinMs;
    while (!isSo()) {
      if (performance.now() > deadlineMs)
        throw new Error(
          `${what}: not within ${withinMs} ms; seen ${JSON.stringify(this.events.map(({ kind }) => kind))}, ` +
            `log ${JSON.stringify(this.log.lines)}`,
        );
      await sleep(POLL_MS);
    }
  }

  /** @returns how long it took. */
  async stop(): Promise<number> {
    const startMs = performance.now();
    this.#stop.abort();
    await this.stopped;
    return performance.now() - startMs;
  }

  #see(event: SourceEvent): void {
    const atMs = clock.nowMs();
    if (event.kind === 'connected') this.events.push({ kind: 'connected', atMs, event });
    else if (event.kind === 'disconnected') this.events.push({ ...event, atMs });
    else {
      const { track, packet, arrivalMs } = event;
      this.#onPacket(event);
      this.packets.push({ track, ptsTicks: packet.pts, byteCount: packet.size, arrivalMs });
      packet.free();
    }
  }
}

/** A UDP port that is free on all addresses, and whose neighbour is too (RTP takes a second for RTCP). */
export async function freePort(): Promise<number> {
  for (;;) {
    const first = createSocket('udp6');
    first.bind(0, '::');
    await once(first, 'listening');
    const { port } = first.address();
    await new Promise<void>((resolve) => first.close(() => resolve()));
    if (port % 2 === 0 && port < 65_000) return port;
  }
}
