/** Reads a request's method and URL. Strict: one resource has one spelling, so that a cache holds it once. */
import { CMCD_PATH } from '../domain/cmcd.ts';
import { JOINED_SEGMENT_COUNT } from '../domain/delivery.ts';
import type { DeliveryDirectives } from '../domain/hls/blocking-reload.ts';
import { type Access, playlistFile } from '../domain/hls/playlist-variables.ts';
import { RENDITIONS, type Rendition } from '../domain/renditions.ts';
import { STREAM_ID_PATTERN } from '../domain/stream-id.ts';

interface Target {
  readonly access: Access;
  readonly streamId: string;
}

/** What of a rendition is asked for. */
export type RenditionRequest = Target & { readonly rendition: Rendition } & (
    | { readonly kind: 'playlist'; readonly directives: DeliveryDirectives }
    | { readonly kind: 'init' }
    /** One segment, or finished ones in one answer. */
    | { readonly kind: 'segment'; readonly mediaSequenceNumber: number; readonly segmentCount: number }
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
  | { readonly kind: 'options' | 'health' | 'viewer-reports' }
  | { readonly kind: 'rejected'; readonly status: 400 | 404 | 405 | 414; readonly reason: string };

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
  if (method === 'POST' && url === CMCD_PATH) return { kind: 'viewer-reports' };
  if (method !== 'GET' && method !== 'HEAD') return rejected(405, 'Only GET, HEAD and OPTIONS are answered.');
  const queryStart = url.indexOf('?');
  const path = queryStart < 0 ? url : url.slice(0, queryStart);
  if (path === HEALTH_PATH) return { kind: 'health' };
  return parseStreamPath(path, queryStart < 0 ? '' : url.slice(queryStart + 1));
}

/** Both prefixes have the same length. */
const ACCESS_OF_PREFIX: Readonly<Record<string, Access>> = { '/live/': 'live', '/open/': 'open' };
const PREFIX_LENGTH = '/live/'.length;

/** By hand: this runs for every request, and one expression for all paths took a tenth of an answer's time. */
function parseStreamPath(path: string, query: string): ParsedRequest {
  const access = ACCESS_OF_PREFIX[path.slice(0, PREFIX_LENGTH)];
  const idEnd = path.indexOf('/', PREFIX_LENGTH);
  if (!access || idEnd < 0) return NOT_FOUND;
  const streamId = path.slice(PREFIX_LENGTH, idEnd);
  if (!STREAM_ID_PATTERN.test(streamId)) return NOT_FOUND;
  const file = path.slice(idEnd + 1);
  const slash = file.indexOf('/');
  if (slash >= 0) {
    const rendition = RENDITION_NAMES.get(file.slice(0, slash));
    return rendition ? parseMediaFile({ access, streamId, rendition }, file.slice(slash + 1)) : NOT_FOUND;
  }
  if (access === 'live' && file.endsWith(COOKIES_SUFFIX))
    return parsePlaylistFile({ access: 'cookies', streamId }, file, query);
  const kind = STREAM_FILES.get(file);
  return kind ? { access, streamId, kind } : parsePlaylistFile({ access, streamId }, file, query);
}

function parsePlaylistFile({ access, streamId }: Target, file: string, query: string): ParsedRequest {
  if (file === playlistFile('index', access)) return { access, streamId, kind: 'multivariant' };
  const rendition = RENDITIONS.find((name) => file === playlistFile(name, access));
  if (!rendition) return NOT_FOUND;
  const directives = parseDirectives(query);
  if ('status' in directives) return directives;
  return { access, streamId, rendition, kind: 'playlist', directives };
}

const RENDITION_NAMES: ReadonlyMap<string, Rendition> = new Map(RENDITIONS.map((name) => [name, name]));
const COOKIES_SUFFIX = '.cookies.m3u8';
const STREAM_FILES: ReadonlyMap<string, 'manifest' | 'time'> = new Map([
  ['manifest.mpd', 'manifest'],
  ['time', 'time'],
]);

const MEDIA_SUFFIX = '.m4s';
/** No number on the grid is longer, and up to here every one is exact. */
const MAX_NUMBER_LENGTH = 15;
const MAX_PART_INDEX_LENGTH = 4;

/** `init.mp4`, `{msn}.m4s`, `{msn}.{part}.m4s`, or `{first}-{last}.m4s` on the grid of joined segments. */
function parseMediaFile(of: Target & { readonly rendition: Rendition }, file: string): ParsedRequest {
  if (file === 'init.mp4') return { ...of, kind: 'init' };
  if (!file.endsWith(MEDIA_SUFFIX)) return NOT_FOUND;
  const numbers = file.slice(0, -MEDIA_SUFFIX.length);
  const dot = numbers.indexOf('.');
  if (dot < 0) {
    const dash = numbers.indexOf('-');
    if (dash >= 0) return parseJoinedSegments(of, numbers.slice(0, dash), numbers.slice(dash + 1));
    const mediaSequenceNumber = plainNumber(numbers, MAX_NUMBER_LENGTH);
    return mediaSequenceNumber < 0
      ? NOT_FOUND
      : { ...of, kind: 'segment', mediaSequenceNumber, segmentCount: 1 };
  }
  const mediaSequenceNumber = plainNumber(numbers.slice(0, dot), MAX_NUMBER_LENGTH);
  const partIndex = plainNumber(numbers.slice(dot + 1), MAX_PART_INDEX_LENGTH);
  if (mediaSequenceNumber < 0 || partIndex < 0) return NOT_FOUND;
  return { ...of, kind: 'part', mediaSequenceNumber, partIndex };
}

/** Only whole steps of that grid: a second way to cut the same media would fill caches twice. */
function parseJoinedSegments(
  of: Target & { readonly rendition: Rendition },
  firstText: string,
  lastText: string,
): ParsedRequest {
  const first = plainNumber(firstText, MAX_NUMBER_LENGTH);
  const last = plainNumber(lastText, MAX_NUMBER_LENGTH);
  const isOnGrid = first % JOINED_SEGMENT_COUNT === 0 && last - first === JOINED_SEGMENT_COUNT - 1;
  return first >= 0 && isOnGrid
    ? { ...of, kind: 'segment', mediaSequenceNumber: first, segmentCount: JOINED_SEGMENT_COUNT }
    : NOT_FOUND;
}

/** Decimal digits without leading zeros. @returns -1 for anything else. */
function plainNumber(text: string, maxLength: number): number {
  const { length } = text;
  if (length === 0 || length > maxLength || (length > 1 && text.startsWith('0'))) return -1;
  let value = 0;
  for (let index = 0; index < length; index += 1) {
    const digit = text.charCodeAt(index) - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** Parameters that are not delivery directives (a signature, an application's own) are none of our business. */
function parseDirectives(query: string): DeliveryDirectives | ReturnType<typeof rejected> {
  if (query === '') return NO_DIRECTIVES;
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
