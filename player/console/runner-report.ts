/** A runner's report as the API hands it on: everything in it may be missing, since runners of other versions report too. */
import type { RunnerCounters, SourceStatus } from '../../domain/stream.ts';

export interface RunnerReport {
  readonly hardware: string | undefined;
  readonly reportedAtMs: number;
  readonly source: SourceStatus | undefined;
  readonly counters: Partial<RunnerCounters>;
}

export function runnerReport(
  report: Readonly<Record<string, unknown>> | undefined,
): RunnerReport | undefined {
  if (!report) return undefined;
  const { hardware, reportedAt, source, counters } = report;
  const numbers = Object.entries(isRecord(counters) ? counters : {}).filter(
    ([, value]) => typeof value === 'number',
  );
  return {
    hardware: typeof hardware === 'string' ? hardware : undefined,
    reportedAtMs: typeof reportedAt === 'string' ? Date.parse(reportedAt) : Number.NaN,
    source: isRecord(source) ? source : undefined,
    counters: Object.fromEntries(numbers),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** The source in a line: `HEVC Main 10, 1920x1080, 59.94 fps, decoded on the GPU; AAC 48 kHz, 2 channels`. */
export function sourceInWords(source: SourceStatus | undefined): string {
  const { video, audio } = source ?? {};
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
  const words = [picture?.join(', '), sound?.join(', ')].filter((part) => part !== undefined);
  return words.length === 0 ? 'Nothing yet' : words.join('; ');
}
