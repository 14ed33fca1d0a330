/**
 * The init segment (CMAF header, ISO 23000-19 §7.3.2.1) of one track. The same settings give the same bytes:
 * all times are 0, so that a runner that starts again finds its own init segment in the store.
 */
import { box, concatBytes, fourCc, fullBox, u16, u32 } from '../../domain/cmaf/box.ts';
import type { Profile } from '../../domain/profile.ts';
import { TRACK_ID } from '../../domain/renditions.ts';
import { SAMPLE_FLAGS } from './chunk.ts';
import type { AudioConfiguration, VideoConfiguration } from './codec-configuration.ts';
import { aacSampleEntry, avcSampleEntry, handler, sampleDescription } from './sample-entry.ts';

/** iso6: tfdt and default-base-is-moof; cmfc: CMAF; mp41: for readers that know neither. */
const BRANDS = ['iso6', 'cmfc', 'mp41'];
const MOVIE_TIMESCALE_HZ = 1000;
/** Identity matrix of mvhd and tkhd (ISO 14496-12 §6.2.2). */
const UNITY_MATRIX = u32(0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000);
const FIXED_POINT_16_16_ONE = 0x1_0000;
/** 8.8 fixed point. */
const FULL_VOLUME = 0x100;
/** ISO 639-2 "und" in three groups of five bits (ISO 14496-12 §8.4.2.3). */
const LANGUAGE_UNDETERMINED = 0x55c4;
const PLAIN = { version: 0, flags: 0 };

export function videoInitSegment(configuration: VideoConfiguration, profile: Profile): Uint8Array {
  const { widthPx, heightPx, timescaleHz, frameRate } = profile.video;
  return initSegment({
    trackId: TRACK_ID.video,
    timescaleHz,
    handlerType: 'vide',
    // graphicsmode copy, opcolor 0 (ISO 14496-12 §12.1.2); the flags are 1 by definition.
    mediaHeader: fullBox('vmhd', { version: 0, flags: 1 }, new Uint8Array(8)),
    sampleEntry: avcSampleEntry(configuration, profile.video),
    widthPx,
    heightPx,
    volume: 0,
    defaultSampleDurationTicks: timescaleHz / frameRate,
    defaultSampleFlags: SAMPLE_FLAGS.dependent,
  });
}

export function audioInitSegment(configuration: AudioConfiguration, profile: Profile): Uint8Array {
  return initSegment({
    trackId: TRACK_ID.audio,
    timescaleHz: profile.audio.sampleRateHz,
    handlerType: 'soun',
    // balance 0 (ISO 14496-12 §12.2.2)
    mediaHeader: fullBox('smhd', PLAIN, new Uint8Array(4)),
    sampleEntry: aacSampleEntry(configuration, profile.audio),
    widthPx: 0,
    heightPx: 0,
    volume: FULL_VOLUME,
    defaultSampleDurationTicks: profile.audio.frameSampleCount,
    defaultSampleFlags: SAMPLE_FLAGS.independent,
  });
}

interface TrackDescription {
  readonly trackId: number;
  readonly timescaleHz: number;
  readonly handlerType: 'vide' | 'soun';
  readonly mediaHeader: Uint8Array;
  readonly sampleEntry: Uint8Array;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly volume: number;
  readonly defaultSampleDurationTicks: number;
  readonly defaultSampleFlags: number;
}

function initSegment(track: TrackDescription): Uint8Array {
  return concatBytes([
    // major_brand, minor_version, compatible_brands (ISO 14496-12 §4.3)
    box('ftyp', fourCc('iso6'), u32(0), ...BRANDS.map(fourCc)),
    box('moov', movieHeader(track.trackId + 1), trackBox(track), box('mvex', trackExtends(track))),
  ]);
}

/** ISO 14496-12 §8.2.2. */
function movieHeader(nextTrackId: number): Uint8Array {
  return fullBox(
    'mvhd',
    PLAIN,
    u32(0, 0, MOVIE_TIMESCALE_HZ, 0), // creation_time, modification_time, timescale, duration
    u32(FIXED_POINT_16_16_ONE), // rate
    u16(FULL_VOLUME),
    new Uint8Array(10), // reserved
    UNITY_MATRIX,
    new Uint8Array(24), // pre_defined
    u32(nextTrackId),
  );
}

function trackBox(track: TrackDescription): Uint8Array {
  return box(
    'trak',
    trackHeader(track),
    box(
      'mdia',
      mediaHeader(track.timescaleHz),
      handler(track.handlerType),
      box('minf', track.mediaHeader, dataInformation(), sampleTable(track.sampleEntry)),
    ),
  );
}

/** ISO 14496-12 §8.3.2; the flags say that the track is enabled and part of the presentation. */
function trackHeader({ trackId, volume, widthPx, heightPx }: TrackDescription): Uint8Array {
  return fullBox(
    'tkhd',
    { version: 0, flags: 3 },
    u32(0, 0, trackId, 0, 0), // creation_time, modification_time, track_ID, reserved, duration
    new Uint8Array(8), // reserved
    u16(0, 0, volume, 0), // layer, alternate_group, volume, reserved
    UNITY_MATRIX,
    u32(widthPx * FIXED_POINT_16_16_ONE, heightPx * FIXED_POINT_16_16_ONE),
  );
}

/** ISO 14496-12 §8.4.2. */
function mediaHeader(timescaleHz: number): Uint8Array {
  return fullBox('mdhd', PLAIN, u32(0, 0, timescaleHz, 0), u16(LANGUAGE_UNDETERMINED, 0));
}

/** ISO 14496-12 §8.7.1 and §8.7.2: the media is in this file (flags 1 of `url `). */
function dataInformation(): Uint8Array {
  return box('dinf', fullBox('dref', PLAIN, u32(1), fullBox('url ', { version: 0, flags: 1 })));
}

/** The sample table of a fragmented file: only the description, the rest empty (ISO 23000-19 §7.5.12). */
function sampleTable(sampleEntry: Uint8Array): Uint8Array {
  return box(
    'stbl',
    sampleDescription(sampleEntry),
    fullBox('stts', PLAIN, u32(0)),
    fullBox('stsc', PLAIN, u32(0)),
    fullBox('stsz', PLAIN, u32(0, 0)),
    fullBox('stco', PLAIN, u32(0)),
  );
}

/** The defaults of every fragment (ISO 14496-12 §8.8.3), which keeps each part some bytes smaller. */
function trackExtends(track: TrackDescription): Uint8Array {
  const sampleDescriptionIndex = 1;
  return fullBox(
    'trex',
    PLAIN,
    u32(track.trackId, sampleDescriptionIndex, track.defaultSampleDurationTicks, 0, track.defaultSampleFlags),
  );
}
