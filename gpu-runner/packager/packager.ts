/**
 * From encoded frames to CMAF parts on the grid. Pure: no I/O, no clock, no native memory. A part leaves with
 * the call that gives its last frame.
 */
import type { ProducerReference } from '../../domain/cmaf/producer-reference.ts';
import type { StreamInfo } from '../../domain/live-edge.ts';
import type { Profile } from '../../domain/profile.ts';
import type { Track } from '../../domain/renditions.ts';
import {
  audioFramesOfPart,
  partFromOrdinal,
  partOfTicks,
  partOrdinal,
  partStartTicks,
} from '../../domain/timeline.ts';
import type { EncodedFrame, EncoderConfig, PackagedPart } from '../media.ts';
import { videoSampleOf } from './annex-b.ts';
import { type Sample, writeChunk } from './chunk.ts';
import { audioConfigurationOf, videoConfigurationOf } from './codec-configuration.ts';
import { packagerErrors } from './errors.ts';
import { audioInitSegment, videoInitSegment } from './init-segment.ts';
import { type CutPart, type CutterGrid, PartCutter } from './part-cutter.ts';

interface TrackSample extends Sample {
  readonly decodeTimeTicks: number;
  readonly reference: ProducerReference | undefined;
}

export class Packager {
  /** Constant for equal settings; to be stored before the first part. */
  readonly initSegments: Readonly<Record<Track, Uint8Array>>;
  private readonly profile: Profile;
  private readonly codecs: Readonly<Record<Track, string>>;
  private readonly parameterSets: readonly Uint8Array[];
  private readonly grids: Readonly<Record<Track, CutterGrid>>;
  private readonly cutters: Readonly<Record<Track, PartCutter<TrackSample>>>;

  /** @throws MirrorError `PACKAGER_*` when the encoders' settings are unusable or not those of the profile. */
  constructor({ profile, encoder }: { profile: Profile; encoder: EncoderConfig }) {
    const video = videoConfigurationOf(encoder.videoExtradata, profile.video);
    const audio = audioConfigurationOf(encoder.audioSpecificConfig, profile.audio);
    this.profile = profile;
    this.codecs = { video: video.codecs, audio: audio.codecs };
    this.parameterSets = [video.spsNalUnit, video.ppsNalUnit];
    this.initSegments = {
      video: videoInitSegment(video, profile),
      audio: audioInitSegment(audio, profile),
    };
    this.grids = { video: videoGrid(profile), audio: audioGrid(profile) };
    this.cutters = {
      video: new PartCutter(this.grids.video),
      audio: new PartCutter(this.grids.audio),
    };
  }

  /** What the live edge is told of the stream. */
  streamInfo(firstMediaSequenceNumber: number): StreamInfo {
    const { segmentMs, partMs, video, audio } = this.profile;
    return {
      segmentMs,
      partMs,
      video: {
        codecs: this.codecs.video,
        widthPx: video.widthPx,
        heightPx: video.heightPx,
        frameRate: video.frameRate,
        timescaleHz: video.timescaleHz,
        bitrateBps: video.bitrateBps,
      },
      audio: {
        codecs: this.codecs.audio,
        sampleRateHz: audio.sampleRateHz,
        channelCount: audio.channelCount,
        bitrateBps: audio.bitrateBps,
      },
      firstMediaSequenceNumber,
    };
  }

  /** Frames that became part of nothing, of both tracks. */
  get discardedFrameCount(): number {
    return this.cutters.video.discardedFrameCount + this.cutters.audio.discardedFrameCount;
  }

