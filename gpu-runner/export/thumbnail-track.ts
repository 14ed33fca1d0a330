/** The WebVTT file that says which place of which sheet shows which seconds (as players take it). Pure. */
import { thumbnailSheetName } from '../../domain/recording.ts';
import { PLACES_PER_SHEET, THUMBNAIL } from './thumbnails.ts';

/**
 * @param shownMs when each place is shown first, ascending.
 * @param endMs length of the video.
 */
export function thumbnailTrack(shownMs: readonly number[], endMs: number): string {
  const cues = shownMs.map((startMs, index) => {
    const place = index % PLACES_PER_SHEET;
    const x = (place % THUMBNAIL.columns) * THUMBNAIL.widthPx;
    const y = Math.floor(place / THUMBNAIL.columns) * THUMBNAIL.heightPx;
    const sheet = thumbnailSheetName(Math.floor(index / PLACES_PER_SHEET));
    const area = `${x},${y},${THUMBNAIL.widthPx},${THUMBNAIL.heightPx}`;
    return `${clockText(startMs)} --> ${clockText(shownMs[index + 1] ?? endMs)}\n${sheet}#xywh=${area}\n`;
  });
  return ['WEBVTT\n', ...cues].join('\n');
}

/** `hh:mm:ss.ttt` (WebVTT §4.3). */
function clockText(ms: number): string {
  const part = (value: number, digits: number) => String(Math.floor(value)).padStart(digits, '0');
  const [hours, minutes, seconds] = [ms / 3_600_000, (ms / 60_000) % 60, (ms / 1_000) % 60];
  return `${part(hours, 2)}:${part(minutes, 2)}:${part(seconds, 2)}.${part(ms % 1_000, 3)}`;
}
