/**
 * Premium playlists are one text for all viewers: CloudFront's three signature parameters are variables that
 * each client fills from its own playlist URL (rfc8216bis §4.4.2.3, EXT-X-DEFINE with QUERYPARAM).
 */

import type { Rendition } from '../renditions.ts';

/**
 * Served under `/live/` (signed at the edge) or under `/open/` (public). `cookies` is `/live/` for those whose
 * signature is in cookies: the playlists define no variables, since players that know none fail at them, and a
 * file's name tells it, because a cache looks at paths alone.
 */
export type Access = 'live' | 'open' | 'cookies';

/** Name of a playlist's file: `av.m3u8`, or `av.cookies.m3u8`. */
export function playlistFile(name: Rendition | 'index', access: Access): string {
  return access === 'cookies' ? `${name}.cookies.m3u8` : `${name}.m3u8`;
}

const SIGNATURE_PARAMETERS = ['Policy', 'Signature', 'Key-Pair-Id'] as const;

/** The EXT-X-DEFINE lines, each with its line end. */
export function defineLines(access: Access): string {
  if (access !== 'live') return '';
  return SIGNATURE_PARAMETERS.map((name) => `#EXT-X-DEFINE:QUERYPARAM="${name}"\n`).join('');
}

/** What follows every URI of the playlist. */
export function uriSuffix(access: Access): string {
  if (access !== 'live') return '';
  return `?${SIGNATURE_PARAMETERS.map((name) => `${name}={$${name}}`).join('&')}`;
}

/** EXT-X-DEFINE with QUERYPARAM needs version 11 (rfc8216bis §8). */
export const QUERYPARAM_VERSION = 11;
