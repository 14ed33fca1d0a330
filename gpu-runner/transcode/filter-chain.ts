/** One linear filter graph: frames of one shape in, frames of another out. */
import { AV_BUFFERSRC_FLAG_NONE } from 'node-av/constants';
import { Filter, type FilterContext, FilterGraph, FilterInOut, type Frame } from 'node-av/lib';
import { resultOf, textOf } from './codec-call.ts';
import { transcodeErrors } from './errors.ts';

export interface TimeBase {
  readonly num: number;
  readonly den: number;
}

export class FilterChain {
  readonly #graph: FilterGraph;
  readonly #source: FilterContext;
  readonly #sink: FilterContext;
  readonly outputTimeBase: TimeBase;

  private constructor(graph: FilterGraph, source: FilterContext, sink: FilterContext) {
    this.#graph = graph;
    this.#source = source;
    this.#sink = sink;
    const { num, den } = sink.buffersinkGetTimeBase();
    this.outputTimeBase = { num, den };
  }

  /**
   * Builds a graph for frames shaped like `frame`.
   *
   * @throws MirrorError `TRANSCODE_FILTER_FAILED`
   */
  static async forFrame(frame: Frame, timeBase: TimeBase, description: string): Promise<FilterChain> {
    const graph = new FilterGraph();
    graph.alloc();
    // A picture of this size is scaled in less time than it takes to wake a second thread.
    graph.nbThreads = 1;
    const fail = (what: string, code?: number) => {
      graph.free();
      const why = code === undefined ? '' : `: ${textOf(code)}`;
      return transcodeErrors.create('FILTER_FAILED', `${what}${why} (${description}).`);
    };
    const source = frame.isVideo()
      ? pictureSource(graph, frame, timeBase)
      : soundSource(graph, frame, timeBase);
    if (!source) throw fail('No source for this frame');
    const sinkFilter = Filter.getByName(frame.isVideo() ? 'buffersink' : 'abuffersink');
    const sink = sinkFilter && graph.createFilter(sinkFilter, 'out', null);
    if (!sink) throw fail('No sink');
    using outputs = FilterInOut.createList([{ name: 'in', filterCtx: source, padIdx: 0 }]);
    using inputs = FilterInOut.createList([{ name: 'out', filterCtx: sink, padIdx: 0 }]);
    const parsed = graph.parsePtr(description, inputs, outputs);
    if (parsed < 0) throw fail('Graph not understood', parsed);
    const configured = await graph.config();
    if (configured < 0) throw fail('Graph does not fit', configured);
    return new FilterChain(graph, source, sink);
  }

  /** Hands a frame in; the chain takes over its data and leaves the frame empty for reuse. */
  async put(frame: Frame): Promise<'ok' | 'error'> {
    const code = await this.#source.buffersrcAddFrame(frame, AV_BUFFERSRC_FLAG_NONE);
    return code < 0 ? 'error' : 'ok';
  }

  /** Takes the next finished frame, if there is one. */
  async take(into: Frame): Promise<boolean> {
    return resultOf(await this.#sink.buffersinkGetFrame(into)) === 'ok';
  }

  free(): void {
    this.#graph.free();
  }
}

function pictureSource(graph: FilterGraph, frame: Frame, timeBase: TimeBase): FilterContext | undefined {
  const filter = Filter.getByName('buffer');
  const source = filter && graph.allocFilter(filter, 'in');
  if (!source) return undefined;
  const hwFramesCtx = frame.hwFramesCtx;
  const code = source.buffersrcParametersSet({
    width: frame.width,
    height: frame.height,
    format: frame.format,
    timeBase,
    sampleAspectRatio: frame.sampleAspectRatio,
    colorRange: frame.colorRange,
    colorSpace: frame.colorSpace,
    ...(hwFramesCtx ? { hwFramesCtx } : {}),
  });
  return code >= 0 && source.init(null) >= 0 ? source : undefined;
}

function soundSource(graph: FilterGraph, frame: Frame, timeBase: TimeBase): FilterContext | undefined {
  const filter = Filter.getByName('abuffer');
  if (!filter) return undefined;
  const { nbChannels, mask } = frame.channelLayout;
  // A decoder that does not know its speakers gives a count alone.
  const layout = mask === 0n ? `${nbChannels}c` : `0x${mask.toString(16)}`;
  const args = [
    `time_base=${timeBase.num}/${timeBase.den}`,
    `sample_rate=${frame.sampleRate}`,
    `sample_fmt=${frame.format}`,
    `channel_layout=${layout}`,
  ];
  return graph.createFilter(filter, 'in', args.join(':')) ?? undefined;
}
