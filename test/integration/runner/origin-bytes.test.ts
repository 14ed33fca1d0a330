/** What the origin serves over HTTP is, byte for byte, what the packager made; and FFmpeg plays all of it. */
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MemoryLiveEdge } from '../../../adapters/live-edge-memory.ts';
import { MemoryMediaStore } from '../../../adapters/media-store-memory.ts';
import { concatBytes } from '../../../domain/cmaf/box.ts';
import { SEED_PROFILE } from '../../../domain/profile.ts';
import type { Rendition, Track } from '../../../domain/renditions.ts';
import { partAt, partOrdinal } from '../../../domain/timeline.ts';
import type { PackagedPart } from '../../../gpu-runner/media.ts';
import { Packager } from '../../../gpu-runner/packager/packager.ts';
import { Publisher } from '../../../gpu-runner/publish/publisher.ts';
import { Origin } from '../../../origin/origin.ts';
import { encodePattern, judge, judgePlaylist } from './pattern-frames.ts';

const STREAM = 'cam-1';
const SEGMENT_COUNT = 6;
const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };
const clock = { nowMs: () => Date.now() };
const stop = new AbortController();
/** All of it has just been made when the test looks. */
const firstSegment = partAt(Date.now(), SEED_PROFILE).mediaSequenceNumber - SEGMENT_COUNT;
let parts: PackagedPart[];
let server: Server;
let base: string;

beforeAll(async () => {
  const media = await encodePattern({
    profile: SEED_PROFILE,
    firstMediaSequenceNumber: firstSegment,
    segmentCount: SEGMENT_COUNT,
  });
  const packager = new Packager({ profile: SEED_PROFILE, encoder: media.encoder });
  parts = media.frames.flatMap((frame) => packager.push(frame, Date.now()));
  const liveEdge = new MemoryLiveEdge({ log });
  const mediaStore = new MemoryMediaStore({ clock, retentionMs: 60_000 });
  const publisher = new Publisher({
    streamId: STREAM,
    profile: SEED_PROFILE,
    store: mediaStore,
    liveEdge,
    clock,
    log,
    initSegments: packager.initSegments,
    streamInfo: (first) => packager.streamInfo(first),
  });
  for (const part of parts) {
    publisher.publish(part);
    await publisher.drain();
  }
  await publisher.end();
  const origin = new Origin({ liveEdge, mediaStore, clock, log, isOpen: () => true });
  void origin.run(stop.signal);
  server = createServer((request, response) => origin.handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  base = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/open/${STREAM}`;
});

afterAll(() => {
  stop.abort();
  server.closeAllConnections();
  server.close();
});

async function fetchBytes(path: string): Promise<Uint8Array> {
  const response = await fetch(`${base}/${path}`);
  expect(`${path} ${response.status}`).toBe(`${path} 200`);
  return new Uint8Array(await response.arrayBuffer());
}

function madeOf(mediaSequenceNumber: number, tracks: readonly Track[]): Uint8Array {
  const own = parts.filter(
    (part) => part.mediaSequenceNumber === mediaSequenceNumber && tracks.includes(part.track),
  );
  const inTurn = own.sort(
    (one, other) =>
      partOrdinal(one, SEED_PROFILE) - partOrdinal(other, SEED_PROFILE) || (one.track === 'video' ? -1 : 1),
  );
  return concatBytes(inTurn.map((part) => part.bytes ?? new Uint8Array()));
}

const RENDITIONS: readonly (readonly [Rendition, readonly Track[]])[] = [
  ['video', ['video']],
  ['audio', ['audio']],
  ['av', ['video', 'audio']],
];

it.each(RENDITIONS)('a segment of %s is its parts, one after the other', async (rendition, tracks) => {
  for (const number of [firstSegment + 2, firstSegment + 3]) {
    const segment = await fetchBytes(`${rendition}/${number}.m4s`);
    expect(Buffer.compare(segment, madeOf(number, tracks))).toBe(0);
    const asParts: Uint8Array[] = [];
    for (let index = 0; index < 5; index += 1)
      asParts.push(await fetchBytes(`${rendition}/${number}.${index}.m4s`));
    expect(Buffer.compare(concatBytes(asParts), segment)).toBe(0);
  }
});

it.each(RENDITIONS)('FFmpeg decodes the segments of %s without a warning', async (rendition, tracks) => {
  const bytes = [await fetchBytes(`${rendition}/init.mp4`)];
  for (let number = firstSegment; number < firstSegment + SEGMENT_COUNT; number += 1)
    bytes.push(await fetchBytes(`${rendition}/${number}.m4s`));
  const judgement = await judge(concatBytes(bytes));
  expect(judgement.complaints).toEqual([]);
  expect(Object.keys(judgement.tracks).sort()).toEqual([...tracks].sort());
});

it('FFmpeg plays the playlists as any HLS client does', async () => {
  const { complaints, tracks } = await judgePlaylist(`${base}/index.m3u8`);
  expect(complaints).toEqual([]);
  expect(tracks.video?.frameCount).toBeGreaterThanOrEqual(SEGMENT_COUNT * 15);
  expect(tracks.audio?.frameCount).toBeGreaterThan(SEGMENT_COUNT * 23);
});
