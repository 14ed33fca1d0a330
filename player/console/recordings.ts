/** Reads which recordings a stream has and what is in them, from the files that the recorder writes. */

export interface Recording {
  /** Name of its folder. */
  readonly name: string;
  readonly startMs: number;
  readonly durationMs: number;
  /** Without the init segment. */
  readonly objectNames: readonly string[];
  /** False while it goes on, or after a crash. */
  readonly isFinished: boolean;
}

export interface RecordingDependencies {
  /** Signed address of a file below the stream's folder of recordings. */
  readonly urlOf: (file: string) => Promise<string>;
  readonly fetch: (url: string, init?: RequestInit) => Promise<Response>;
}

/** `list.json` names more; the newest are those that one looks for. */
export const RECORDINGS_SHOWN_MAX = 20;
const NAME = /^\d{8}T\d{6}\.\d{3}Z$/;
const INIT = 'init.mp4';

/** @returns newest first. Recordings that were deleted meanwhile are left out. */
export async function listRecordings({ urlOf, fetch }: RecordingDependencies): Promise<readonly Recording[]> {
  const response = await fetch(await urlOf('list.json'), { cache: 'no-store' });
  // S3 answers 403 for what is not there, since nobody may list the bucket.
  if (response.status === 404 || response.status === 403) return [];
  if (!response.ok)
    throw new Error(`The recordings could not be listed: the server answered ${response.status}.`);
  const names = recordingNames(await response.json())
    .toReversed()
    .slice(0, RECORDINGS_SHOWN_MAX);
  const found = await Promise.all(
    names.map(async (name) => {
      const playlist = await fetch(await urlOf(`${name}/index.m3u8`), { cache: 'no-store' });
      return playlist.ok ? recordingOf(name, await playlist.text()) : undefined;
    }),
  );
  return found.filter((recording) => recording !== undefined);
}

export function recordingNames(list: unknown): readonly string[] {
  const names: unknown = typeof list === 'object' && list !== null && 'names' in list ? list.names : [];
  return Array.isArray(names) ? names.filter((name) => typeof name === 'string' && NAME.test(name)) : [];
}

export function recordingOf(name: string, playlist: string): Recording | undefined {
  const lines = playlist.split('\n');
  const startMs = Date.parse(valueOf(lines, '#EXT-X-PROGRAM-DATE-TIME:') ?? '');
  if (Number.isNaN(startMs)) return undefined;
  const durations = lines
    .filter((line) => line.startsWith('#EXTINF:'))
    .map((line) => Number.parseFloat(line.slice(8)));
  return {
    name,
    startMs,
    durationMs: Math.round(durations.reduce((sum, seconds) => sum + seconds, 0) * 1_000),
    objectNames: lines.filter((line) => line !== '' && !line.startsWith('#')),
    isFinished: lines.includes('#EXT-X-ENDLIST'),
  };
}

function valueOf(lines: readonly string[], tag: string): string | undefined {
  return lines.find((line) => line.startsWith(tag))?.slice(tag.length);
}

/**
 * One file of a whole recording: the init segment and all objects, one after the other, are a fragmented MP4.
 * Read piece by piece, so that hours of it need no memory where the browser can write to a file.
 */
export async function* recordingBytes(
  { urlOf, fetch }: RecordingDependencies,
  { name, objectNames }: Recording,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (const object of [INIT, ...objectNames]) {
    const response = await fetch(await urlOf(`${name}/${object}`), { signal });
    if (!response.ok)
      throw new Error(`A piece of the recording (${object}) could not be read: ${response.status}.`);
    yield new Uint8Array(await response.arrayBuffer());
  }
}
