/** How fast a vanished sender is noticed, how fast the same port takes the next one, and what stays behind. */
import { setTimeout as sleep } from 'node:timers/promises';
import { srtUrl } from '../tools/feeds/options.ts';
import { UdpRelay } from '../tools/feeds/relay.ts';
import { FeedSender } from '../tools/feeds/sender.ts';
import { sample } from './process-tree.ts';
import type { Bench, BenchContext, BenchOutcome } from './result.ts';
import { RunnerHost } from './runner-host.ts';
import { slope, summarize } from './statistics.ts';

const DEATH_COUNT = 10;
const RECONNECT_COUNT = 30;
const QUICK_COUNT = 3;
const ON_AIR_MS = 1_500;
/** The first connections fill caches and pools; growth is judged after them. */
const SETTLED_AFTER = 8;
const MIB = 2 ** 20;

export const senderLossBench: Bench = {
  name: 'sender-loss',
  title: 'A sender that dies, ends or comes back',
  run: measure,
};

async function measure({ quick, say }: BenchContext): Promise<BenchOutcome> {
  const host = await RunnerHost.start();
  try {
    await host.untilState('waiting');
    const deathsMs: number[] = [];
    const deathCount = quick ? QUICK_COUNT : DEATH_COUNT;
    say(`cutting ${deathCount} senders off`);
    for (let run = 0; run < deathCount; run++) deathsMs.push(await dieOnce(host));
    const endsMs: number[] = [];
    const backMs: number[] = [];
    const resident: { x: number; y: number }[] = [];
    const reconnectCount = quick ? QUICK_COUNT : RECONNECT_COUNT;
    say(`ending and connecting again ${reconnectCount} times`);
    for (let run = 0; run < reconnectCount; run++) {
      const { endMs, liveMs } = await endOnce(host);
      endsMs.push(endMs);
      backMs.push(liveMs);
      resident.push({ x: run, y: (sample(host.pid)?.residentBytes ?? 0) / MIB });
    }
    const deaths = summarize(deathsMs);
    const ends = summarize(endsMs);
    const back = summarize(backMs);
    const settled = resident.length > SETTLED_AFTER * 2 ? resident.slice(SETTLED_AFTER) : resident;
    return {
      measures: [
        { what: 'dead sender noticed, median', value: deaths.p50, unit: 'ms' },
        { what: 'dead sender noticed, worst', value: deaths.max, unit: 'ms', atMost: 2_000 },
        { what: 'clean end noticed, median', value: ends.p50, unit: 'ms' },
        { what: 'clean end noticed, worst', value: ends.max, unit: 'ms', atMost: 200 },
        { what: 'next sender connected to stream live, median', value: back.p50, unit: 'ms' },
        { what: 'next sender connected to stream live, worst', value: back.max, unit: 'ms' },
        { what: 'memory growth per reconnect', value: slope(settled), unit: 'MiB', atMost: 1 },
        { what: 'memory at the end', value: resident.at(-1)?.y ?? Number.NaN, unit: 'MiB' },
      ],
      notes: [
        'Death: the network between sender and runner swallows everything, so that no SRT shutdown arrives. Noticed: the runner logs that the feed ended.',
        `Growth: slope of the runner's resident memory over the reconnects after the first ${SETTLED_AFTER}.`,
      ],
      detail: { deathsMs, endsMs, backMs, resident, events: host.events.slice(-40) },
    };
  } finally {
    await host.stop();
  }
}

async function dieOnce(host: RunnerHost): Promise<number> {
  const relay = new UdpRelay({ targetPort: host.srtPort });
  const stop = new AbortController();
  const relaying = relay.run(stop.signal);
  const feed = new FeedSender({ to: srtUrl({ port: await relay.ready }) });
  const sending = feed.run(stop.signal).catch(() => undefined);
  await host.untilState('live');
  await sleep(ON_AIR_MS);
  const cutAtMs = Date.now();
  relay.cut();
  const endedAtMs = await untilEvent(host, 'feed-ended', cutAtMs);
  stop.abort();
  await Promise.all([relaying, sending]);
  await host.untilState('interrupted');
  return endedAtMs - cutAtMs;
}

async function endOnce(host: RunnerHost): Promise<{ endMs: number; liveMs: number }> {
  const stop = new AbortController();
  const feed = new FeedSender({ to: srtUrl({ port: host.srtPort }) });
  const sending = feed.run(stop.signal);
  await feed.connected;
  const connectedAtMs = Date.now();
  await host.untilState('live');
  const liveMs = Date.now() - connectedAtMs;
  await sleep(ON_AIR_MS);
  stop.abort();
  await sending;
  const closedAtMs = Date.now();
  const endedAtMs = await untilEvent(host, 'feed-ended', closedAtMs - ON_AIR_MS / 2);
  await host.untilState('interrupted');
  return { endMs: Math.max(0, endedAtMs - closedAtMs), liveMs };
}

const EVENT_MAX_MS = 15_000;

async function untilEvent(host: RunnerHost, name: string, sinceMs: number): Promise<number> {
  for (let waitedMs = 0; waitedMs < EVENT_MAX_MS; waitedMs += 10) {
    const found = host.events.find(({ event, atMs }) => event === name && atMs >= sinceMs);
    if (found) return found.atMs;
    await sleep(10);
  }
  throw new Error(`The runner did not say ${name} in ${EVENT_MAX_MS / 1000} s.`);
}
