/**
 * Most machines that run the tests have no GPU, so the NVIDIA path cannot be tried here. What can be tried is
 * that every name and every value in its tables is one that the FFmpeg inside node-av knows.
 */
import {
  AV_HWDEVICE_TYPE_CUDA,
  AV_OPT_SEARCH_CHILDREN,
  AV_OPT_TYPE_BOOL,
  AV_OPT_TYPE_FLAGS,
  AV_OPT_TYPE_INT,
  AV_PIX_FMT_CUDA,
} from 'node-av/constants';
import { Codec, CodecContext, Filter, FilterGraph, Option } from 'node-av/lib';
import { describe, expect, test } from 'vitest';
import { profileWithFrameRate, SEED_PROFILE } from '../../../domain/profile.ts';
import {
  audioEncoderOptions,
  hardwareDecoderOptions,
  type OptionTable,
  slotsPerSegment,
  soundFilters,
  VBV_MS,
  videoDecoderOptions,
  videoEncoderOptions,
} from '../../../gpu-runner/transcode/options.ts';
import {
  type FilterSpec,
  type PictureShape,
  pictureFilters,
} from '../../../gpu-runner/transcode/picture-graph.ts';

/** What FFmpeg says against these settings; empty when it takes all. */
function refusals(context: CodecContext, options: OptionTable): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    const native = context.getNative();
    if (!Option.find(native, name, AV_OPT_SEARCH_CHILDREN)) return [`there is no option ${name}`];
    const code = Option.set(native, name, value, AV_OPT_SEARCH_CHILDREN);
    return code < 0 ? [`${name} does not take ${value}`] : [];
  });
}

function contextFor(name: string, kind: 'encoder' | 'decoder'): CodecContext {
  const codec = Codec.getCodecList().find(
    (each) => each.name === name && (kind === 'encoder' ? each.isEncoder() : each.isDecoder()),
  );
  if (!codec) throw new Error(`node-av has no ${kind} ${name}`);
  const context = new CodecContext();
  context.allocContext3(codec);
  return context;
}

describe('codec options', () => {
  const tables: [string, 'encoder' | 'decoder', OptionTable][] = [
    ...([30, 50, 60] as const).flatMap((frameRate): [string, 'encoder', OptionTable][] => [
      ['h264_nvenc', 'encoder', videoEncoderOptions('nvidia', profileWithFrameRate(frameRate))],
      ['libx264', 'encoder', videoEncoderOptions('cpu', profileWithFrameRate(frameRate))],
    ]),
    ['aac', 'encoder', audioEncoderOptions(SEED_PROFILE)],
    ['hevc', 'decoder', hardwareDecoderOptions()],
    ['h264', 'decoder', hardwareDecoderOptions()],
    ['hevc', 'decoder', videoDecoderOptions({ widthPx: 3840, heightPx: 2160 })],
    ['h264', 'decoder', videoDecoderOptions({ widthPx: 1920, heightPx: 1080 })],
  ];

  test.each(tables)('%s %s takes every name and value of its table', (name, kind, options) => {
    expect(Object.keys(options).length).toBeGreaterThan(1);
    expect(refusals(contextFor(name, kind), options)).toEqual([]);
  });

  test('the check can fail: a wrong name, a wrong constant and a value out of range are refused', () => {
    const wrong = { 'zero-latency': '1', tune: 'ultra', preset: 'p8', delay: '-1', flags: '+global_headers' };
    expect(refusals(contextFor('h264_nvenc', 'encoder'), wrong)).toHaveLength(5);
    expect(refusals(contextFor('libx264', 'encoder'), { forced_idr: '1' })).toHaveLength(1);
  });

  test('h264_nvenc: values with a name are constants of that option, the others lie in its range', () => {
    const context = contextFor('h264_nvenc', 'encoder');
    const options = videoEncoderOptions('nvidia', SEED_PROFILE);
    const wrong = Object.entries(options).filter(([name, value]) => {
      const option = Option.find(context.getNative(), name, AV_OPT_SEARCH_CHILDREN);
      const number = Number(value);
      if (!option) return true;
      if (option.type === AV_OPT_TYPE_FLAGS) return false;
      if (Number.isNaN(number)) return !option.unit || option.type !== AV_OPT_TYPE_INT;
      if (option.type === AV_OPT_TYPE_BOOL) return value !== '0' && value !== '1';
      return number < option.min || number > option.max;
    });
    expect(wrong).toEqual([]);
  });

  test('hevc and h264 decode on CUDA devices, h264_nvenc takes pictures in GPU memory', () => {
    for (const name of ['hevc', 'h264']) {
      const codec = Codec.getCodecList().find((each) => each.name === name && each.isDecoder());
      expect(codec?.supportsDevice(AV_HWDEVICE_TYPE_CUDA), name).toBe(true);
    }
    const nvenc = Codec.getCodecList().find((each) => each.name === 'h264_nvenc');
    expect(nvenc?.pixelFormats).toContain(AV_PIX_FMT_CUDA);
  });

  test('both encoders get the same targets from the profile', () => {
    for (const frameRate of [30, 50, 60] as const) {
      const profile = profileWithFrameRate(frameRate);
      for (const hardware of ['cpu', 'nvidia'] as const) {
        const options = videoEncoderOptions(hardware, profile);
        expect(options).toMatchObject({ b: '400000', maxrate: '400000', bf: '0', 'forced-idr': '1' });
        expect(Number(options['g'])).toBe(slotsPerSegment(profile));
        // A part may empty the whole buffer and use what flows in meanwhile.
        const worstShare = (Number(options['bufsize']) / profile.video.bitrateBps) * 1000 + profile.partMs;
        expect(worstShare / profile.partMs).toBeLessThanOrEqual(3);
        expect(VBV_MS).toBeGreaterThan(0);
      }
    }
  });
});

