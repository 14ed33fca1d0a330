/** A recording as the recorder writes it, exported by the program as AWS Batch runs it, judged by FFmpeg. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { S3MediaStore } from '../../../adapters/media-store-s3.ts';
import { ObjectsS3 } from '../../../adapters/objects-s3.ts';
import { joinInitSegments } from '../../../domain/cmaf/join-init-segments.ts';
import { EXPORT_EXIT_CODE } from '../../../domain/export-exit-code.ts';
import { profileWithFrameRate } from '../../../domain/profile.ts';
import {
  EXPORT_FILES,
  exportPrefix,
  RECORDING_FINISHED,
  RECORDING_PLAYLIST,
  recordingName,
  recordingPrefix,
  thumbnailSheetName,
} from '../../../domain/recording.ts';
import { segmentStartMs } from '../../../domain/timeline.ts';
import { Packager } from '../../../gpu-runner/packager/packager.ts';
import { Recorder } from '../../../gpu-runner/recording/recorder.ts';
import { S3_CREDENTIALS, S3Server } from '../adapters/s3-server.ts';
import { encodePattern, judge } from '../runner/pattern-frames.ts';
import { until } from '../runner/runner-process.ts';

const STREAM = 'cam-1';
const BUCKET = 'mirror-recordings';
const MAIN = fileURLToPath(new URL('../../../gpu-runner/export/main.ts', import.meta.url));
/** 48 segments of half a second, then a loss of 12 seconds, then 12 more. */
const FIRST_SEGMENT = 56_000_004;
const PIECES = [
  { firstMediaSequenceNumber: FIRST_SEGMENT, segmentCount: 48 },
  { firstMediaSequenceNumber: FIRST_SEGMENT + 72, segmentCount: 12 },
];
const profile = profileWithFrameRate(30);
const quiet = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet };
const NAME = recordingName(segmentStartMs(FIRST_SEGMENT, profile));
const PREFIX = exportPrefix(STREAM, NAME);

let s3: S3Server;
let objects: ObjectsS3;
let scratch: string;
const frameCounts = { video: 0, audio: 0 };
let lostObjectCount: number | undefined;

beforeAll(async () => {
  s3 = await S3Server.start(BUCKET);
  const options = { bucket: BUCKET, region: 'us-east-1', endpoint: s3.endpoint, credentials: S3_CREDENTIALS };
  objects = new ObjectsS3(options);
  scratch = await mkdtemp(join(tmpdir(), 'mirror-export-'));
  const store = new S3MediaStore(options);
  let recorder: Recorder | undefined;
  for (const piece of PIECES) {
    const media = await encodePattern({ profile, ...piece });
    const packager = new Packager({ profile, encoder: media.encoder });
    recorder ??= new Recorder({
      streamId: STREAM,
      profile,
      store,
      clock: { nowMs: () => Date.now() },
      log: quiet,
      initSegment: joinInitSegments(packager.initSegments.video, packager.initSegments.audio),
    });
    for (const frame of media.frames) {
      frameCounts[frame.track] += 1;
      for (const part of packager.push(frame, 0)) recorder.take(part);
    }
    // The recorder drops what comes faster than its store writes; a real stream takes its time.
    await until('three objects are stored', () => (recorder?.counters.recordedObjectCount ?? 0) > 2);
  }
  await recorder?.finish(true);
  lostObjectCount = recorder?.counters.lostObjectCount;
  store.close();
});

afterAll(async () => {
  objects.close();
  await s3.close();
  await rm(scratch, { recursive: true, force: true });
});

