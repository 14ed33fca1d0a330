/**
 * The demo feeds of `npm start`: several small cameras in one process. Forked with the feeds as JSON in its
 * first argument; ends when it is told to (SIGTERM, SIGINT) and when its parent is gone.
 *
 * They tell when each picture was captured, as an encoder with NTP does, so that the page knows their latency from
 * glass to glass. MIRROR_DEMO_FEED_OPTIONS, JSON of options.ts, changes all of them: the bench sends rehearsed feeds
 * by it.
 *
 *     fork('tools/feeds/demo.ts', [JSON.stringify([{ to: 'srt://127.0.0.1:9001', name: 'HARBOUR' }])])
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { onParentGone } from '../../adapters/parent-process.ts';
import { MirrorError, messageOf } from '../../domain/errors.ts';
import { SEED_LIMITS } from '../../domain/profile.ts';
import { type FeedOptions, parseFeedOptions } from './options.ts';
import { FeedSender } from './sender.ts';

export const DEMO_FEED_NAMES = [
  'HARBOUR',
  'STADIUM',
  'MARKET HALL',
  'NORTH GATE',
  'STUDIO A',
  'ROOFTOP',
] as const;

const demoFeedsSchema = z
  .array(z.strictObject({ to: z.string(), name: z.string().min(1).max(24) }))
  .min(1)
  .max(SEED_LIMITS.streamCount);
export type DemoFeed = z.output<typeof demoFeedsSchema>[number];

/** Cores that one demo feed takes in all: its sender, its runner and its pane in a browser (docs/benchmarks.md). */
const CORES_PER_DEMO_FEED = 0.6;
/** Above three quarters busy, pictures begin to stall. */
const BUSY_SHARE = 0.75;

/** How many demo feeds suit a machine, 1 to 6. */
export function demoFeedCount(coreCount: number): number {
  const fitting = Math.floor((coreCount * BUSY_SHARE) / CORES_PER_DEMO_FEED);
  return Math.min(DEMO_FEED_NAMES.length, Math.max(1, fitting));
}

const RETRY_MS = 500;

/** Sends all feeds until the signal aborts; a feed that loses its receiver tries again for ever. */
export async function runDemoFeeds(
  feeds: readonly DemoFeed[],
  signal: AbortSignal,
  extra: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await Promise.all(
    feeds.map((feed, feedNumber) =>
      keepSending(parseFeedOptions({ captureTime: 'precision', ...extra, ...feed, feedNumber }), signal),
    ),
  );
}

async function keepSending(feed: FeedOptions, signal: AbortSignal): Promise<void> {
  const sender = new FeedSender(feed);
  let said = '';
  while (!signal.aborted) {
    try {
      await sender.run(signal);
    } catch (error) {
      if (error instanceof MirrorError && !error.retryable) throw error;
      const reason = `${feed.name}: ${messageOf(error)}`;
      if (reason !== said) process.stderr.write(`${reason} Trying again.\n`);
      said = reason;
      await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  onParentGone(() => stop.abort());
  const feeds = demoFeedsSchema.parse(JSON.parse(process.argv[2] ?? '[]'));
  const extra: unknown = JSON.parse(process.env['MIRROR_DEMO_FEED_OPTIONS'] ?? '{}');
  await runDemoFeeds(feeds, stop.signal, z.record(z.string(), z.unknown()).parse(extra));
  if (process.connected) process.disconnect();
}
