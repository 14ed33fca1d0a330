/**
 * The playlist of a recording: EVENT while it grows, VOD when it is finished (rfc8216bis §4.4.3.5). Written
 * whole each time; read back when a runner continues a recording after a crash.
 */
import { RECORDING_INIT, RECORDING_OBJECT_MS } from '../../domain/recording.ts';
import { programDateTime } from '../../domain/timeline.ts';
import { recordingErrors } from './errors.ts';

export interface RecordedObject {
  readonly name: string;
  readonly startMs: number;
  readonly durationMs: number;
}

/** EXT-X-MAP in a playlist that is not I-frames only asks for 6 (rfc8216bis §8). */
const VERSION = 6;

/**
 * An object that does not begin where the one before it ended stands behind a DISCONTINUITY: time was lost,
 * and a player must not wait for it.
 */
export function renderRecordingPlaylist(objects: readonly RecordedObject[], isFinished: boolean): string {
  const lines = [
    '#EXTM3U',
    `#EXT-X-VERSION:${VERSION}`,
    `#EXT-X-TARGETDURATION:${RECORDING_OBJECT_MS / 1000}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    `#EXT-X-PLAYLIST-TYPE:${isFinished ? 'VOD' : 'EVENT'}`,
    '#EXT-X-INDEPENDENT-SEGMENTS',
    `#EXT-X-MAP:URI="${RECORDING_INIT}"`,
  ];
  let endMs: number | undefined;
  for (const object of objects) {
    if (endMs !== undefined && object.startMs !== endMs) lines.push('#EXT-X-DISCONTINUITY');
    lines.push(`#EXT-X-PROGRAM-DATE-TIME:${programDateTime(object.startMs)}`);
    lines.push(`#EXTINF:${(object.durationMs / 1000).toFixed(3)},`, object.name);
    endMs = object.startMs + object.durationMs;
  }
  if (isFinished) lines.push('#EXT-X-ENDLIST');
  return `${lines.join('\n')}\n`;
}

/**
 * Reads a playlist that `renderRecordingPlaylist` wrote.
 *
 * @throws MirrorError `RECORDING_UNREADABLE`.
 */
export function parseRecordingPlaylist(text: string): {
  objects: RecordedObject[];
  isFinished: boolean;
} {
  const [first, ...lines] = text.split('\n');
  if (first !== '#EXTM3U') throw recordingErrors.create('UNREADABLE', 'It does not begin with #EXTM3U.');
  const objects: RecordedObject[] = [];
  let startMs = Number.NaN;
  let durationMs = Number.NaN;
  for (const line of lines) {
    if (line.startsWith('#EXT-X-PROGRAM-DATE-TIME:')) startMs = Date.parse(line.slice(line.indexOf(':') + 1));
    if (line.startsWith('#EXTINF:')) durationMs = Math.round(Number.parseFloat(line.slice(8)) * 1000);
    if (line === '' || line.startsWith('#')) continue;
    if (Number.isNaN(startMs) || Number.isNaN(durationMs))
      throw recordingErrors.create('UNREADABLE', `The object ${line} has no time or no duration.`);
    objects.push({ name: line, startMs, durationMs });
    startMs = Number.NaN;
    durationMs = Number.NaN;
  }
  return { objects, isFinished: lines.includes('#EXT-X-ENDLIST') };
}
