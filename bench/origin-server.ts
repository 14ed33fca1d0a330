/**
 * A child process of the origin bench: the origin behind node:http, with a stream that is published beside it
 * every 100 ms. Media bytes begin with the instant of their announcement. Listens on the host that it is given,
 * tells its port, and its CPU time and memory when asked.
 */
import { createServer } from 'node:http';
import { MemoryLiveEdge } from '../adapters/live-edge-memory.ts';
import { MemoryMediaStore } from '../adapters/media-store-memory.ts';
import type { StreamInfo } from '../domain/live-edge.ts';
import type { Log } from '../domain/log.ts';
import { partKey } from '../domain/media-store.ts';
import { SEED_PROFILE } from '../domain/profile.ts';
import { TRACKS } from '../domain/renditions.ts';
import { audioFramesOfPart, partAt, partFromOrdinal, partOrdinal, partStartMs } from '../domain/timeline.ts';
import { DirectServer } from '../origin/direct/direct-server.ts';
import { Origin } from '../origin/origin.ts';

const STREAM_ID = 'bench';
/** A tenth of a second of the seed profile, boxes included. */
const PART_BYTES = { video: 5_200, audio: 950 } as const;

const { segmentMs, partMs, video, audio } = SEED_PROFILE;
const info: StreamInfo = {
  segmentMs,
  partMs,
  video: { ...video, codecs: 'avc1.42c01e' },
  audio: { ...audio, codecs: 'mp4a.40.2' },
  firstMediaSequenceNumber: partAt(Date.now(), SEED_PROFILE).mediaSequenceNumber,
};

const complain = (event: string) => process.stderr.write(`${event}\n`);
const log: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: complain,
  error: complain,
  child: () => log,
};
const clock = { nowMs: () => Date.now() };
const liveEdge = new MemoryLiveEdge({ log });
const mediaStore = new MemoryMediaStore({ clock, retentionMs: 60_000 });
const origin = new Origin({ liveEdge, mediaStore, clock, log, isOpen: () => true });
const stop = new AbortController();
const [host = '127.0.0.1', way] = process.argv.slice(2);

/** Publishes the part that has just ended, and waits for the end of the next. */
async function publish(ordinal: number): Promise<void> {
  const position = partFromOrdinal(ordinal, SEED_PROFILE);
  for (const track of TRACKS) {
    const bytes = Buffer.alloc(PART_BYTES[track], '.');
    bytes.write(`${performance.timeOrigin + performance.now()} `);
    await mediaStore.put(partKey(STREAM_ID, track, position), bytes, { signal: stop.signal });
    const durationTicks =
      track === 'video'
        ? (video.timescaleHz * partMs) / 1000
        : audioFramesOfPart(position, SEED_PROFILE).frameCount * audio.frameSampleCount;
    const independent = track === 'audio' || position.partIndex === 0;
    const byteCount = bytes.byteLength;
    await liveEdge.append(STREAM_ID, track, {
      ...position,
      durationTicks,
      independent,
      byteCount,
      gap: false,
    });
  }
  const nextEndMs = partStartMs(partFromOrdinal(ordinal + 2, SEED_PROFILE), SEED_PROFILE);
  setTimeout(() => void publish(ordinal + 1), Math.max(0, nextEndMs - Date.now()));
}

await liveEdge.open(STREAM_ID, info);
void origin.run(stop.signal);
void publish(partOrdinal(partAt(Date.now(), SEED_PROFILE), SEED_PROFILE) - 1);

const server = createServer((request, response) => origin.handle(request, response));
server.keepAliveTimeout = 60_000;
if (way !== 'node:http')
  DirectServer.before(server, {
    handle: (request, response) => origin.handle(request, response),
    nowMs: () => clock.nowMs(),
  });
server.listen({ port: 0, host, backlog: 4_096 }, () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' && address ? address.port : 0 });
});

process.on('message', () => {
  globalThis.gc?.();
  const { user, system } = process.cpuUsage();
  process.send?.({
    cpuMs: (user + system) / 1000,
    residentBytes: process.memoryUsage().rss,
    metrics: origin.metrics(),
  });
});
process.on('disconnect', () => process.exit(0));
