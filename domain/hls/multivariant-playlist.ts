/** Writes the multivariant playlist (rfc8216bis §4.4.6): constant as long as the stream's info is. */
import type { StreamInfo } from '../live-edge.ts';
import { bandwidthOf } from './bandwidth.ts';
import {
  type Access,
  defineLines,
  playlistFile,
  QUERYPARAM_VERSION,
  uriSuffix,
} from './playlist-variables.ts';
import { tracksOf } from './rendition-timeline.ts';

/**
 * One variant, `av`: ordinary players need one playlist and half the requests. A page with several panes
 * takes `video.m3u8` and `audio.m3u8` by their own URLs.
 */
export function writeMultivariantPlaylist(info: StreamInfo, access: Access): string {
  const { video, audio } = info;
  const { averageBps, peakBps } = bandwidthOf(info, tracksOf('av', info));
  const codecs = audio ? `${video.codecs},${audio.codecs}` : video.codecs;
  const version = access === 'live' ? `#EXT-X-VERSION:${QUERYPARAM_VERSION}\n` : '';
  return (
    `#EXTM3U\n${version}${defineLines(access)}#EXT-X-INDEPENDENT-SEGMENTS\n` +
    `#EXT-X-STREAM-INF:BANDWIDTH=${peakBps},AVERAGE-BANDWIDTH=${averageBps},CODECS="${codecs}",` +
    `RESOLUTION=${video.widthPx}x${video.heightPx},FRAME-RATE=${video.frameRate.toFixed(3)}\n` +
    `${playlistFile('av', access)}${uriSuffix(access)}\n`
  );
}
