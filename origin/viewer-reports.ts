/**
 * What players tell of their viewers' experience (domain/cmcd.ts), added up per stream until somebody takes it.
 * Anybody may send such reports, as with any page: they move metrics and nothing else, within the bounds below.
 */
import { decodeCmcd } from '@svta/cml-cmcd';
import {
  CMCD_BODY_BYTES_MAX,
  CMCD_COVERED_MS_KEY,
  CMCD_DROPPED_KEY,
  CMCD_EVERY_MS,
  CMCD_LINES_MAX,
  CMCD_STALLED_MS_KEY,
  CMCD_STALLS_KEY,
} from '../domain/cmcd.ts';
import { embeddedMetricLine } from '../domain/embedded-metric.ts';

/** Of one stream, since it was last taken. */
export interface ViewerExperience {
  /** Reports: about two a minute from each pane. */
  readonly viewerReportCount: number;
  /** Of those who reported; NaN is left out of what is logged. */
  readonly viewerLatencyMs: number;
  readonly viewerWorstLatencyMs: number;
  /** The time that the reports are about, and how much of it the picture stood still. */
  readonly viewerCoveredMs: number;
  readonly viewerStalledMs: number;
  readonly viewerStallCount: number;
  readonly viewerDroppedFrameCount: number;
}

interface Sums {
  reportCount: number;
  latencyCount: number;
  latencySumMs: number;
  worstLatencyMs: number;
  coveredMs: number;
  stalledMs: number;
  stallCount: number;
  droppedFrameCount: number;
}

/** A minute: nobody's latency is more, and no report is about more than two intervals. */
const LATENCY_MAX_MS = 60_000;
const COVERED_MAX_MS = 2 * CMCD_EVERY_MS;
/** At 60 frames a second in that time. */
const DROPPED_MAX = 4_000;
const STALLS_MAX = 500;
const DIGITS = /^\d{1,15}$/;

export interface ViewerReportsDependencies {
  /** Whether a stream is followed here: what is not is not counted, so that names do not pile up. */
  readonly isKnown: (streamId: string) => boolean;
}

export class ViewerReports {
  readonly #dependencies: ViewerReportsDependencies;
  #streams = new Map<string, Sums>();
  /** Lines that were counted, and those that were not. */
  reportCount = 0;
  refusedCount = 0;

  constructor(dependencies: ViewerReportsDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Reads a body as it comes.
   *
   * @returns what to answer: 204, or 413 for a body that is too long.
   */
  async receive(body: AsyncIterable<Uint8Array>): Promise<204 | 413> {
    const chunks: Uint8Array[] = [];
    let byteCount = 0;
    for await (const chunk of body) {
      byteCount += chunk.byteLength;
      if (byteCount > CMCD_BODY_BYTES_MAX) {
        this.refusedCount += 1;
        return 413;
      }
      chunks.push(chunk);
    }
    this.add(Buffer.concat(chunks).toString());
    return 204;
  }

  /** Never throws, whatever the text. */
  add(text: string): void {
    for (const line of text.split('\n', CMCD_LINES_MAX)) {
      if (line === '') continue;
      if (this.#addLine(line)) this.reportCount += 1;
      else this.refusedCount += 1;
    }
  }

  /** The experience of each stream since the last call. */
  take(): ReadonlyMap<string, ViewerExperience> {
    const taken = new Map([...this.#streams].map(([id, sums]) => [id, experienceOf(sums)]));
    this.#streams = new Map();
    return taken;
  }

  #addLine(line: string): boolean {
    const report = decoded(line);
    const streamId: unknown = report['cid'];
    if (typeof streamId !== 'string' || !this.#dependencies.isKnown(streamId)) return false;
    const coveredMs = within(report[CMCD_COVERED_MS_KEY], COVERED_MAX_MS);
    if (coveredMs === undefined) return false;
    const sums = this.#streams.get(streamId) ?? noSums();
    this.#streams.set(streamId, sums);
    sums.reportCount += 1;
    sums.coveredMs += coveredMs;
    sums.stalledMs += within(report[CMCD_STALLED_MS_KEY], coveredMs) ?? 0;
    sums.stallCount += within(report[CMCD_STALLS_KEY], STALLS_MAX) ?? 0;
    sums.droppedFrameCount += within(report[CMCD_DROPPED_KEY], DROPPED_MAX) ?? 0;
    const latencyMs = within(report['ltc'], LATENCY_MAX_MS);
    if (latencyMs !== undefined) {
      sums.latencyCount += 1;
      sums.latencySumMs += latencyMs;
      sums.worstLatencyMs = Math.max(sums.worstLatencyMs, latencyMs);
    }
    return true;
  }
}

function decoded(line: string): Readonly<Record<string, unknown>> {
  try {
    return { ...decodeCmcd(line) };
  } catch {
    // Not CMCD: counted as refused by the caller.
    return {};
  }
}

/** @returns undefined for what is no number from 0 on; a greater one than `most` counts as that. */
function within(value: unknown, most: number): number | undefined {
  const number = typeof value === 'string' && DIGITS.test(value) ? Number(value) : value;
  return typeof number === 'number' && number >= 0 ? Math.min(number, most) : undefined;
}

function noSums(): Sums {
  return {
    reportCount: 0,
    latencyCount: 0,
    latencySumMs: 0,
    worstLatencyMs: 0,
    coveredMs: 0,
    stalledMs: 0,
    stallCount: 0,
    droppedFrameCount: 0,
  };
}

function experienceOf(sums: Sums): ViewerExperience {
  return {
    viewerReportCount: sums.reportCount,
    viewerLatencyMs: sums.latencySumMs / sums.latencyCount,
    viewerWorstLatencyMs: sums.worstLatencyMs,
    viewerCoveredMs: sums.coveredMs,
    viewerStalledMs: sums.stalledMs,
    viewerStallCount: sums.stallCount,
    viewerDroppedFrameCount: sums.droppedFrameCount,
  };
}

/** One line for each stream, in CloudWatch's embedded metric format: a metric per stream and one over all. */
export function viewerMetricLines(
  taken: ReadonlyMap<string, ViewerExperience>,
  { nowMs, environmentName }: { readonly nowMs: number; readonly environmentName: string },
): string {
  return [...taken]
    .map(([stream, experience]) => {
      const values = Object.fromEntries(
        Object.entries(experience).filter(([, value]) => Number.isFinite(value)),
      );
      return embeddedMetricLine(
        {
          namespace: 'mirror/viewers',
          dimensions: { environment: environmentName, stream },
          dimensionSets: [['environment'], ['environment', 'stream']],
          values,
        },
        nowMs,
      );
    })
    .join('');
}
