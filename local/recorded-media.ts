/** Serves what was recorded, as S3 behind CloudFront does: whole objects by their keys. Signatures are checked before. */

import { messageOf } from '../domain/errors.ts';
import type { Log } from '../domain/log.ts';
import type { MediaStoreReader } from '../domain/media-store.ts';
import { RECORDING_PLAYLIST } from '../domain/recording.ts';
import { answerText, type FrontHandler, type FrontResponse, writeHead } from './front-server.ts';

export const RECORDINGS_PATH = '/recordings/';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  m3u8: 'application/vnd.apple.mpegurl',
  json: 'application/json',
  mp4: 'video/mp4',
  m4s: 'video/mp4',
};
const READ_TIMEOUT_MS = 10_000;
/** `list.json`, `latest.json`, or a file of one recording. Nothing that could leave the folder. */
const PLAIN_KEY =
  /^recordings\/[a-z0-9-]{1,40}\/(?:\d{8}T\d{6}\.\d{3}Z\/)?[A-Za-z0-9_-]+\.(?<kind>m3u8|json|mp4|m4s)$/;

export interface RecordedMediaDependencies {
  readonly store: MediaStoreReader;
  /** Everything else. */
  readonly media: FrontHandler;
  readonly log: Log;
}

/** Answers what is below /recordings/, and hands the rest on. */
export function createRecordedMedia({ store, media, log }: RecordedMediaDependencies): FrontHandler {
  return (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    if (!path.startsWith(RECORDINGS_PATH)) {
      media(request, response);
      return;
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      answerText(response, 405, 'Only GET is possible here.', { allow: 'GET, HEAD' });
      return;
    }
    answer(path.slice(1), response, store, request.method === 'HEAD').catch((error: unknown) => {
      log.warn('recording-not-served', { path, error: messageOf(error) });
      if (response.headersSent) response.destroy();
      else answerText(response, 503, 'The recording cannot be read now. Try again.', { 'retry-after': '2' });
    });
  };
}

async function answer(
  key: string,
  response: FrontResponse,
  store: MediaStoreReader,
  isHead: boolean,
): Promise<void> {
  const kind = PLAIN_KEY.exec(key)?.groups?.['kind'];
  const bytes =
    kind === undefined ? undefined : await store.get(key, { signal: AbortSignal.timeout(READ_TIMEOUT_MS) });
  if (kind === undefined || !bytes) {
    answerText(response, 404, 'There is no such recording.', { 'access-control-allow-origin': '*' });
    return;
  }
  const grows = kind === 'json' || key.endsWith(RECORDING_PLAYLIST);
  writeHead(response, 200, {
    'content-type': CONTENT_TYPES[kind] ?? 'application/octet-stream',
    'content-length': bytes.byteLength,
    'cache-control': grows ? 'no-cache' : 'private, max-age=3600',
    'access-control-allow-origin': '*',
    'x-content-type-options': 'nosniff',
  });
  if (isHead) response.end();
  else response.end(bytes);
}
