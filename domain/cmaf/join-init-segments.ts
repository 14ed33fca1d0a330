/**
 * Makes the init segment of the `av` rendition out of the two that are stored. Muxing is concatenation: a
 * part of `av` is the video part followed by the audio part, which needs an init segment with both tracks.
 */
import { box, concatBytes, type FoundBox, fourCc, onlyBox, readBoxes } from './box.ts';
import { cmafErrors } from './errors.ts';

/** CMAF allows one track per file (ISO 23000-19 §7.3.1), so a file with two may not carry its brands. */
const CMAF_BRANDS = new Set(['cmfc', 'cmf2', 'cmfl', 'cmff']);

/**
 * Joins two init segments of one track each into one of two tracks. The tracks' boxes are taken as they are,
 * video first; only `ftyp` (brands) and `mvhd` (next_track_ID) differ. Equal inputs give equal bytes.
 *
 * @param videoInit `ftyp` and `moov` with one track, as the packager wrote it.
 * @param audioInit The same with a track of another id.
 * @throws MirrorError `CMAF_MALFORMED` when an input is something else.
 */
export function joinInitSegments(videoInit: Uint8Array, audioInit: Uint8Array): Uint8Array {
  const video = readInitSegment(videoInit);
  const audio = readInitSegment(audioInit);
  if (video.trackId === audio.trackId)
    throw cmafErrors.create('MALFORMED', `Both init segments hold a track with the id ${video.trackId}.`);
  const nextTrackId = Math.max(video.trackId, audio.trackId) + 1;
  const movieExtends = box('mvex', video.trackExtends.bytes, audio.trackExtends.bytes);
  return concatBytes([
    withoutCmafBrands(video.fileType),
    box(
      'moov',
      withNextTrackId(video.movieHeader, nextTrackId),
      video.track.bytes,
      audio.track.bytes,
      movieExtends,
    ),
  ]);
}

interface InitSegment {
  readonly fileType: FoundBox;
  readonly movieHeader: FoundBox;
  readonly track: FoundBox;
  readonly trackExtends: FoundBox;
  readonly trackId: number;
}

function readInitSegment(bytes: Uint8Array): InitSegment {
  const file = readBoxes(bytes);
  const movie = readBoxes(onlyBox(file, 'moov').payload);
  const trackExtends = onlyBox(readBoxes(onlyBox(movie, 'mvex').payload), 'trex');
  // trex: version and flags, then track_ID (ISO 14496-12 §8.8.3.2).
  if (trackExtends.payload.byteLength < 8) throw cmafErrors.create('MALFORMED', 'The box trex is too short.');
  return {
    fileType: onlyBox(file, 'ftyp'),
    movieHeader: onlyBox(movie, 'mvhd'),
    track: onlyBox(movie, 'trak'),
    trackExtends,
    trackId: viewOf(trackExtends.payload).getUint32(4),
  };
}

function withoutCmafBrands(fileType: FoundBox): Uint8Array {
  const fourCcs: string[] = [];
  for (let offset = 0; offset + 4 <= fileType.payload.byteLength; offset += 4)
    fourCcs.push(String.fromCharCode(...fileType.payload.subarray(offset, offset + 4)));
  const [, , ...compatible] = fourCcs;
  const kept = compatible.filter((brand) => !CMAF_BRANDS.has(brand));
  // major_brand and minor_version stay (ISO 14496-12 §4.3.2).
  return box('ftyp', fileType.payload.subarray(0, 8), ...kept.map(fourCc));
}

/** next_track_ID is the last field of mvhd in both of its versions (ISO 14496-12 §8.2.2.2). */
function withNextTrackId(movieHeader: FoundBox, nextTrackId: number): Uint8Array {
  const payload = Uint8Array.from(movieHeader.payload);
  if (payload.byteLength < 4) throw cmafErrors.create('MALFORMED', 'The box mvhd is too short.');
  viewOf(payload).setUint32(payload.byteLength - 4, nextTrackId);
  return box('mvhd', payload);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
