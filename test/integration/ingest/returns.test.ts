/** What happens when a sender goes, and comes back, and when the ingest itself is stopped. */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { codecName } from '../../../gpu-runner/ingest/accepted-codecs.ts';
import { type FeedInput, srtUrl } from '../../../tools/feeds/options.ts';
import { FeedSender } from '../../../tools/feeds/sender.ts';
import { clock, freePort, IngestUnderTest } from './ingest-under-test.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const SMALL = { widthPx: 320, heightPx: 180, gopMs: 500 } as const;
const MEGABYTE = 1024 * 1024;

/** A sender that ends when it is told to. */
function start(input: Omit<FeedInput, 'name'>): { sender: FeedSender; end: () => Promise<void> } {
  const stop = new AbortController();
  const sender = new FeedSender({ ...SMALL, ...input });
  const running = sender.run(stop.signal);
  const end = async () => {
    stop.abort();
    await running;
  };
  onTestFinished(end);
  return { sender, end };
}

/** A process of its own, as senders are: libsrt keeps a port a little longer while its process has others. */
function spawnNode(arguments_: readonly string[]): ChildProcess {
  const options = { cwd: ROOT, stdio: 'ignore' } as const;
  const child = spawn(process.execPath, ['--import', 'tsx', ...arguments_], options);
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

function videoCodecs(ingest: IngestUnderTest): string[] {
  return ingest.connections().map(({ event }) =>
    event.tracks
      .slice(0, 1)
      .map(({ codecParameters }) => codecName(codecParameters.codecId))
      .join(),
  );
}

describe('a sender over SRT', () => {
  test('that ends cleanly is noticed within 0.2 s; the next one, with another codec and size, is let in at once', async () => {
    const port = await freePort();
    const ingest = new IngestUnderTest({ protocol: 'srt-listener', port });
    const first = start({ to: srtUrl({ port }) });
    await ingest.until('the first feed', () => ingest.ptsOf('video').length > 20);
    const endMs = clock.nowMs();
    await first.end();
    await ingest.until('the loss', () => ingest.losses().length === 1);
    expect((ingest.losses()[0]?.atMs ?? 0) - endMs).toBeLessThan(200);
    expect(ingest.losses()[0]?.reason).toBe('the sender closed the connection');

    const second = start({ to: srtUrl({ port }), videoCodec: 'h264', widthPx: 640, heightPx: 360 });
    const { startMs } = await second.sender.connected;
    await ingest.until('the second feed', () => ingest.connections().length === 2);
    expect((ingest.connections()[1]?.atMs ?? 0) - startMs).toBeLessThan(1_000);
    expect(videoCodecs(ingest)).toEqual(['hevc', 'h264']);
  });

  test('that is killed is noticed within 2 s, and the next one is let in', async () => {
    const port = await freePort();
    const ingest = new IngestUnderTest({ protocol: 'srt-listener', port });
    const arguments_ = [
      '--import',
      'tsx',
      `${ROOT}tools/feed.ts`,
      '--to',
      srtUrl({ port }),
      '--size',
      '320x180',
    ];
    const child = spawnNode(arguments_);
    await ingest.until('the first feed', () => ingest.ptsOf('video').length > 20, 20_000);
    const killedMs = clock.nowMs();
    child.kill('SIGKILL');
    await ingest.until('the loss', () => ingest.losses().length === 1);
    expect((ingest.losses()[0]?.atMs ?? 0) - killedMs).toBeLessThan(2_000);
    start({ to: srtUrl({ port }) });
    await ingest.until('the second feed', () => ingest.connections().length === 2);
  });

  test('that returns dozens of times is let in at once, and costs at most 1 MB of resident memory each', async () => {
    const port = await freePort();
    const ingest = new IngestUnderTest({ protocol: 'srt-listener', port });
    const warmUpCount = 8;
    const visitCount = 32;
    spawnNode([`${ROOT}test/integration/ingest/visitor.ts`, String(port), String(visitCount)]);
    await ingest.until('the first visits', () => ingest.losses().length >= warmUpCount, 30_000);
    const beforeBytes = process.memoryUsage.rss();
    await ingest.until('all visits', () => ingest.losses().length === visitCount, 60_000);
    const perVisitBytes = (process.memoryUsage.rss() - beforeBytes) / (visitCount - warmUpCount);
    expect(perVisitBytes).toBeLessThan(MEGABYTE);
    expect(ingest.counters).toMatchObject({ connectionCount: visitCount, rejectedConnectionCount: 0 });
    const gapsMs = ingest
      .connections()
      .slice(1)
      .map(({ atMs }, index) => atMs - (ingest.losses()[index]?.atMs ?? 0));
    expect(gapsMs.toSorted((a, b) => a - b)[Math.floor(gapsMs.length / 2)]).toBeLessThan(700);
    console.info(
      `memory per visit ${(perVisitBytes / 1024).toFixed(0)} KiB, gaps ${gapsMs.map(Math.round).join(' ')} ms`,
    );
  });
});

describe('a sender over RTP', () => {
  test('that falls silent is noticed within 2 s, and is taken again when it returns', async () => {
    const port = await freePort();
    const ingest = new IngestUnderTest({ protocol: 'rtp-mpegts', port });
    const first = start({ to: `rtp://127.0.0.1:${port}` });
    await ingest.until('the first feed', () => ingest.ptsOf('video').length > 20);
    const endMs = clock.nowMs();
    await first.end();
    await ingest.until('the loss', () => ingest.losses().length === 1);
    expect((ingest.losses()[0]?.atMs ?? 0) - endMs).toBeLessThan(2_000);
    start({ to: `rtp://127.0.0.1:${port}`, videoCodec: 'h264' });
    await ingest.until('the second feed', () => ingest.connections().length === 2);
    expect(videoCodecs(ingest)).toEqual(['hevc', 'h264']);
  });
});

describe('a stop', () => {
  test.each([
    ['waiting in listen', { protocol: 'srt-listener' }],
    ['calling', { protocol: 'srt-caller', host: '127.0.0.1' }],
    ['waiting for RTP', { protocol: 'rtp-mpegts' }],
  ])('while %s ends the ingest within a second', async (_name, input) => {
    const ingest = new IngestUnderTest({ ...input, port: await freePort() });
    await sleep(300);
    expect(await ingest.stop()).toBeLessThan(1_000);
  });

  test('in the middle of a feed ends it within a second, with a last word', async () => {
    const port = await freePort();
    const ingest = new IngestUnderTest({ protocol: 'srt-listener', port });
    start({ to: srtUrl({ port }) });
    await ingest.until('the feed', () => ingest.ptsOf('video').length > 20);
    expect(await ingest.stop()).toBeLessThan(1_000);
    expect(ingest.losses().map(({ reason }) => reason)).toEqual(['the ingest was stopped']);
  });

  test('leaves nothing that keeps a process from exiting', async () => {
    const port = await freePort();
    const script = `
      import { FeedIngest } from './gpu-runner/ingest/feed-ingest.ts';
      const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };
      const ingest = { protocol: 'srt-caller', host: '127.0.0.1', port: ${port}, latencyMs: 120 };
      const stop = AbortSignal.timeout(500);
      await new FeedIngest({ ingest, clock: Date.now && { nowMs: () => Date.now() }, log }).run(stop, () => {});
      process.stdout.write('done');
    `;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let doneAtMs = 0;
    child.stdout.on('data', () => {
      doneAtMs = performance.now();
    });
    const exitCode = await new Promise<number | null>((resolve) => child.once('exit', resolve));
    expect(exitCode).toBe(0);
    expect(doneAtMs).toBeGreaterThan(0);
    expect(performance.now() - doneAtMs).toBeLessThan(1_000);
  });
});
