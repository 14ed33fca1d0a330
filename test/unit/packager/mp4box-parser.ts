/** Reads ISO base media files with mp4box, which shares no code with the packager. */
import { createFile, type Movie, MP4BoxBuffer, type Sample } from 'mp4box';

export interface ParsedFile {
  readonly movie: Movie;
  readonly samples: ReadonlyMap<number, readonly Sample[]>;
}

/** @throws when mp4box finds anything wrong. */
export function parseWithMp4box(bytes: Uint8Array): ParsedFile {
  const file = createFile(true);
  const errors: string[] = [];
  let movie: Movie | undefined;
  const samples = new Map<number, Sample[]>();
  file.onError = (module, message) => void errors.push(`${module}: ${message}`);
  file.onSamples = (id, _user, more) => void samples.set(id, [...(samples.get(id) ?? []), ...more]);
  file.onReady = (info) => {
    movie = info;
    for (const track of info.tracks) file.setExtractionOptions(track.id, undefined, { nbSamples: 1 });
    file.start();
  };
  file.appendBuffer(MP4BoxBuffer.fromArrayBuffer(Uint8Array.from(bytes).buffer, 0), true);
  file.flush();
  if (errors.length > 0 || !movie) throw new Error(`mp4box: ${errors.join('; ') || 'no movie found'}`);
  return { movie, samples };
}
