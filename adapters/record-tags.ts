/**
 * A stream's record as the tags of its ECS service, from which a lost registry is rebuilt. ECS allows 50 tags
 * with values of 256 characters out of letters, digits, spaces and `+ - = . _ : / @` (Amazon ECS API
 * Reference, Tag), so the record travels deflated and base64url-encoded, cut into numbered pieces.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { type StreamRecord, streamRecordSchema } from '../domain/control/stream-record.ts';
import { launcherErrors } from './errors.ts';

export interface Tag {
  readonly key: string;
  readonly value: string;
}

const PIECE_KEY_PREFIX = 'mirror:record:';
const PIECE_CHAR_COUNT_MAX = 256;
/** 50 in all; some are left for the launcher's own and for those that ECS and the environment add. */
const PIECE_COUNT_MAX = 36;
/** What a record can be at most when unpacked; more is not one of ours. */
const RECORD_BYTE_COUNT_MAX = 65_536;
/** What happened long ago is not worth a tag. */
const HISTORY_COUNT_MAX = 4;

/** @throws MirrorError `LAUNCHER_RECORD_TOO_LARGE` */
export function tagsOfRecord(record: StreamRecord): Tag[] {
  const { operation: _operation, ...lasting } = record;
  const json = JSON.stringify({ ...lasting, history: record.history.slice(-HISTORY_COUNT_MAX) });
  const text = deflateRawSync(json).toString('base64url');
  const pieceCount = Math.ceil(text.length / PIECE_CHAR_COUNT_MAX);
  if (pieceCount > PIECE_COUNT_MAX)
    throw launcherErrors.create('RECORD_TOO_LARGE', `It has ${text.length} characters.`);
  return Array.from({ length: pieceCount }, (_, index) => ({
    key: `${PIECE_KEY_PREFIX}${String(index).padStart(2, '0')}`,
    value: text.slice(index * PIECE_CHAR_COUNT_MAX, (index + 1) * PIECE_CHAR_COUNT_MAX),
  }));
}

/** @returns undefined when the tags hold no whole record: some were removed, or another version wrote them. */
export function recordOfTags(tags: readonly Tag[]): StreamRecord | undefined {
  const pieces = tags
    .filter(({ key }) => key.startsWith(PIECE_KEY_PREFIX))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  if (pieces.length === 0) return undefined;
  const packed = Buffer.from(pieces.map(({ value }) => value).join(''), 'base64url');
  try {
    const json = inflateRawSync(packed, { maxOutputLength: RECORD_BYTE_COUNT_MAX }).toString('utf8');
    const parsed = streamRecordSchema.safeParse(JSON.parse(json));
    return parsed.success ? parsed.data : undefined;
  } catch {
    // A piece is missing or was edited; the reconciler reports the service as one without a record.
    return undefined;
  }
}
