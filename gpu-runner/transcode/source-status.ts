/** What the status says about the feed, as the decoders found it. */
import { avGetCodecName, avGetPixFmtName, Codec } from 'node-av/lib';
import type { SourceStatus } from '../../domain/stream.ts';
import type { PicturePath } from './picture-path.ts';
import type { SoundPath } from './sound-path.ts';
import type { CaptureReport } from './source-clock.ts';

export function describeSource({
  pictures,
  sound,
  remoteAddress,
  capture,
}: {
  readonly pictures: PicturePath | undefined;
  readonly sound: SoundPath | undefined;
  readonly remoteAddress: string | undefined;
  readonly capture: CaptureReport | undefined;
}): SourceStatus | undefined {
  const video = pictures && describePictures(pictures);
  const audio = sound && describeSound(sound);
  if (!video && !audio && remoteAddress === undefined) return undefined;
  return {
    ...(video ? { video } : {}),
    ...(audio ? { audio } : {}),
    ...(remoteAddress === undefined ? {} : { remoteAddress }),
    ...(capture ? { capture: { delayMs: Math.round(capture.delayMs), inStep: capture.inStep } } : {}),
  };
}

function describePictures(path: PicturePath): SourceStatus['video'] {
  const { shape, frameRate, decoder } = path;
  if (!shape) return undefined;
  const profile = profileName(path.track.codecParameters.codecId, decoder.profile);
  const pixelFormat = avGetPixFmtName(decoder.pixelFormat);
  return {
    codec: avGetCodecName(path.track.codecParameters.codecId) ?? decoder.codecName,
    ...(profile === undefined ? {} : { profile }),
    widthPx: shape.widthPx,
    heightPx: shape.heightPx,
    ...(frameRate === undefined ? {} : { frameRate }),
    ...(pixelFormat === null ? {} : { pixelFormat }),
    interlaced: shape.interlaced,
    decoder: shape.onGpu ? 'nvidia' : 'cpu',
  };
}

function describeSound(path: SoundPath): SourceStatus['audio'] {
  const { shape } = path;
  if (!shape) return undefined;
  const codec = avGetCodecName(path.track.codecParameters.codecId) ?? path.decoder.codecName;
  return { codec, sampleRateHz: shape.sampleRateHz, channelCount: shape.channelCount };
}

function profileName(codecId: Parameters<typeof Codec.findDecoder>[0], profile: number): string | undefined {
  return Codec.findDecoder(codecId)?.profiles?.find((each) => each.profile === profile)?.name;
}
