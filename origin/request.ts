/** Reads a request's method and URL. Strict: one resource has one spelling, so that a cache holds it once. */
import type { DeliveryDirectives } from '../domain/hls/blocking-reload.ts';
import type { Access } from '../domain/hls/playlist-variables.ts';
import type { Rendition } from '../domain/renditions.ts';
import { STREAM_ID_PATTERN } from '../domain/stream-id.ts';

interface Target {
  readonly access: Access;
  readonly streamId: string;
}

/** What of a rendition is asked for. */
export type RenditionRequest = Target & { readonly rendition: Rendition } & (
    | { readonly kind: 'playlist'; readonly directives: DeliveryDirectives }
    | { readonly kind: 'init' }
    | { readonly kind: 'segment'; readonly mediaSequenceNumber: number }
    | { readonly kind: 'part'; readonly mediaSequenceNumber: number; readonly partIndex: number }
  );

/** What of a stream is asked for. */
export type StreamRequest =
  | (Target & { readonly kind: 'multivariant' })
  | (Target & { readonly kind: 'manifest' })
  | (Target & { readonly kind: 'time' })
  | RenditionRequest;

export type ParsedRequest =
  | StreamRequest
  | { readonly kind: 'options' | 'health' }
  | { readonly kind: 'rejected'; readonly status: 400 | 404 | 405 | 414; readonly reason: string };

/** Groups: access, stream id, file of the stream, rendition, playlist or init, segment number, part index. */
const PATH =
  /^\/(live|open)\/([a-z0-9-]{1,40})\/(?:(index\.m3u8|manifest\.mpd|time)|(video|audio|av)(?:(\.m3u8|\/init\.mp4)|\/(0|[1-9]\d{0,14})(?:\.(0|[1-9]\d{0,3}))?\.m4s))$/;

const NUMBER = /^\d{1,15}$/;
const NO_DIRECTIVES: DeliveryDirectives = { skip: false };
const NOT_FOUND = rejected(404, 'No such resource. Playlists are at /live/{stream}/index.m3u8.');

export const HEALTH_PATH = '/healthz';

/** Never throws, whatever the input; the work is linear in the length of the URL, which has a limit. */
export function parseRequest(
  method: string | undefined,
  url: string | undefined,
  maxUrlLength: number,
): ParsedRequest {
  if (url === undefined || url.length > maxUrlLength) {
    return rejected(414, `The URL is longer than ${maxUrlLength} characters.`);
  }
  if (method === 'OPTIONS') return { kind: 'options' };
  if (method !== 'GET' && method !== 'HEAD') return rejected(405, 'Only GET, HEAD and OPTIONS are answered.');
  const queryStart = url.indexOf('?');
  const path = queryStart < 0 ? url : url.slice(0, queryStart);
  if (path === HEALTH_PATH) return { kind: 'health' };
  const match = PATH.exec(path);
  if (!match) return NOT_FOUND;
  const [, access, streamId, streamFile, rendition, renditionFile, number, part] = match;
  if (!streamId || !STREAM_ID_PATTERN.test(streamId)) return NOT_FOUND;
  const target: Target = { access: access === 'live' ? 'live' : 'open', streamId };
  if (streamFile) return { ...target, kind: STREAM_FILES[streamFile] ?? 'time' };
  const of = { ...target, rendition: RENDITION_NAMES[rendition ?? ''] ?? 'av' };
  if (renditionFile === '/init.mp4') return { ...of, kind: 'init' };
  if (renditionFile) {
    const directives = queryStart < 0 ? NO_DIRECTIVES : parseDirectives(url.slice(queryStart + 1));
    return 'status' in directives ? directives : { ...of, kind: 'playlist', directives };
  }
  const mediaSequenceNumber = Number(number);
  if (part === undefined) return { ...of, kind: 'segment', mediaSequenceNumber };
  return { ...of, kind: 'part', mediaSequenceNumber, partIndex: Number(part) };
}

const RENDITION_NAMES: Readonly<Record<string, Rendition>> = { video: 'video', audio: 'audio', av: 'av' };

const STREAM_FILES: Readonly<Record<string, 'multivariant' | 'manifest' | 'time'>> = {
  'index.m3u8': 'multivariant',
  'manifest.mpd': 'manifest',
  time: 'time',
};

/** Parameters that are not delivery directives (a signature, an application's own) are none of our business. */
function parseDirectives(query: string): DeliveryDirectives | ReturnType<typeof rejected> {
  let mediaSequenceNumber: number | undefined;
  let partIndex: number | undefined;
  let skip = false;
  for (const parameter of query.split('&')) {
    if (!parameter.startsWith('_HLS_')) continue;
    const equals = parameter.indexOf('=');
    const name = equals < 0 ? parameter : parameter.slice(0, equals);
    const value = equals < 0 ? '' : parameter.slice(equals + 1);
    if (name === '_HLS_skip') {
      // Any other value is from the future and a whole playlist is a right answer to it.
      skip = value === 'YES' || value === 'v2';
    } else if (name === '_HLS_msn') {
      if (mediaSequenceNumber !== undefined || !NUMBER.test(value))
        return rejected(400, '_HLS_msn must be one whole number.');
      mediaSequenceNumber = Number(value);
    } else if (name === '_HLS_part') {
      if (partIndex !== undefined || !NUMBER.test(value))
        return rejected(400, '_HLS_part must be one whole number.');
      partIndex = Number(value);
    }
  }
  return {
    skip,
    ...(mediaSequenceNumber === undefined ? {} : { mediaSequenceNumber }),
    ...(partIndex === undefined ? {} : { partIndex }),
  };
}

function rejected(status: 400 | 404 | 405 | 414, reason: string) {
  return { kind: 'rejected', status, reason } as const;
}