describe('filters', () => {
  const plain: PictureShape = {
    widthPx: 1920,
    heightPx: 1080,
    pixelAspect: 1,
    format: 0,
    colorSpace: 1,
    colorRange: 1,
    transfer: 1,
    interlaced: false,
    onGpu: false,
  };
  const PQ = 16;
  const shapes: [string, Partial<PictureShape>][] = [
    ['progressive', {}],
    ['interlaced', { interlaced: true }],
    ['interlaced SD', { interlaced: true, heightPx: 480, widthPx: 720 }],
    ['HDR', { transfer: PQ }],
    ['HDR interlaced portrait', { transfer: PQ, interlaced: true, widthPx: 720, heightPx: 1280 }],
    ['4:3', { widthPx: 640, heightPx: 480 }],
    ['colours unknown', { colorSpace: 2, heightPx: 576 }],
  ];
  const variants = shapes.flatMap(([name, change]) =>
    ([30, 50] as const).flatMap((frameRate) =>
      [
        { onGpu: false, encodesOn: 'cpu' as const },
        { onGpu: false, encodesOn: 'nvidia' as const },
        { onGpu: true, encodesOn: 'nvidia' as const },
      ].map((place) => ({ name, frameRate, ...place, shape: { ...plain, ...change, onGpu: place.onGpu } })),
    ),
  );

  function filterRefusals(spec: FilterSpec): string[] {
    const filter = Filter.getByName(spec.name);
    if (!filter) return [`there is no filter ${spec.name}`];
    const graph = new FilterGraph();
    graph.alloc();
    const context = graph.allocFilter(filter, 'tested');
    if (!context) return [`${spec.name} cannot be made`];
    const refused = Object.entries(spec.options).flatMap(([name, value]) => {
      const native = context.getNative();
      if (!Option.find(native, name, AV_OPT_SEARCH_CHILDREN)) return [`${spec.name} has no option ${name}`];
      const code = Option.set(native, name, String(value), AV_OPT_SEARCH_CHILDREN);
      return code < 0 ? [`${spec.name}: ${name} does not take ${value}`] : [];
    });
    graph.free();
    return refused;
  }

  test.each(variants)(
    '$name at $frameRate, on GPU: $onGpu, encoded on $encodesOn: every filter, name and value is known',
    ({ shape, frameRate, encodesOn }) => {
      const specs = pictureFilters(shape, profileWithFrameRate(frameRate).video, encodesOn);
      expect(specs.flatMap(filterRefusals)).toEqual([]);
      const onGpuAtEnd = shape.onGpu || specs.some((spec) => spec.name === 'hwupload_cuda');
      expect(onGpuAtEnd).toBe(encodesOn === 'nvidia');
      const leavesGpu = specs.filter((spec) => !/_cuda$|^setsar$/.test(spec.name));
      expect(shape.onGpu && leavesGpu.length > 0).toBe(false);
    },
  );

  test('the check can fail: a wrong filter, name and value are refused', () => {
    expect(filterRefusals({ name: 'scale_nvidia', options: {} })).toHaveLength(1);
    expect(
      filterRefusals({ name: 'scale_cuda', options: { width: 640, interp_algo: 'bicubical' } }),
    ).toHaveLength(2);
  });

  test('sound: the resampler takes every name and value', () => {
    const [name = '', settings = ''] = soundFilters(SEED_PROFILE.audio)
      .split('=', 1)
      .concat(soundFilters(SEED_PROFILE.audio).replace(/^[^=]*=/, ''));
    const options = Object.fromEntries(settings.split(':').map((each) => each.split('=')));
    expect(filterRefusals({ name, options })).toEqual([]);
  });
});

describe('the sound encoder', () => {
  const withBitrate = (bitrateBps: number) => ({
    ...SEED_PROFILE,
    audio: { ...SEED_PROFILE.audio, bitrateBps },
  });

  test('gives up what lies above 15 kHz at 64 kbps, and keeps it at 128', () => {
    expect(audioEncoderOptions(withBitrate(64_000))['cutoff']).toBe('15000');
    expect(audioEncoderOptions(withBitrate(128_000))).not.toHaveProperty('cutoff');
  });
});
