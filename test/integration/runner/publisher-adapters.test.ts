/** The publisher on what AWS gives it: a Redis and an S3 that lose answers, hang, and come back empty. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { RedisLiveEdgeReader } from '../../../adapters/live-edge-redis-reader.ts';
import { RedisLiveEdgeWriter } from '../../../adapters/live-edge-redis-writer.ts';
import { S3MediaStore } from '../../../adapters/media-store-s3.ts';
import type { PartEntry } from '../../../domain/live-edge.ts';
import { partKey } from '../../../domain/media-store.ts';
import { SEED_PROFILE } from '../../../domain/profile.ts';
import { nextPart, type PartPosition, partAt, partOrdinal } from '../../../domain/timeline.ts';
import { Publisher } from '../../../gpu-runner/publish/publisher.ts';
import { RedisServer } from '../adapters/redis-server.ts';
import { S3_CREDENTIALS, S3Server } from '../adapters/s3-server.ts';
import { until } from './runner-process.ts';

const STREAM = 'cam-1';
const BUCKET = 'mirror-media';
const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };
const closers: (() => Promise<unknown>)[] = [];
const clock = { nowMs: () => Date.now() };
let redis: RedisServer;
let s3: S3Server;
let heard: PartEntry[];
let ends: unknown[];

beforeEach(async () => {
  redis = await RedisServer.start();
  s3 = await S3Server.start(BUCKET);
  heard = [];
  ends = [];
  const reader = new RedisLiveEdgeReader({ url: redis.socketPath, log });
  const stop = reader.follow(STREAM, {
    onSnapshot: (snapshot) => void (heard = [...(snapshot?.parts.video ?? [])]),
    onEvent: (event) => {
      if (event.kind === 'part' && event.track === 'video') heard.push(event.entry);
    },
  });
  const reading = new AbortController();
  const running = reader.run(reading.signal);
  closers.push(async () => {
    stop();
    reading.abort();
    await running;
  });
});

afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
  await redis.close();
  await s3.close();
});

function createStore(): S3MediaStore {
  return new S3MediaStore({
    bucket: BUCKET,
    region: 'us-east-1',
    endpoint: s3.endpoint,
    credentials: S3_CREDENTIALS,
  });
}

/** A publisher as a process of its own would have it. */
function createPublisher() {
  const liveEdge = new RedisLiveEdgeWriter({ url: redis.socketPath, log });
  const store = createStore();
  const publisher = new Publisher({
    streamId: STREAM,
    profile: SEED_PROFILE,
    store,
    liveEdge,
    clock,
    log,
    initSegments: { video: Uint8Array.of(1), audio: Uint8Array.of(2) },
    streamInfo: (firstMediaSequenceNumber) => ({
      segmentMs: SEED_PROFILE.segmentMs,
      partMs: SEED_PROFILE.partMs,
      video: { codecs: 'avc1.64001e', ...SEED_PROFILE.video },
      firstMediaSequenceNumber,
    }),
  });
  const stop = new AbortController();
  const ended = publisher.run(stop.signal).catch((error: unknown) => void ends.push(error));
  closers.push(async () => {
    stop.abort();
    await ended;
    liveEdge.close();
    store.close();
  });
  return publisher;
}

/** Publishes video parts as they fall due, all of one byte. */
async function publish(
  publisher: Publisher,
  from: PartPosition,
  count: number,
  byte: number,
): Promise<PartPosition> {
  let position = from;
  for (let index = 0; index < count; index += 1) {
    while (partOrdinal(partAt(Date.now(), SEED_PROFILE), SEED_PROFILE) <= partOrdinal(position, SEED_PROFILE))
      await sleep(5);
    publisher.publish({
      ...position,
      track: 'video',
      durationTicks: 9000,
      independent: position.partIndex === 0,
      bytes: new Uint8Array(4_000).fill(byte),
      encodedAtMs: Date.now(),
    });
    position = nextPart(position, SEED_PROFILE);
  }
  return position;
}

function nextSegment(): PartPosition {
  return { mediaSequenceNumber: partAt(Date.now(), SEED_PROFILE).mediaSequenceNumber + 1, partIndex: 0 };
}

it('announces parts that can be read, through answers that are lost', async () => {
  const publisher = createPublisher();
  const position = await publish(publisher, nextSegment(), 3, 7);
  await until('three parts', () => heard.length === 3);
  s3.faults.push(
    { kind: 'carried-out-unheard' },
    { kind: 'reset' },
    { kind: 'answer', status: 503, code: 'SlowDown' },
  );
  await publish(publisher, position, 7, 7);
  await until('ten parts', () => heard.length === 10);
  expect(heard.every((entry) => !entry.gap && entry.byteCount === 4_000)).toBe(true);
  const signal = AbortSignal.timeout(5_000);
  const store = createStore();
  for (const entry of heard)
    expect((await store.get(partKey(STREAM, 'video', entry), { signal }))?.byteLength).toBe(4_000);
  store.close();
  expect(publisher.counters).toMatchObject({ publishedPartCount: 10, gapCount: 0, takenPartCount: 0 });
  expect(ends).toEqual([]);
});

it('a second one yields before it has stored anything, and the first goes on', async () => {
  const first = createPublisher();
  const start = nextSegment();
  const working = publish(first, start, 20, 1);
  await until('its first parts', () => heard.length > 2);
  const second = createPublisher();
  await publish(second, { mediaSequenceNumber: start.mediaSequenceNumber + 3, partIndex: 0 }, 2, 2);
  await working;
  await until('twenty parts', () => heard.length === 20);
  expect(ends).toMatchObject([{ code: 'PUBLISH_SECOND_RUNNER' }]);
  expect(second.counters.publishedPartCount).toBe(0);
  expect(first.counters).toMatchObject({ publishedPartCount: 20, gapCount: 0, takenPartCount: 0 });
});

it('through a Redis that hangs and one that comes back empty, the stream goes on', async () => {
  const publisher = createPublisher();
  let position = await publish(publisher, nextSegment(), 5, 1);
  await until('five parts', () => heard.length === 5);
  redis.freeze();
  position = await publish(publisher, position, 8, 1);
  redis.thaw();
  await until('what was announced meanwhile', () => heard.length === 13);
  await redis.kill();
  position = await publish(publisher, position, 5, 1);
  await redis.startAgain();
  await publish(publisher, position, 25, 1);
  const last = partOrdinal(position, SEED_PROFILE) + 24;
  await until('its newest part', () => heard.some((entry) => partOrdinal(entry, SEED_PROFILE) === last));
  expect(ends).toEqual([]);
});
