/**
 * Where recordings lie and what they are. One recording is one folder: an init segment with both tracks,
 * objects of `RECORDING_OBJECT_MS` that hold video and audio parts in turn, and a playlist that grows while
 * the recording goes on. `latest.json` names a stream's newest recording, `list.json` the last ones.
 */
import * as z from 'zod';
import { STREAM_ID_PATTERN } from './stream-id.ts';

/** Objects are cut on the grid of the timeline: each covers one whole interval of this length since EPOCH. */
export const RECORDING_OBJECT_MS = 6_000;

/** Text of the instant at which a recording begins, as a folder name: `20261122T145900.500Z`. */
export function recordingName(startMs: number): string {
  return new Date(startMs).toISOString().replaceAll(/[-:]/g, '');
}

/** Prefix of everything that one recording consists of. */
export function recordingPrefix(streamId: string, name: string): string {
  return `recordings/${streamId}/${name}/`;
}

/** File names inside a recording. */
export const RECORDING_PLAYLIST = 'index.m3u8';
export const RECORDING_INIT = 'init.mp4';
/** Written once, after the last playlist: whoever waits for the end of a recording waits for this object. */
export const RECORDING_FINISHED = 'finished.json';

/** File name of an object, by the first segment that it holds. */
export function recordingObjectName(firstMediaSequenceNumber: number): string {
  return `${firstMediaSequenceNumber}.m4s`;
}

/** Key of the object that names a stream's newest recording (`latestRecordingSchema`). */
export function latestRecordingKey(streamId: string): string {
  return `recordings/${streamId}/latest.json`;
}

const nameSchema = z.string().regex(/^\d{8}T\d{6}\.\d{3}Z$/);

export const latestRecordingSchema = z.object({
  /** Name of its folder. */
  name: nameSchema,
});

/** Key of the object that names a stream's recordings (`recordingListSchema`): nobody has to list a bucket. */
export function recordingListKey(streamId: string): string {
  return `recordings/${streamId}/list.json`;
}

/** Older ones are still there, but no longer named. */
export const RECORDING_LIST_COUNT_MAX = 200;

export const recordingListSchema = z.object({
  /** Names of their folders, newest last. */
  names: z.array(nameSchema),
});

const FINISHED_KEY = /^recordings\/([^/]+)\/(\d{8}T\d{6}\.\d{3}Z)\/finished\.json$/;

/** Which recording a key says to be finished; undefined for every other key. */
export function finishedRecordingOf(key: string): { streamId: string; name: string } | undefined {
  const [, streamId, name] = FINISHED_KEY.exec(key) ?? [];
  if (streamId === undefined || name === undefined || !STREAM_ID_PATTERN.test(streamId)) return undefined;
  return { streamId, name };
}

/** What an export of a recording consists of, below `recordings/{streamId}/{name}/export/`. */
export const EXPORT_FILES = {
  video: 'video.mp4',
  poster: 'poster.jpg',
  /** WebVTT: which place of which sheet shows which seconds. */
  thumbnails: 'thumbnails.vtt',
  /** Written last: what is there, and that it is whole. */
  summary: 'export.json',
} as const;

export function exportPrefix(streamId: string, name: string): string {
  return `${recordingPrefix(streamId, name)}export/`;
}

/** File name of a sheet of thumbnails, from 0. */
export function thumbnailSheetName(sheetIndex: number): string {
  return `thumbnails-${sheetIndex}.jpg`;
}
