/**
 * Where recordings lie and what they are. One recording is one folder: an init segment with both tracks,
 * objects of `RECORDING_OBJECT_MS` that hold video and audio parts in turn, and a playlist that grows while
 * the recording goes on. `latest.json` names a stream's newest recording.
 */
import * as z from 'zod';

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

/** File name of an object, by the first segment that it holds. */
export function recordingObjectName(firstMediaSequenceNumber: number): string {
  return `${firstMediaSequenceNumber}.m4s`;
}

/** Key of the object that names a stream's newest recording (`latestRecordingSchema`). */
export function latestRecordingKey(streamId: string): string {
  return `recordings/${streamId}/latest.json`;
}

export const latestRecordingSchema = z.object({
  /** Name of its folder. */
  name: z.string().regex(/^\d{8}T\d{6}\.\d{3}Z$/),
});
