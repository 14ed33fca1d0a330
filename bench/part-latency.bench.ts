/** From the last encoded frame of a part to its bytes in the hands of a client whose request waited for it. */
import { Agent, get } from 'node:http';
import { SEED_PROFILE } from '../domain/profile.ts';
import { nextPart, type PartPosition, partAt } from '../domain/timeline.ts';
import { srtUrl } from '../tools/feeds/options.ts';
import { FeedSender } from '../tools/feeds/sender.ts';
import type { PartTiming } from './measured-runner.ts';
import type { Bench, BenchContext, BenchOutcome } from './result.ts';
import { RunnerHost } from './runner-host.ts';
import { summarize } from './statistics.ts';

const DURATION_MS = 60_000;
const QUICK_MS = 10_000;
const WARM_UP_MS = 4_000;

export const partLatencyBench: Bench = {
  name: 'part-latency',
  title: 'From the last encoded frame of a part to its bytes served to a waiting request',
  run: measure,
};

interface ServedPart {
  readonly position: PartPosition;
  readonly receivedAtMs: number;
  readonly status: number;
}

async function measure({ quick, say }: BenchContext): Promise<BenchOutcome> {
  const timings = new Map<string, PartTiming>();
  const host = await RunnerHost.start({
    kind: 'measured-runner',
    onMessage: (message) => {
      if (isTiming(message) && message.track === 'video') timings.set(keyOf(message), message);
    },
  });
  const stop = new AbortController();
  const feed = new FeedSender({ to: srtUrl({ port: host.srtPort }), rehearsedMs: 10_000 });
  const sending = feed.run(stop.signal);
  try {
    await host.untilState('live');
    await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS));
    const durationMs = quick ? QUICK_MS : DURATION_MS;
    say(`asking for one part after the other for ${durationMs / 1000} s`);
    const served = await askForParts(host, durationMs);
    // The message about the last part may still be on its way.
    await new Promise((resolve) => setTimeout(resolve, 200));
    return outcome(served, timings);
  } finally {
    stop.abort();
    await sending;
    await host.stop();
  }
}

/** Each request is made before its part exists: the origin holds it. */
async function askForParts(host: RunnerHost, durationMs: number): Promise<ServedPart[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const served: ServedPart[] = [];
  const endMs = performance.now() + durationMs;
  let position = partAt(host.clock.nowMs(), SEED_PROFILE);
  while (performance.now() < endMs) {
    const path = `video/${position.mediaSequenceNumber}.${position.partIndex}.m4s`;
    const status = await fetchWhole(new URL(path, host.originUrl), agent);
    served.push({ position, receivedAtMs: host.clock.nowMs(), status });
    position = nextPart(position, SEED_PROFILE);
  }
  agent.destroy();
  return served;
}

function fetchWhole(url: URL, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
      response.on('error', reject);
    }).on('error', reject);
  });
}

function outcome(served: readonly ServedPart[], timings: ReadonlyMap<string, PartTiming>): BenchOutcome {
  const good = served.flatMap(({ position, receivedAtMs, status }) => {
    const timing = timings.get(keyOf(position));
    return status === 200 && timing ? [{ timing, receivedAtMs }] : [];
  });
  const whole = summarize(good.map(({ timing, receivedAtMs }) => receivedAtMs - timing.encodedAtMs));
  const published = summarize(good.map(({ timing }) => timing.announcedAtMs - timing.encodedAtMs));
  return {
    measures: [
      { what: 'encoded to served p50', value: whole.p50, unit: 'ms' },
      { what: 'encoded to served p95', value: whole.p95, unit: 'ms' },
      { what: 'encoded to served p99', value: whole.p99, unit: 'ms', atMost: 15 },
      { what: 'encoded to served max', value: whole.max, unit: 'ms' },
      { what: 'of that, until the announcement was confirmed, p50', value: published.p50, unit: 'ms' },
      { what: 'of that, until the announcement was confirmed, p99', value: published.p99, unit: 'ms' },
      { what: 'parts', value: good.length, unit: 'parts' },
      { what: 'parts without an answer of 200', value: served.length - good.length, unit: 'parts' },
    ],
    notes: [
      'Runner in its own process, live edge over IPC, parts on disk; origin and client share one other process, so that the time of the client counts too.',
      'The runner hears of the confirmation after the origin has already answered: the two times overlap.',
    ],
    detail: { latenciesMs: good.map(({ timing, receivedAtMs }) => receivedAtMs - timing.encodedAtMs) },
  };
}

function keyOf({ mediaSequenceNumber, partIndex }: PartPosition): string {
  return `${mediaSequenceNumber}.${partIndex}`;
}

function isTiming(message: unknown): message is PartTiming {
  return (
    typeof message === 'object' && message !== null && 'kind' in message && message.kind === 'bench-part'
  );
}
