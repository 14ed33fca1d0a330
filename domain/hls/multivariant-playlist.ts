/** Writes the multivariant playlist (rfc8216bis §4.4.6): constant as long as the stream's info is. */
import type { StreamInfo } from '../live-edge.ts';
import { type Access, defineLines, QUERYPARAM_VERSION, uriSuffix } from './playlist-variables.ts';

/**
 * moof and mdat headers of one part of one track, measured on the packager's parts and rounded up. At ten
 * parts a second it is no small share of 64 kbps, and BANDWIDTH must count it.
 */
const PART_OVERHEAD_BYTES = 200;

/** Peak over average of a segment: the encoder's VBV holds one keyframe of a one-second buffer. */
const PEAK_FACTOR = 1.5;

/**
 * One variant, `av`: ordinary players need one playlist and half the requests. A page with several panes
 * takes `video.m3u8` and `audio.m3u8` by their own URLs.
 */
export function writeMultivariantPlaylist(info: StreamInfo, access: Access): string {
  const { video, audio } = info;
  const { averageBps, peakBps } = bandwidthOf(info);
  const codecs = audio ? `${video.codecs},${audio.codecs}` : video.codecs;
  const version = access === 'live' ? `#EXT-X-VERSION:${QUERYPARAM_VERSION}\n` : '';
  return (
    `#EXTM3U\n${version}${defineLines(access)}#EXT-X-INDEPENDENT-SEGMENTS\n` +
    `#EXT-X-STREAM-INF:BANDWIDTH=${peakBps},AVERAGE-BANDWIDTH=${averageBps},CODECS="${codecs}",` +
    `RESOLUTION=${video.widthPx}x${video.heightPx},FRAME-RATE=${video.frameRate.toFixed(3)}\n` +
    `av.m3u8${uriSuffix(access)}\n`
  );
}

/** What `av` needs of the network: media and boxes, in bits per second. */
export function bandwidthOf(info: StreamInfo): { readonly averageBps: number; readonly peakBps: number } {
  const overheadBps = (PART_OVERHEAD_BYTES * 8 * 1000) / info.partMs;
  const trackCount = info.audio ? 2 : 1;
  const mediaBps = info.video.bitrateBps + (info.audio?.bitrateBps ?? 0);
  return {
    averageBps: Math.ceil(mediaBps + trackCount * overheadBps),
    peakBps: Math.ceil(mediaBps * PEAK_FACTOR + trackCount * overheadBps),
  };
}
