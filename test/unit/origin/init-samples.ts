/** The smallest init segments that can be joined: one track each, named by its bytes. */
import { box, concatBytes, fourCc, u32 } from '../../../domain/cmaf/box.ts';
import { TRACK_ID, type Track } from '../../../domain/renditions.ts';

export function sampleInit(track: Track): Uint8Array {
  const movieHeader = box('mvhd', u32(0, 0, 0, TRACK_ID[track] + 1));
  const trackBox = box('trak', Buffer.from(`${track} track`));
  const movieExtends = box('mvex', box('trex', u32(0, TRACK_ID[track], 1, 0, 0, 0)));
  return concatBytes([
    box('ftyp', fourCc('iso6'), u32(0), fourCc('iso6'), fourCc('cmfc')),
    box('moov', movieHeader, trackBox, movieExtends),
  ]);
}