async function runExport(finishedKey: string): Promise<{ code: number; said: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN], {
    env: {
      ...process.env,
      AWS_ACCESS_KEY_ID: S3_CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: S3_CREDENTIALS.secretAccessKey,
      AWS_REGION: 'us-east-1',
      MIRROR_S3_ENDPOINT: s3.endpoint,
      MIRROR_RECORDINGS_BUCKET: BUCKET,
      MIRROR_SCRATCH_DIRECTORY: scratch,
      MIRROR_FINISHED_KEY: finishedKey,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  const [code] = await once(child, 'close');
  return { code: Number(code), said };
}

const bytesOf = async (name: string) => Buffer.from((await objects.get(PREFIX + name)) ?? []);

it('a finished recording becomes one MP4 with every frame of it, and no hole where time was lost', async () => {
  const finished = recordingPrefix(STREAM, NAME) + RECORDING_FINISHED;
  expect(lostObjectCount).toBe(0);
  expect(await objects.get(finished)).toBeDefined();
  const { code, said } = await runExport(finished);
  expect(said).toContain('export-written');
  expect(code).toBe(EXPORT_EXIT_CODE.done);

  const video = await bytesOf(EXPORT_FILES.video);
  // The index comes before the media, so that a browser plays it while it loads.
  expect(video.indexOf('moov')).toBeLessThan(video.indexOf('mdat'));
  const { complaints, tracks } = await judge(video);
  // Sound begins a few samples after the picture, which FFmpeg mentions; anything else is damage.
  expect(complaints.filter((text) => !text.includes('timestamps for discarded samples'))).toEqual([]);
  expect(tracks.video?.frameCount).toBe(frameCounts.video);
  expect(tracks.audio?.packetCount).toBe(frameCounts.audio);
  expect(tracks.video?.firstPtsTicks).toBe(0);
  const lastMs = ((tracks.video?.lastPtsTicks ?? 0) * 1_000) / profile.video.timescaleHz;
  expect(lastMs).toBeCloseTo(30_000 - 1_000 / 30, 0);
});

it('its summary says what it is, and was written last', async () => {
  const summary: unknown = JSON.parse((await bytesOf(EXPORT_FILES.summary)).toString('utf8'));
  expect(summary).toEqual({
    video: EXPORT_FILES.video,
    startMs: segmentStartMs(FIRST_SEGMENT, profile),
    durationMs: 30_000,
    leftOutMs: 12_000,
    thumbnailCount: 3,
  });
  const written = s3.requests.filter(({ method, url }) => method === 'PUT' && url.includes('/export/'));
  expect(written.at(-1)?.url).toContain(EXPORT_FILES.summary);
});

it('there are a poster, a sheet of thumbnails, and a track that finds its places', async () => {
  expect(jpegSize(await bytesOf(EXPORT_FILES.poster))).toEqual({ widthPx: 640, heightPx: 360 });
  expect(jpegSize(await bytesOf(thumbnailSheetName(0)))).toEqual({ widthPx: 1_600, heightPx: 900 });
  expect((await bytesOf(EXPORT_FILES.thumbnails)).toString('utf8')).toBe(
    [
      'WEBVTT\n',
      '00:00:00.000 --> 00:00:10.000\nthumbnails-0.jpg#xywh=0,0,160,90\n',
      '00:00:10.000 --> 00:00:20.000\nthumbnails-0.jpg#xywh=160,0,160,90\n',
      '00:00:20.000 --> 00:00:30.000\nthumbnails-0.jpg#xywh=320,0,160,90\n',
    ].join('\n'),
  );
});

it('run again after a reclaim, it makes the same files again', async () => {
  const before = await bytesOf(EXPORT_FILES.video);
  await writeFile(join(scratch, `${STREAM}-${NAME}.mp4`), 'half a file of the run before');
  expect((await runExport(recordingPrefix(STREAM, NAME) + RECORDING_FINISHED)).code).toBe(0);
  expect((await bytesOf(EXPORT_FILES.video)).equals(before)).toBe(true);
});

it('a recording that is not there is hopeless, and a store that is away is worth another try', async () => {
  const missing = await runExport('recordings/cam-9/20260101T000000.000Z/finished.json');
  expect(missing.said).toContain('does not exist');
  expect(missing.code).toBe(EXPORT_EXIT_CODE.hopeless);
  const faults = Array.from(
    { length: 20 },
    () => ({ kind: 'answer', status: 503, code: 'SlowDown' }) as const,
  );
  s3.faults.push(...faults);
  const away = await runExport(recordingPrefix(STREAM, NAME) + RECORDING_FINISHED);
  s3.faults.length = 0;
  expect(away.code).toBe(EXPORT_EXIT_CODE.tryAgain);
});

it('an object that expired is named', async () => {
  const playlist = recordingPrefix(STREAM, NAME) + RECORDING_PLAYLIST;
  const text = Buffer.from((await objects.get(playlist)) ?? []).toString('utf8');
  await objects.write(playlist, Buffer.from(text.replace(/^\d+\.m4s$/m, '1.m4s')), 'text/plain');
  const { code, said } = await runExport(recordingPrefix(STREAM, NAME) + RECORDING_FINISHED);
  expect(code).toBe(EXPORT_EXIT_CODE.hopeless);
  expect(said).toContain('1.m4s');
});

/** From its start-of-frame marker (ITU-T T.81 §B.2.2). */
function jpegSize(bytes: Buffer) {
  const at = bytes.indexOf(Buffer.from([0xff, 0xc0]));
  return { widthPx: bytes.readUInt16BE(at + 7), heightPx: bytes.readUInt16BE(at + 5) };
}
