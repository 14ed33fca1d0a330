/**
 * Premium playlists are one text for all viewers: CloudFront's three signature parameters are variables that
 * each client fills from its own playlist URL (rfc8216bis §4.4.2.3, EXT-X-DEFINE with QUERYPARAM).
 */

/** Served under `/live/` (signed at the edge) or under `/open/` (public). */
export type Access = 'live' | 'open';

const SIGNATURE_PARAMETERS = ['Policy', 'Signature', 'Key-Pair-Id'] as const;

/** The EXT-X-DEFINE lines, each with its line end. */
export function defineLines(access: Access): string {
  if (access === 'open') return '';
  return SIGNATURE_PARAMETERS.map((name) => `#EXT-X-DEFINE:QUERYPARAM="${name}"\n`).join('');
}

/** What follows every URI of the playlist. */
export function uriSuffix(access: Access): string {
  if (access === 'open') return '';
  return `?${SIGNATURE_PARAMETERS.map((name) => `${name}={$${name}}`).join('&')}`;
}

/** EXT-X-DEFINE with QUERYPARAM needs version 11 (rfc8216bis §8). */
export const QUERYPARAM_VERSION = 11;
