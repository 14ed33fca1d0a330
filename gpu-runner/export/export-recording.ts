/**
 * One recording into one export: objects are taken one after the other, so that its memory does not grow with the
 * recording; only the MP4 lies on scratch space.
 */
import { join } from 'node:path';
import { AVMEDIA_TYPE_VIDEO } from 'node-av/constants';
import type { Packet, Stream } from 'node-av/lib';
import type { Log } from '../../domain/log.ts';
import {
  EXPORT_FILES,
  exportPrefix,
  RECORDING_INIT,
  RECORDING_PLAYLIST,
  recordingPrefix,
  thumbnailSheetName,
} from '../../domain/recording.ts';
import { EPOCH_MS } from '../../domain/timeline.ts';
import { parseRecordingPlaylist, type RecordedObject } from '../recording/recording-playlist.ts';
import { exportErrors } from './errors.ts';
import { readObject } from './object-reader.ts';
import { Remuxer } from './remuxer.ts';
import { thumbnailTrack } from './thumbnail-track.ts';
import { Thumbnails } from './thumbnails.ts';

export interface ExportDependencies {
  readonly store: {
    /** @returns undefined when there is no such object. */
    get(key: string): Promise<Uint8Array | undefined>;
    write(key: string, bytes: Uint8Array, contentType: string): Promise<void>;
    writeFile(key: string, path: string, contentType: string): Promise<void>;
  };
  readonly log: Log;
  /** Room for the MP4: 60 kB a second of recording. */
  readonly scratchDirectory: string;
}

export interface ExportSummary {
  readonly video: string;
  readonly durationMs: number;
  readonly startMs: number;
  /** Time that the recording had lost and the export leaves out. */
  readonly leftOutMs: number;
  readonly thumbnailCount: number;
}

/** @throws MirrorError `EXPORT_*`, or what the store throws. */
export async function exportRecording(
  { streamId, name }: { readonly streamId: string; readonly name: string },
  { store, log, scratchDirectory }: ExportDependencies,
): Promise<ExportSummary> {
  const prefix = recordingPrefix(streamId, name);
  const needed = async (key: string) => {
    const bytes = await store.get(key);
    if (!bytes) throw exportErrors.create('NOT_FOUND', `Key ${key}.`);
    return bytes;
  };
  const playlist = Buffer.from(await needed(prefix + RECORDING_PLAYLIST)).toString('utf8');
  const { objects, isFinished } = parseRecordingPlaylist(playlist);
  if (!isFinished) throw exportErrors.create('STILL_GROWING', `Recording ${prefix}.`);
  const [first] = objects;
  if (!first) throw exportErrors.create('EMPTY', `Recording ${prefix}.`);

  const path = join(scratchDirectory, `${streamId}-${name}.mp4`);
  const init = await needed(prefix + RECORDING_INIT);
  const thumbnails = new Thumbnails();
  const { durationMs, leftOutMs } = await joinObjects({
    objects,
    read: async (object) => [init, await needed(prefix + object.name)],
    remuxer: new Remuxer(path),
    thumbnails,
  });

  const target = exportPrefix(streamId, name);
  await store.writeFile(target + EXPORT_FILES.video, path, 'video/mp4');
  for (const [index, sheet] of thumbnails.sheets.entries())
    await store.write(target + thumbnailSheetName(index), sheet, 'image/jpeg');
  if (thumbnails.poster) await store.write(target + EXPORT_FILES.poster, thumbnails.poster, 'image/jpeg');
  const track = thumbnailTrack(thumbnails.shownMs, durationMs);
  await store.write(target + EXPORT_FILES.thumbnails, Buffer.from(track), 'text/vtt');
  const summary: ExportSummary = {
    video: EXPORT_FILES.video,
    startMs: first.startMs,
    durationMs,
    leftOutMs,
    thumbnailCount: thumbnails.shownMs.length,
  };
  await store.write(target + EXPORT_FILES.summary, Buffer.from(JSON.stringify(summary)), 'application/json');
  log.info('export-written', { prefix: target, objectCount: objects.length, ...summary });
  return summary;
}

interface Joining {
  readonly objects: readonly RecordedObject[];
  /** Init segment and object. */
  readonly read: (object: RecordedObject) => Promise<readonly Uint8Array[]>;
  readonly remuxer: Remuxer;
  readonly thumbnails: Thumbnails;
}

async function joinObjects({ objects, read, remuxer, thumbnails }: Joining) {
  const startMs = objects[0]?.startMs ?? 0;
  let endMs = startMs;
  let leftOutMs = 0;
  let isOpen = false;
  const onStreams = async (streams: readonly Stream[]) => {
    if (isOpen) return;
    isOpen = true;
    await remuxer.open(streams, startMs);
    const video = streams.find((stream) => isVideo(stream));
    if (video) await thumbnails.open(video);
  };
  try {
    for (const object of objects) {
      leftOutMs += object.startMs - endMs;
      const zeroMs = startMs + leftOutMs - EPOCH_MS;
      await readObject(await read(object), onStreams, async (packet, stream) => {
        if (isVideo(stream)) await thumbnails.take(packet, shownAtMs(packet, stream) - zeroMs);
        await remuxer.write(packet, stream, zeroMs);
      });
      endMs = object.startMs + object.durationMs;
    }
  } finally {
    await remuxer.close();
    await thumbnails.close();
  }
  return { durationMs: endMs - startMs - leftOutMs, leftOutMs };
}

function isVideo(stream: Stream): boolean {
  return stream.codecpar.codecType === AVMEDIA_TYPE_VIDEO;
}

function shownAtMs(packet: Packet, { timeBase }: Stream): number {
  return Number((packet.pts * BigInt(timeBase.num) * 1_000n) / BigInt(timeBase.den));
}
