/**
 * What the runner costs above the plain `ffmpeg` command: both take the same feed, decode it, scale it and
 * encode it with the same settings, side by side in one run, so that what else happens on the machine happens
 * to both.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { SEED_PROFILE } from '../domain/profile.ts';
import {
  audioEncoderOptions,
  videoDecoderOptions,
  videoEncoderOptions,
} from '../gpu-runner/transcode/options.ts';
import { freeFeedPorts } from '../local/feed-ports.ts';
import { type FeedInput, srtUrl } from '../tools/feeds/options.ts';
import { FeedSender } from '../tools/feeds/sender.ts';
import { memoryOf, type ProcessMemory, sample } from './process-tree.ts';
import type { Bench, BenchContext, BenchOutcome, Measure } from './result.ts';
import { RunnerHost } from './runner-host.ts';

const DURATION_MS = 60_000;
const QUICK_MS = 15_000;
/** By then the first parts lend their files to new ones: making one costs many times as much (media-store-disk.ts). */
const WARM_UP_MS = 75_000;
const QUICK_WARM_UP_MS = 6_000;
const MIB = 2 ** 20;

/** At 1080p60 two of them do not fit two cores at once: the feed is 720p30. */
const FEED: Partial<FeedInput> = {
  widthPx: 1280,
  heightPx: 720,
  videoBitrateBps: 3_000_000,
  texture: 'noise',
};

export const cpuBench: Bench = {
  name: 'cpu',
  title: 'CPU and memory of a runner against the plain ffmpeg command',
  run: measure,
};

interface Usage {
  readonly cores: number;
  readonly memory: ProcessMemory;
}

async function measure({ quick, say }: BenchContext): Promise<BenchOutcome> {
  const ffmpegName = ffmpegVersion();
  const host = await RunnerHost.start();
  const [ffmpegPort = 0] = await freeFeedPorts(1, host.srtPort + 100);
  const idle = await idleMemory(host);
  const ffmpeg = startFfmpeg(ffmpegPort);
  const stop = new AbortController();
  say('encoding the feed ahead');
  const feeds = [host.srtPort, ffmpegPort].map(
    (port) => new FeedSender({ to: srtUrl({ port }), rehearsedMs: 4_000, connectTimeoutMs: 60_000, ...FEED }),
  );
  const sending = Promise.all(feeds.map((feed) => feed.run(stop.signal)));
  try {
    await Promise.race([sending, Promise.all(feeds.map(({ connected }) => connected))]);
    await host.untilState('live');
    say('waiting until the runner makes no more files');
    await sleep(quick ? QUICK_WARM_UP_MS : WARM_UP_MS);
    const durationMs = quick ? QUICK_MS : DURATION_MS;
    say(`measuring both for ${durationMs / 1000} s`);
    const [runner, plain] = await Promise.all([
      usageOf(host.pid, durationMs),
      usageOf(ffmpeg.pid ?? 0, durationMs),
    ]);
    const dropped = feeds.map((feed) => feed.snapshot().droppedFrameCount);
    return outcome({ runner, plain, idle, dropped, ffmpegName, status: host.status });
  } finally {
    stop.abort();
    await sending.catch(() => undefined);
    ffmpeg.kill('SIGKILL');
    await host.stop();
  }
}

async function idleMemory(host: RunnerHost): Promise<ProcessMemory> {
  await host.untilState('waiting');
  await sleep(1_000);
  return memoryOf(host.pid);
}

async function usageOf(pid: number, durationMs: number): Promise<Usage> {
  const before = sample(pid);
  const startMs = performance.now();
  await sleep(durationMs);
  const after = sample(pid);
  if (!before || !after) throw new Error('A process ended while it was measured.');
  const cores = (after.cpuMs - before.cpuMs) / (performance.now() - startMs);
  return { cores, memory: memoryOf(pid) };
}

