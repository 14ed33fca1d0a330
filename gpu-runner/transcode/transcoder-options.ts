/** What the transcoder is given, and what it says of itself. */
import type { Log } from '../../domain/log.ts';
import type { Profile } from '../../domain/profile.ts';
import type { Hardware, RunnerSpec, SourceStatus } from '../../domain/stream.ts';
import type { Clock } from '../../domain/timeline.ts';
import type { EncodedFrame, EncoderConfig } from '../media.ts';
import type { HardwareChoice } from './hardware.ts';
import type { PictureCounters } from './picture-output.ts';

export interface TranscodeSink {
  /** Once, before the first frame. */
  onConfig(config: EncoderConfig): void;
  onFrame(frame: EncodedFrame): void;
}

export interface TranscodeStatus extends Readonly<PictureCounters> {
  readonly state: 'waiting' | 'live' | 'interrupted';
  /** In words, for a person. */
  readonly reason: string;
  readonly hardware: HardwareChoice['kind'];
  readonly source?: SourceStatus;
  readonly timestampJumpCount: number;
  readonly decodeErrorCount: number;
}

export interface TranscoderOptions {
  readonly profile: Profile;
  /** `auto` takes an NVIDIA GPU when one is there and can encode. */
  readonly hardware: Hardware;
  readonly signalLoss: RunnerSpec['signalLoss'];
  readonly clock: Clock;
  readonly log: Log;
  readonly sink: TranscodeSink;
}
