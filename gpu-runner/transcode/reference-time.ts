/** Says with each frame where its content lies exactly, which its slot tells only to within a frame. */
import { CAPTURE_TO_GRID_MS, type Profile } from '../../domain/profile.ts';
import { EPOCH_MS } from '../../domain/timeline.ts';
import type { EncodedFrame } from '../media.ts';
import type { SourceClock } from './source-clock.ts';

/** @returns the frame as it is while no feed is mapped. */
export function referenced(
  frame: EncodedFrame,
  { offGridMs, capture }: Pick<SourceClock, 'offGridMs' | 'capture'>,
  { video, audio }: Profile,
): EncodedFrame {
  if (offGridMs === undefined) return frame;
  const timescaleHz = frame.track === 'video' ? video.timescaleHz : audio.sampleRateHz;
  const exactMs = EPOCH_MS + (frame.decodeTimeTicks * 1000) / timescaleHz + offGridMs;
  return {
    ...frame,
    reference: capture?.inStep
      ? { kind: 'captured', unixMs: exactMs - CAPTURE_TO_GRID_MS }
      : { kind: 'arrived', unixMs: exactMs },
  };
}