function outcome(found: {
  runner: Usage;
  plain: Usage;
  idle: ProcessMemory;
  dropped: readonly number[];
  ffmpegName: string;
  status: unknown;
}): BenchOutcome {
  const { runner, plain, idle, dropped } = found;
  const mib = (what: string, bytes: number, atMost?: number): Measure => ({
    what,
    value: bytes / MIB,
    unit: 'MiB',
    atMost,
  });
  return {
    measures: [
      { what: 'runner against ffmpeg', value: runner.cores / plain.cores, unit: 'times', atMost: 1.15 },
      { what: 'runner', value: runner.cores, unit: 'cores' },
      { what: 'ffmpeg', value: plain.cores, unit: 'cores' },
      mib('memory per added feed: runner, private', runner.memory.privateBytes),
      mib('ffmpeg for the same work, private', plain.memory.privateBytes),
      mib(
        'memory per added feed above plain ffmpeg',
        runner.memory.privateBytes - plain.memory.privateBytes,
        60,
      ),
      mib('runner that waits for a feed, private', idle.privateBytes),
      mib('runner, resident', runner.memory.residentBytes),
      mib('ffmpeg, resident', plain.memory.residentBytes),
      { what: 'frames that the senders dropped', value: dropped.reduce((a, b) => a + b, 0), unit: 'frames' },
    ],
    notes: [
      `Feed: HEVC ${FEED.widthPx}x${FEED.heightPx} at 30 fps, ${(FEED.videoBitrateBps ?? 0) / 1e6} Mbps, grain all over the picture, AAC; two equal senders.`,
      `Plain: ${found.ffmpegName} of the distribution, settings taken from gpu-runner/transcode/options.ts: ffmpeg ${ffmpegArguments(0).join(' ')}`,
      'Fair in settings, not in libraries: the command has its own, older FFmpeg and x264. The runner also packages, stores and announces; the command writes to nowhere.',
      'Private: memory that no other process shares, which is what one more runner adds.',
    ],
    detail: found,
  };
}

function startFfmpeg(port: number): ChildProcess {
  const child = spawn('ffmpeg', ffmpegArguments(port), { stdio: ['ignore', 'ignore', 'inherit'] });
  child.on('error', () => undefined);
  return child;
}

function ffmpegArguments(port: number): string[] {
  const { widthPx: sourceWidthPx = 0, heightPx: sourceHeightPx = 0 } = FEED;
  const { video, audio } = SEED_PROFILE;
  const decoder = videoDecoderOptions({ widthPx: sourceWidthPx, heightPx: sourceHeightPx });
  return [
    ['-hide_banner', '-loglevel', 'error', '-fflags', '+nobuffer'],
    Object.entries(decoder).flatMap(([name, value]) => [`-${name}:v`, value]),
    ['-i', srtUrl({ port, mode: 'listener' })],
    [
      '-filter_threads',
      '1',
      '-vf',
      `scale=${video.widthPx}:${video.heightPx}:flags=bicubic,fps=${video.frameRate}`,
    ],
    ['-force_key_frames', `expr:gte(t,n_forced*${SEED_PROFILE.segmentMs / 1000})`],
    ['-c:v', 'libx264', ...encoderArguments(videoEncoderOptions('cpu', SEED_PROFILE), 'v')],
    ['-af', `aresample=${audio.sampleRateHz}:async=1000`, '-ac', String(audio.channelCount)],
    ['-c:a', 'aac', ...encoderArguments(audioEncoderOptions(SEED_PROFILE), 'a')],
    ['-f', 'null', '-'],
  ].flat();
}

/** Options that Debian's older FFmpeg does not know are of no matter for the load. */
const UNKNOWN_TO_OLD_FFMPEG = new Set(['a53cc']);

function encoderArguments(options: Readonly<Record<string, string>>, kind: 'v' | 'a'): string[] {
  return Object.entries(options).flatMap(([name, value]) =>
    UNKNOWN_TO_OLD_FFMPEG.has(name) ? [] : [`-${name}:${kind}`, value],
  );
}

/** Asked before any media thread runs: a process that is full of native threads is no good place to fork from. */
function ffmpegVersion(): string {
  try {
    return execFileSync('ffmpeg', ['-version'], { encoding: 'utf8' }).split(' Copyright')[0] ?? 'ffmpeg';
  } catch {
    throw new Error('This bench needs the ffmpeg command. On Debian: apt install ffmpeg.');
  }
}
