/** What arrives at a runner as a person reads it. */
import type { SourceStatus } from './stream.ts';

/** A `SourceStatus` as it is, or as it came over the network, where what is not there may say so. */
type Described<Value> = {
  readonly [Key in keyof Value]: Described<Value[Key]> | (undefined extends Value[Key] ? undefined : never);
};

/**
 * The source in a line: `HEVC Main 10, 1920x1080, 59.94 fps, decoded on the GPU; AAC, 48 kHz, mono; from
 * 192.0.2.7; in step by the camera’s clock, 184 ms after capture`.
 */
export function sourceInWords(source: Described<SourceStatus> | undefined): string {
  const { video, audio, remoteAddress, capture } = source ?? {};
  const picture = video && [
    [video.codec.toUpperCase(), video.profile].filter(Boolean).join(' '),
    `${video.widthPx}x${video.heightPx}${video.interlaced ? ' interlaced' : ''}`,
    ...(video.frameRate === undefined ? [] : [`${Number(video.frameRate.toFixed(2))} fps`]),
    `decoded on the ${video.decoder === 'nvidia' ? 'GPU' : 'CPU'}`,
  ];
  const sound = audio && [
    audio.codec.toUpperCase(),
    `${audio.sampleRateHz / 1_000} kHz`,
    audio.channelCount === 1 ? 'mono' : `${audio.channelCount} channels`,
  ];
  const words = [
    picture?.join(', '),
    sound?.join(', '),
    remoteAddress && `from ${remoteAddress}`,
    capture && captureInWords(capture),
  ].filter(Boolean);
  return words.length === 0 ? 'Nothing yet' : words.join('; ');
}

/** What the camera's clock says of the feed: `in step by the camera’s clock, 184 ms after capture`. */
export function captureInWords({ delayMs, inStep }: NonNullable<SourceStatus['capture']>): string {
  const held = inStep ? 'in step by' : 'too late to be in step by';
  return `${held} the camera’s clock, ${Math.round(delayMs)} ms after capture`;
}
