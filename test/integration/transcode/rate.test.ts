/** No part of 100 ms may be larger than three times its share of the bitrate, whatever the picture. */
import { AV_PIX_FMT_YUV420P } from 'node-av/constants';
import { Filter, FilterGraph, FilterInOut, Frame } from 'node-av/lib';
import { describe, expect, test } from 'vitest';
import { profileWithFrameRate } from '../../../domain/profile.ts';
import { slotsPerSegment } from '../../../gpu-runner/transcode/options.ts';
import { VideoEncoder } from '../../../gpu-runner/transcode/video-encoder.ts';

const SECONDS = 4;
/** Noise that is new in each picture, everywhere: nothing can be predicted, and no encoder meets it in life. */
const NOISE = 'color=color=gray:size=640x360:rate=RATE,format=yuv420p,noise=alls=100:allf=t+u';
const CONTENTS = [
  { name: 'fine moving detail', graph: 'mandelbrot=size=640x360:rate=RATE:maxiter=200,format=yuv420p' },
  {
    name: 'a test pattern under heavy grain',
    graph: 'testsrc2=size=640x360:rate=RATE,noise=alls=60:allf=t,format=yuv420p',
  },
  {
    name: 'a cut to a new detailed picture every five frames',
    graph:
      'testsrc2=size=640x360:rate=RATE,noise=alls=40:allf=t,rotate=PI*floor(n/5)/7,negate=enable=lt(mod(n\\,10)\\,5),format=yuv420p',
  },
  { name: 'flat pictures that turn into noise each second', graph: `${NOISE}:enable=gte(mod(t\\,2)\\,1)` },
  { name: 'pure noise', graph: NOISE },
];

async function encodedSizes(graphText: string, frameRate: 30 | 50 | 60): Promise<number[]> {
  const profile = profileWithFrameRate(frameRate);
  const graph = new FilterGraph();
  graph.alloc();
  const filter = Filter.getByName('buffersink');
  const sink = filter && graph.createFilter(filter, 'out', null);
  if (!sink) throw new Error('no sink');
  using inputs = FilterInOut.createList([{ name: 'out', filterCtx: sink, padIdx: 0 }]);
  if (graph.parsePtr(graphText.replaceAll('RATE', String(frameRate)), inputs, null) < 0)
    throw new Error('parse');
  if ((await graph.config()) < 0) throw new Error('config');
  expect(sink.buffersinkGetFormat()).toBe(AV_PIX_FMT_YUV420P);
  const encoder = await VideoEncoder.open({ kind: 'cpu' }, profile);
  const frame = new Frame();
  frame.alloc();
  const sizes: number[] = [];
  for (let slot = 0; slot < SECONDS * frameRate; slot++) {
    if ((await sink.buffersinkGetFrame(frame)) < 0) throw new Error('no picture');
    const encoded = await encoder.encode(frame, slot);
    expect(encoded.keyframe).toBe(slot % slotsPerSegment(profile) === 0);
    sizes.push(encoded.bytes.byteLength);
    frame.unref();
  }
  frame.free();
  encoder.free();
  graph.free();
  return sizes;
}

describe.each(CONTENTS)('$name', ({ graph }) => {
  test.each([30, 60] as const)('at %i fps: no part above three times its share', async (frameRate) => {
    const { video, partMs } = profileWithFrameRate(frameRate);
    const sizes = await encodedSizes(graph, frameRate);
    const perPart = (frameRate * partMs) / 1000;
    const partBytes: number[] = [];
    for (let at = 0; at < sizes.length; at += perPart)
      partBytes.push(sizes.slice(at, at + perPart).reduce((sum, size) => sum + size, 0));
    const shareBytes = (video.bitrateBps * partMs) / 8_000;
    expect(Math.max(...partBytes) / shareBytes).toBeLessThanOrEqual(3);
  });
});
