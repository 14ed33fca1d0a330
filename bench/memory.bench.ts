/** Memory of a runner under the heaviest feed that it must take, and whether it grows. */
import { setTimeout as sleep } from 'node:timers/promises';
import { srtUrl } from '../tools/feeds/options.ts';
import { FeedSender } from '../tools/feeds/sender.ts';
import { memoryOf, sample } from './process-tree.ts';
import type { Bench, BenchContext, BenchOutcome } from './result.ts';
import { RunnerHost } from './runner-host.ts';
import { type Point, slope } from './statistics.ts';

const DURATION_MS = 600_000;
const QUICK_MS = 20_000;
const SAMPLE_EVERY_MS = 5_000;
/** Pools fill in the first minute; the slope is judged after it. */
const SETTLED_AFTER_MS = 60_000;
const MIB = 2 ** 20;
const HOUR_MS = 3_600_000;

export const memoryBenches: readonly Bench[] = [
  {
    name: 'memory',
    title: 'Memory of a runner at 1080p60 and 50 Mbps',
    run: (context) => measure(DURATION_MS, context),
  },
  {
    name: 'memory-hour',
    title: 'Memory of a runner at 1080p60 and 50 Mbps over an hour',
    onlyWhenNamed: true,
    run: (context) => measure(HOUR_MS, context),
  },
];

async function measure(fullMs: number, { quick, say }: BenchContext): Promise<BenchOutcome> {
  const host = await RunnerHost.start();
  const stop = new AbortController();
  say('encoding the feed ahead');
  const feed = new FeedSender({
    to: srtUrl({ port: host.srtPort }),
    widthPx: 1920,
    heightPx: 1080,
    frameRate: { num: 60, den: 1 },
    videoBitrateBps: 50_000_000,
    texture: 'noise',
    rehearsedMs: 2_000,
  });
  const sending = feed.run(stop.signal);
  try {
    await Promise.race([sending, feed.connected]);
    await host.untilState('live');
    const durationMs = quick ? QUICK_MS : fullMs;
    say(`watching for ${durationMs / 1000} s`);
    const before = sample(host.pid);
    const sentBefore = feed.snapshot().byteCount;
    const startMs = performance.now();
    const resident: Point[] = [];
    while (performance.now() - startMs < durationMs) {
      await sleep(SAMPLE_EVERY_MS);
      resident.push({ x: performance.now() - startMs, y: memoryOf(host.pid).residentBytes / MIB });
    }
    const wallMs = performance.now() - startMs;
    const cpuMs = (sample(host.pid)?.cpuMs ?? 0) - (before?.cpuMs ?? 0);
    const sentBytes = feed.snapshot().byteCount - sentBefore;
    const settled = resident.filter(({ x }) => x >= Math.min(SETTLED_AFTER_MS, durationMs / 2));
    const secondHalf = resident.filter(({ x }) => x >= durationMs / 2);
    const counters = host.status?.counters;
    return {
      measures: [
        {
          what: 'resident memory, greatest',
          value: Math.max(...resident.map(({ y }) => y)),
          unit: 'MiB',
          atMost: 400,
        },
        { what: 'resident memory, at the end', value: resident.at(-1)?.y ?? Number.NaN, unit: 'MiB' },
        { what: 'slope', value: slope(settled) * HOUR_MS, unit: 'MiB per hour' },
        { what: 'slope of the second half', value: slope(secondHalf) * HOUR_MS, unit: 'MiB per hour' },
        { what: 'bitrate sent', value: (sentBytes * 8) / wallMs / 1000, unit: 'Mbps' },
        { what: 'runner', value: cpuMs / wallMs, unit: 'cores' },
        { what: 'frames that the sender dropped', value: feed.snapshot().droppedFrameCount, unit: 'frames' },
        { what: 'parts published', value: counters?.publishedPartCount ?? 0, unit: 'parts' },
        { what: 'continuity errors', value: counters?.continuityErrorCount ?? 0, unit: 'errors' },
        { what: 'pictures left out by the runner', value: counters?.droppedFrameCount ?? 0, unit: 'frames' },
      ],
      notes: [
        'Feed: HEVC 1920x1080 at 60 fps, grain all over the picture, two seconds encoded ahead and repeated.',
        `Slope: straight line through the samples after the first ${SETTLED_AFTER_MS / 1000} s, one each ${SAMPLE_EVERY_MS / 1000} s.`,
        'At 60 fps into 30 the runner leaves out every second picture on purpose.',
      ],
      detail: { resident, status: host.status },
    };
  } finally {
    stop.abort();
    await sending.catch(() => undefined);
    await host.stop();
  }
}
