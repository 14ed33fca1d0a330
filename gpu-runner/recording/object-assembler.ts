/**
 * Gathers the parts of both tracks into the objects of a recording. Pure.
 *
 * An object covers one interval of the grid and is complete when both tracks have passed its end, or one has
 * and the other lags too far. Parts that are gaps are left out: the parts after them begin with an independent
 * frame, so what remains is playable.
 */
import { concatBytes } from '../../domain/cmaf/box.ts';
import type { Profile } from '../../domain/profile.ts';
import { RECORDING_OBJECT_MS, recordingObjectName } from '../../domain/recording.ts';
import { TRACKS, type Track } from '../../domain/renditions.ts';
import { partFromOrdinal, partOrdinal, partStartMs } from '../../domain/timeline.ts';
import type { PackagedPart } from '../media.ts';
import type { RecordedObject } from './recording-playlist.ts';

/** One track may be this far ahead of the other before an object is closed without it. */
const MAX_TRACK_LAG_MS = 3_000;
/** A hole up to this long at the start of an object is left inside of it; a longer one is a discontinuity. */
const MAX_SILENT_HOLE_MS = 1_000;

export interface AssembledObject extends RecordedObject {
  /** moof and mdat in turn: of each part, video first, then audio. */
  readonly bytes: Uint8Array;
}

export class ObjectAssembler {
  private readonly profile: Profile;
  private readonly partsPerObject: number;
  private readonly parts = new Map<number, Partial<Record<Track, Uint8Array>>>();
  /** The part after the newest one of each track, gap or not. */
  private readonly ends: Record<Track, number> = { video: 0, audio: 0 };
  /** Parts before it are in objects already. */
  private closedUpTo = 0;
  private lateCount = 0;

  constructor(profile: Profile) {
    this.profile = profile;
    this.partsPerObject = RECORDING_OBJECT_MS / profile.partMs;
  }

  /** Parts that came when their object was closed already. */
  get latePartCount(): number {
    return this.lateCount;
  }

  /** @returns the objects that are complete with this part; an interval without any part gives none. */
  take(part: PackagedPart): AssembledObject[] {
    const ordinal = partOrdinal(part, this.profile);
    this.ends[part.track] = ordinal + 1;
    if (ordinal < this.closedUpTo) this.lateCount += 1;
    else if (part.bytes) this.parts.set(ordinal, { ...this.parts.get(ordinal), [part.track]: part.bytes });
    const completeUpTo = Math.max(
      Math.min(this.ends.video, this.ends.audio),
      Math.max(this.ends.video, this.ends.audio) - MAX_TRACK_LAG_MS / this.profile.partMs,
    );
    return this.close(Math.floor(completeUpTo / this.partsPerObject) * this.partsPerObject);
  }

  /** What is left, at the end: its last object is as long as its parts. */
  finish(): AssembledObject[] {
    return this.close(Math.max(this.ends.video, this.ends.audio));
  }

  private close(endOrdinal: number): AssembledObject[] {
    if (endOrdinal <= this.closedUpTo) return [];
    const objects: AssembledObject[] = [];
    for (;;) {
      const first = Math.min(...this.parts.keys());
      if (first >= endOrdinal) break;
      const intervalEnd = (Math.floor(first / this.partsPerObject) + 1) * this.partsPerObject;
      const end = Math.min(intervalEnd, endOrdinal);
      objects.push(this.assemble(this.startBefore(first), end));
      this.closedUpTo = end;
    }
    this.closedUpTo = endOrdinal;
    return objects;
  }

  private startBefore(firstOrdinal: number): number {
    const holeMs = (firstOrdinal - this.closedUpTo) * this.profile.partMs;
    return holeMs <= MAX_SILENT_HOLE_MS ? this.closedUpTo : firstOrdinal;
  }

  private assemble(firstOrdinal: number, endOrdinal: number): AssembledObject {
    const chunks: Uint8Array[] = [];
    for (let ordinal = firstOrdinal; ordinal < endOrdinal; ordinal += 1) {
      for (const track of TRACKS) {
        const bytes = this.parts.get(ordinal)?.[track];
        if (bytes) chunks.push(bytes);
      }
      this.parts.delete(ordinal);
    }
    const first = partFromOrdinal(firstOrdinal, this.profile);
    return {
      name: recordingObjectName(first.mediaSequenceNumber),
      startMs: partStartMs(first, this.profile),
      durationMs: (endOrdinal - firstOrdinal) * this.profile.partMs,
      bytes: concatBytes(chunks),
    };
  }
}
