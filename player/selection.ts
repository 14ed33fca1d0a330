/** Where a stream's media is asked for, and by which engine: from the page's own address. */
import { MEDIA_ORIGIN_NAME } from '../domain/pages/media-origin.ts';

/**
 * Where a stream's media is asked for. Over plain HTTP a browser opens six connections to one host name, so
 * every stream gets its own under `.localhost`; elsewhere (an address in the LAN, HTTPS with HTTP/2) it is
 * the page's own. Behind a CDN media has a host of its own, which the page states.
 */
export function mediaOrigin(
  id: string,
  location: { protocol: string; hostname: string; port: string },
  stated = statedMediaOrigin(),
): string {
  if (stated !== undefined) return stated;
  const { protocol, hostname, port } = location;
  const suffix = port === '' ? '' : `:${port}`;
  const ownHost = protocol === 'http:' && (hostname === 'localhost' || hostname.endsWith('.localhost'));
  return ownHost ? `http://${id}.localhost${suffix}` : `${protocol}//${hostname}${suffix}`;
}

/** What the page says of where media comes from (domain/pages/pages.ts writes it). */
export function statedMediaOrigin(
  page: Pick<Document, 'querySelector'> | undefined = globalThis.document,
): string | undefined {
  const content = page?.querySelector(`meta[name="${MEDIA_ORIGIN_NAME}"]`)?.getAttribute('content');
  return content ? content : undefined;
}

/** Folder of a stream, with a slash at its end. Under `live` the edge wants a signature. */
export function streamUrl(
  id: string,
  location: { protocol: string; hostname: string; port: string },
  access: 'open' | 'live' = 'open',
): string {
  return `${mediaOrigin(id, location)}/${access}/${id}/`;
}

export const ENGINES = ['clock-mse', 'hls.js', 'native-hls'] as const;
export type EngineName = (typeof ENGINES)[number];

/** `?engine=` of the address, for comparisons; else the one that measures better (docs/benchmarks.md). */
export function engineFromAddress(search: string): EngineName {
  const asked = new URLSearchParams(search).get('engine');
  return ENGINES.find((name) => name === asked) ?? 'clock-mse';
}
