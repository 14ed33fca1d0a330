/**
 * One CMAF chunk: moof and mdat (ISO 23000-19 §7.3.2.3), with a prft before them where the content's exact time is
 * known. No styp precedes them: HLS and DASH need none in a chunk.
 */
import { BOX_HEADER_BYTE_COUNT, box, concatBytes, fullBox, u32, u64 } from '../../domain/cmaf/box.ts';
import { type ProducerReference, writeProducerReference } from '../../domain/cmaf/producer-reference.ts';
import { TRACK_ID, type Track } from '../../domain/renditions.ts';

/** Sample flags (ISO 14496-12 §8.8.3.1): sample_depends_on and sample_is_non_sync_sample. */
export const SAMPLE_FLAGS = {
  /** depends_on 2: on no other sample. */
  independent: 0x0200_0000,
  /** depends_on 1, and no sync sample. */
  dependent: 0x0101_0000,
} as const;

export interface Sample {
  readonly bytes: Uint8Array;
  readonly independent: boolean;
}

/** tfhd: data offsets count from the start of this moof (ISO 14496-12 §8.8.7.1). */
const DEFAULT_BASE_IS_MOOF = 0x02_0000;
/** Flags of trun (ISO 14496-12 §8.8.8.1). */
const TRUN_FLAG = { dataOffset: 0x1, firstSampleFlags: 0x4, sampleSize: 0x200, sampleFlags: 0x400 } as const;
const TRUN_FIXED_BYTE_COUNT = BOX_HEADER_BYTE_COUNT + 4;

/**
 * @param chunk.sequenceNumber of mfhd; taken modulo 2^32.
 * @param chunk.decodeTimeTicks of the first sample, since EPOCH.
 * @param chunk.reference of the first sample's content.
 * @param chunk.samples at least one, each of the default duration of the init segment.
 */
export function writeChunk(chunk: {
  readonly track: Track;
  readonly sequenceNumber: number;
  readonly decodeTimeTicks: number;
  readonly reference?: ProducerReference | undefined;
  readonly samples: readonly Sample[];
}): Uint8Array {
  const { track, samples, reference, decodeTimeTicks } = chunk;
  const movieFragmentHeader = fullBox('mfhd', { version: 0, flags: 0 }, u32(chunk.sequenceNumber % 2 ** 32));
  const trackFragmentHeader = fullBox(
    'tfhd',
    { version: 0, flags: DEFAULT_BASE_IS_MOOF },
    u32(TRACK_ID[track]),
  );
  // Version 1: 64 bits (ISO 14496-12 §8.8.12.2). Ticks since EPOCH pass 32 bits after half a day.
  const decodeTime = fullBox('tfdt', { version: 1, flags: 0 }, u64(decodeTimeTicks));
  const run = trackRun(track, samples);
  const movieFragmentByteCount =
    BOX_HEADER_BYTE_COUNT * 2 +
    movieFragmentHeader.byteLength +
    trackFragmentHeader.byteLength +
    decodeTime.byteLength +
    run.byteLength;
  // The samples begin after the header of the mdat that follows the moof.
  new DataView(run.buffer).setUint32(
    TRUN_FIXED_BYTE_COUNT + 4,
    movieFragmentByteCount + BOX_HEADER_BYTE_COUNT,
  );
  const movieFragment = box('moof', movieFragmentHeader, box('traf', trackFragmentHeader, decodeTime, run));
  const time = reference
    ? [writeProducerReference(reference, { trackId: TRACK_ID[track], mediaTimeTicks: decodeTimeTicks })]
    : [];
  return concatBytes([...time, movieFragment, box('mdat', ...samples.map((sample) => sample.bytes))]);
}

/** The trun box with a data offset of 0, to be filled in when the size of the moof is known. */
function trackRun(track: Track, samples: readonly Sample[]): Uint8Array {
  const form = runForm(track, samples);
  const fields: number[] = [samples.length, 0];
  if (form === 'first-sample-flags') fields.push(SAMPLE_FLAGS.independent);
  for (const sample of samples) {
    fields.push(sample.bytes.byteLength);
    if (form === 'sample-flags')
      fields.push(sample.independent ? SAMPLE_FLAGS.independent : SAMPLE_FLAGS.dependent);
  }
  const flags = TRUN_FLAG.dataOffset | TRUN_FLAG.sampleSize | FORM_FLAG[form];
  return fullBox('trun', { version: 0, flags }, u32(...fields));
}

const FORM_FLAG = {
  'default-flags': 0,
  'first-sample-flags': TRUN_FLAG.firstSampleFlags,
  'sample-flags': TRUN_FLAG.sampleFlags,
} as const;

/** The smallest way to say which samples are independent, beside the defaults in trex. */
function runForm(track: Track, samples: readonly Sample[]): keyof typeof FORM_FLAG {
  if (track === 'audio') return 'default-flags';
  if (samples.slice(1).some((sample) => sample.independent)) return 'sample-flags';
  return samples[0]?.independent === true ? 'first-sample-flags' : 'default-flags';
}