  /**
   * Takes one frame.
   *
   * @param encodedAtMs when it left the encoder, wall clock.
   * @returns the parts and gaps that are complete with it, in order.
   * @throws MirrorError `PACKAGER_OFF_GRID`, `PACKAGER_BAD_ACCESS_UNIT`, `PACKAGER_PARAMETER_SETS_CHANGED`.
   * The packager goes on as if the frame had not come: its part becomes a gap.
   */
  push(frame: EncodedFrame, encodedAtMs: number): PackagedPart[] {
    const { track, decodeTimeTicks, durationTicks } = frame;
    const { frameDurationTicks } = this.grids[track];
    const onGrid =
      Number.isSafeInteger(decodeTimeTicks) &&
      decodeTimeTicks >= 0 &&
      decodeTimeTicks % frameDurationTicks === 0 &&
      durationTicks === frameDurationTicks;
    if (!onGrid) {
      throw packagerErrors.create(
        'OFF_GRID',
        `${track} frame at ${decodeTimeTicks} lasting ${durationTicks} ticks, expected ${frameDurationTicks}.`,
      );
    }
    const sample = { decodeTimeTicks, reference: frame.reference, ...this.sampleOf(frame) };
    return this.cutters[track].push(sample).map((cut) => this.partOf(track, cut, encodedAtMs));
  }

  private sampleOf(frame: EncodedFrame): Sample {
    if (frame.track === 'video') return videoSampleOf(frame.bytes, this.parameterSets);
    if (frame.bytes.byteLength === 0) throw packagerErrors.create('BAD_ACCESS_UNIT', 'An empty audio frame.');
    // A copy: the encoder may use its buffer again before the part is whole.
    return { bytes: Uint8Array.from(frame.bytes), independent: true };
  }

  private partOf(track: Track, cut: CutPart<TrackSample>, encodedAtMs: number): PackagedPart {
    const grid = this.grids[track];
    const common = {
      ...grid.positionOf(cut.partOrdinal),
      track,
      durationTicks: grid.framesOf(cut.partOrdinal).frameCount * grid.frameDurationTicks,
      encodedAtMs,
    };
    const [first] = cut.kind === 'part' ? cut.frames : [];
    if (cut.kind === 'gap' || first === undefined) return { ...common, independent: false };
    const bytes = writeChunk({
      track,
      sequenceNumber: sequenceNumberOf(track, cut.partOrdinal),
      decodeTimeTicks: first.decodeTimeTicks,
      reference: first.reference,
      samples: cut.frames,
    });
    return { ...common, independent: first.independent, bytes };
  }
}

/**
 * Even for video, odd for audio, so that the numbers also grow in `av`, where the two alternate (ISO 14496-12
 * §8.8.5.1 asks for increasing numbers). Passes 2^32 after seven years; no reader minds.
 */
function sequenceNumberOf(track: Track, ordinal: number): number {
  return ordinal * 2 + (track === 'video' ? 0 : 1);
}

function videoGrid(profile: Profile): CutterGrid {
  const { timescaleHz, frameRate } = profile.video;
  const frameCount = (frameRate * profile.partMs) / 1000;
  return {
    frameDurationTicks: timescaleHz / frameRate,
    partOrdinalOf: (ticks) => partOrdinal(partOfTicks(ticks, timescaleHz, profile), profile),
    positionOf: (ordinal) => partFromOrdinal(ordinal, profile),
    framesOf: (ordinal) => ({
      firstTicks: partStartTicks(partFromOrdinal(ordinal, profile), timescaleHz, profile),
      frameCount,
    }),
  };
}

function audioGrid(profile: Profile): CutterGrid {
  const { sampleRateHz, frameSampleCount } = profile.audio;
  return {
    frameDurationTicks: frameSampleCount,
    partOrdinalOf: (ticks) => partOrdinal(partOfTicks(ticks, sampleRateHz, profile), profile),
    positionOf: (ordinal) => partFromOrdinal(ordinal, profile),
    framesOf: (ordinal) => {
      const { firstFrameIndex, frameCount } = audioFramesOfPart(partFromOrdinal(ordinal, profile), profile);
      return { firstTicks: firstFrameIndex * frameSampleCount, frameCount };
    },
  };
}
