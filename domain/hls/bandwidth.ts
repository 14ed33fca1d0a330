/** What a stream needs of the network, as playlists and manifests declare it. */
import type { StreamInfo } from '../live-edge.ts';
import type { Track } from '../renditions.ts';

/**
 * prft, moof and mdat headers of one part of one track, measured on the packager's parts and rounded up. At ten
 * parts a second it is no small share of 64 kbps, and BANDWIDTH must count it.
 */
const PART_OVERHEAD_BYTES = 192;

/**
 * Peak over average of a segment. The encoder's buffer holds 200 ms at the average rate, so that a segment of
 * 500 ms is at most 1.4 times its share; rounded up.
 */
const PEAK_FACTOR = 1.5;

/** Media and boxes of the given tracks together, in bits per second. */
export function bandwidthOf(
  info: StreamInfo,
  tracks: readonly Track[],
): { readonly averageBps: number; readonly peakBps: number } {
  let mediaBps = 0;
  for (const track of tracks) mediaBps += info[track]?.bitrateBps ?? 0;
  const overheadBps = (tracks.length * PART_OVERHEAD_BYTES * 8 * 1000) / info.partMs;
  return {
    averageBps: Math.ceil(mediaBps + overheadBps),
    peakBps: Math.ceil(mediaBps * PEAK_FACTOR + overheadBps),
  };
}
