/** One linear filter graph: frames of one shape in, frames of another out. */
import { AV_BUFFERSRC_FLAG_NONE, AVFILTER_FLAG_HWDEVICE } from 'node-av/constants';
import { Filter, type FilterContext, FilterGraph, FilterInOut, type Frame } from 'node-av/lib';
import { resultOf, textOf } from './codec-call.ts';
import { transcodeErrors } from './errors.ts';
import type { GpuDevice } from './hardware.ts';

export interface TimeBase {
  readonly num: number;
  readonly den: number;
}

export interface FilterChainOptions {
  readonly timeBase: TimeBase;
  readonly description: string;
  /** For graphs that upload pictures to the GPU. */
  readonly device?: GpuDevice | undefined;
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
  static async forFrame(frame: Frame, options: FilterChainOptions): Promise<FilterChain> {
    const { timeBase, description } = options;
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
    const problem = linkChain(graph, { source, sink, description, device: options.device });
    if (problem) throw fail(problem);
    const configured = await graph.config();
    if (configured < 0) throw fail('Graph does not fit', configured);
    return new FilterChain(graph, source, sink);
  }

  /** Hands a frame in; the chain takes over its data and leaves the frame empty for reuse. */
  put(frame: Frame): 'ok' | 'error' {
    // Only queues it: the filters work when the result is taken.
    const code = this.#source.buffersrcAddFrameSync(frame, AV_BUFFERSRC_FLAG_NONE);
    return code < 0 ? 'error' : 'ok';
  }

  /** Takes the next finished frame, if there is one. */
  async take(into: Frame): Promise<boolean> {
    return resultOf(await this.#sink.buffersinkGetFrame(into)) === 'ok';
  }

  /** As `take`, for filters whose work is less than waking a thread: those of sound, and a quick scaler. */
  takeNow(into: Frame): boolean {
    return resultOf(this.#sink.buffersinkGetFrameSync(into)) === 'ok';
  }

  free(): void {
    this.#graph.free();
  }
}

/** Parses the chain and puts it between the two ends; what works on a GPU gets the device first. */
function linkChain(
  graph: FilterGraph,
  parts: { source: FilterContext; sink: FilterContext; description: string; device: GpuDevice | undefined },
): string | undefined {
  const segment = graph.segmentParse(parts.description);
  if (!segment) return 'Graph not understood';
  const inputs = new FilterInOut();
  const outputs = new FilterInOut();
  try {
    if (segment.createFilters() < 0) return 'A filter is missing';
    if (parts.device)
      for (const filter of graph.filters ?? [])
        if (filter.filter?.hasFlags(AVFILTER_FLAG_HWDEVICE)) filter.hwDeviceCtx = parts.device.context;
    const applied = segment.applyOpts();
    if (applied < 0) return `A setting was not taken: ${textOf(applied)}`;
    const linked = segment.apply(inputs, outputs);
    if (linked < 0) return `Filters do not fit together: ${textOf(linked)}`;
    const first = inputs.filterCtx;
    const last = outputs.filterCtx;
    if (!first || !last) return 'The chain has no ends';
    const code = Math.min(
      parts.source.link(0, first, inputs.padIdx),
      last.link(outputs.padIdx, parts.sink, 0),
    );
    return code < 0 ? `The ends do not fit: ${textOf(code)}` : undefined;
  } finally {
    inputs.free();
    outputs.free();
    segment.free();
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
