/** Short clips made in the test itself: packets of a synthetic feed with their codec parameters. */
import {
  AV_FRAME_DATA_A53_CC,
  AV_LOG_ERROR,
  type AVColorTransferCharacteristic,
  AVMEDIA_TYPE_VIDEO,
} from 'node-av/constants';
import {
  Codec,
  CodecContext,
  CodecParameters,
  Dictionary,
  FFmpegError,
  Filter,
  FilterGraph,
  FilterInOut,
  Frame,
  Log,
  Packet,
} from 'node-av/lib';
import type { SourceTrack } from '../../../gpu-runner/media.ts';

export interface ClipPacket {
  readonly bytes: Buffer;
  /** 90 kHz. */
  readonly pts: number;
  readonly dts: number;
  readonly keyframe: boolean;
}

export interface ClipTrack {
  readonly source: SourceTrack;
  readonly packets: readonly ClipPacket[];
}

export interface Clip {
  readonly video?: ClipTrack;
  readonly audio?: ClipTrack;
  readonly durationMs: number;
}

export interface TrackRecipe {
  /** A source graph: `testsrc2=size=1280x720:rate=30`. */
  readonly graph: string;
  readonly encoder: string;
  readonly options?: Readonly<Record<string, string>>;
  readonly transfer?: AVColorTransferCharacteristic;
  /** Caption constructs of 3 bytes each for a picture (ATSC A/53). */
  readonly captions?: (pictureIndex: number) => Uint8Array;
}

/** Any GOP will do; what matters is that a clip is made in less time than it lasts. */
const FAST_ENCODER = {
  bf: '0',
  g: '15',
  preset: 'ultrafast',
  tune: 'zerolatency',
  'x265-params': 'log-level=none',
};

/** Encodes `durationMs` of a lavfi graph. */
export async function makeTrack(
  track: 'video' | 'audio',
  recipe: TrackRecipe,
  durationMs: number,
): Promise<ClipTrack> {
  const codec = Codec.getCodecList().find((each) => each.name === recipe.encoder && each.isEncoder());
  if (!codec) throw new Error(`no encoder ${recipe.encoder}`);
  const isVideo = codec.type === AVMEDIA_TYPE_VIDEO;
  Log.setLevel(AV_LOG_ERROR);
  const graph = new FilterGraph();
  graph.alloc();
  const sinkFilter = Filter.getByName(isVideo ? 'buffersink' : 'abuffersink');
  const sink = sinkFilter && graph.createFilter(sinkFilter, 'out', null);
  if (!sink) throw new Error('no sink');
  const inputs = FilterInOut.createList([{ name: 'out', filterCtx: sink, padIdx: 0 }]);
  FFmpegError.throwIfError(graph.parsePtr(recipe.graph, inputs, null), 'parse');
  FFmpegError.throwIfError(await graph.config(), 'config');
  inputs?.free();

  const frame = new Frame();
  frame.alloc();
  const packet = new Packet();
  packet.alloc();
  const context = new CodecContext();
  context.allocContext3(codec);
  const sinkTimeBase = sink.buffersinkGetTimeBase();
  context.timeBase = sinkTimeBase;
  if (isVideo) {
    context.width = sink.buffersinkGetWidth();
    context.height = sink.buffersinkGetHeight();
    context.pixelFormat = oneOf(codec.pixelFormats, sink.buffersinkGetFormat());
    context.sampleAspectRatio = sink.buffersinkGetSampleAspectRatio();
    context.framerate = sink.buffersinkGetFrameRate();
    context.colorSpace = sink.buffersinkGetColorspace();
    context.colorRange = sink.buffersinkGetColorRange();
    if (recipe.transfer !== undefined) context.colorTrc = recipe.transfer;
  } else {
    context.sampleRate = sink.buffersinkGetSampleRate();
    context.sampleFormat = oneOf(codec.sampleFormats, sink.buffersinkGetFormat());
    context.channelLayout = sink.buffersinkGetChannelLayout();
  }
  FFmpegError.throwIfError(
    await context.open2(
      codec,
      Dictionary.fromObject({ ...(isVideo ? FAST_ENCODER : {}), ...recipe.options }),
    ),
    'open',
  );
  const packets: ClipPacket[] = [];
  const ticks = (value: bigint) => Math.round((Number(value) * sinkTimeBase.num * 90_000) / sinkTimeBase.den);
  const drain = async () => {
    while ((await context.receivePacket(packet)) >= 0) {
      packets.push({
        bytes: Buffer.from(packet.data ?? []),
        pts: ticks(packet.pts),
        dts: ticks(packet.dts),
        keyframe: packet.isKeyframe,
      });
      packet.unref();
    }
  };
  for (let index = 0; (await sink.buffersinkGetFrame(frame)) >= 0; index++) {
    if (ticks(frame.pts) >= durationMs * 90) break;
    const captions = recipe.captions?.(index);
    if (captions) frame.newSideData(AV_FRAME_DATA_A53_CC, captions.byteLength).set(captions);
    FFmpegError.throwIfError(await context.sendFrame(frame), 'send');
    frame.unref();
    await drain();
  }
  await context.sendFrame(null);
  await drain();
  const parameters = new CodecParameters();
  parameters.alloc();
  if (isVideo) {
    // As from MPEG-TS: nothing but the codec. Sizes stand in the packets.
    parameters.codecType = codec.type;
    parameters.codecId = codec.id;
  } else parameters.fromContext(context);
  context.freeContext();
  graph.free();
  frame.free();
  packet.free();
  return { source: { track, codecParameters: parameters, timeBase: { num: 1, den: 90_000 } }, packets };
}

function oneOf<Format extends number>(known: readonly Format[] | null, wanted: number): Format {
  const found = known?.find((format) => format === wanted);
  if (found === undefined) throw new Error(`the encoder does not take format ${wanted}`);
  return found;
}

export async function makeClip(
  recipe: { video?: TrackRecipe; audio?: TrackRecipe },
  durationMs: number,
): Promise<Clip> {
  const video = recipe.video && (await makeTrack('video', recipe.video, durationMs));
  const audio = recipe.audio && (await makeTrack('audio', recipe.audio, durationMs));
  return { ...(video ? { video } : {}), ...(audio ? { audio } : {}), durationMs };
}

/** A packet of its own for the transcoder, which frees it. */
export function packetOf(source: ClipPacket, shiftTicks = 0): Packet {
  const packet = new Packet();
  packet.alloc();
  packet.data = source.bytes;
  packet.pts = BigInt(source.pts + shiftTicks);
  packet.dts = BigInt(source.dts + shiftTicks);
  packet.isKeyframe = source.keyframe;
  return packet;
}
