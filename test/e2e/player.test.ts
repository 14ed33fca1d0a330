import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromium } from '../../bench/browser.ts';
import type { WallMeasure } from '../../player/wall.ts';
import { FeedProcess } from '../../tools/feeds/feed-process.ts';
import { interrupt, type StartedProcess, start, until } from './start-process.ts';

/** Encoded beforehand, so that the feeds leave room for runners and a browser on a small machine. */
const LIGHT_FEED = { rehearsedMs: 2_000, widthPx: 320, heightPx: 180 } as const;
const LIVE_MAX_MS = 60_000;
/** Generous: these tests run beside others on small machines. The bench measures, on a quiet one. */
const LATENCY_MAX_MS = 4_000;
const SKEW_MAX_MS = 150;
/** In which what was played is taken away three times. */
const HLS_JS_MS = 16_000;

let folder = '';
let running: StartedProcess;
let browser: Browser;
const args = (feedCount: number) => ['--feeds', String(feedCount), '--data-dir', folder];
const env = { MIRROR_DEMO_FEED_OPTIONS: JSON.stringify(LIGHT_FEED) };
/** Six runners and a browser are more than two cores can do with more pictures than these. */
const envOfSix = {
  MIRROR_DEMO_FEED_OPTIONS: JSON.stringify({
    ...LIGHT_FEED,
    frameRate: { num: 15, den: 1 },
    audioCodec: 'none',
  }),
};

/** Senders of the test that runs. */
const senders: FeedProcess[] = [];

beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
});
// Each test, and each new try of one, has a platform of its own: a feed that came stays known.
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mirror-player-'));
  running = await start(['--port', '0', ...args(2)], env);
});

// What a failed test leaves open would run on beside the next one, and take the machine from it.
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
  await Promise.all(senders.splice(0).map((sender) => sender.kill()));
  await interrupt(running.child);
  await rm(folder, { recursive: true, force: true });
});

async function open(query: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(`${running.pageUrl}${query}`);
  await page.waitForFunction(() => 'mirror' in window);
  return page;
}

function measure(page: Page): Promise<WallMeasure> {
  return page.evaluate(() => window.mirror.measure());
}

async function badge(page: Page, streamId: string): Promise<string | null> {
  return page.textContent(`[data-stream="${streamId}"] .badge`);
}

function untilPlaying(page: Page, count: number, maxMs = LIVE_MAX_MS): Promise<void> {
  return until(
    `${count} panes play`,
    async () => (await measure(page)).panes.filter((pane) => pane.phase === 'playing').length === count,
    maxMs,
  );
}

/** Whether so many panes show what was kept of their feed: more than an empty canvas has. */
function showsLastPictures(page: Page, paneCount: number): Promise<boolean> {
  return page.evaluate((count) => {
    const kept = [...document.querySelectorAll<HTMLCanvasElement>('.last-picture:not([hidden])')];
    const shadesOf = (canvas: HTMLCanvasElement) =>
      new Set(canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data).size;
    return kept.length === count && kept.every((canvas) => shadesOf(canvas) > 20);
  }, paneCount);
}

describe('the page', () => {
  it('only what is heard is downloaded as sound, and it is in step with its picture', async () => {
    const page = await open('?streams=cam-1,cam-2');
    const audioPaths: string[] = [];
    page.on('request', (request) => {
      const { pathname } = new URL(request.url());
      if (/\/(audio|av)\//.test(pathname)) audioPaths.push(pathname);
    });
    await untilPlaying(page, 2);
    expect(audioPaths).toEqual([]);
    await page.keyboard.press('2');
    await until('cam-2 is heard', async () => (await measure(page)).sound?.phase === 'playing', 15_000);
    expect((await measure(page)).sound?.streamId).toBe('cam-2');
    expect(audioPaths.every((path) => path.startsWith('/open/cam-2/audio/'))).toBe(true);
    await until(
      'the sound is in step with the pictures',
      async () => {
        const now = await measure(page);
        const picture = now.panes[1]?.latencyMs ?? Number.NaN;
        return Math.abs((now.sound?.latencyMs ?? Number.NaN) - picture) < SKEW_MAX_MS;
      },
      20_000,
    );
    await page.click('[data-stream="cam-1"] .select');
    await until('cam-1 is heard', async () => (await measure(page)).sound?.phase === 'playing', 15_000);
    expect((await measure(page)).sound?.streamId).toBe('cam-1');
    await page.keyboard.press('m');
    expect((await measure(page)).sound).toBeUndefined();
    await page.close();
  });

  it('a feed that comes, goes and returns needs no hand, and does not disturb its neighbour', async () => {
    const page = await open('?streams=cam-1,own');
    await untilPlaying(page, 1);
    expect(await badge(page, 'own')).toBe('waiting');
    expect(await page.textContent('[data-stream="own"] .ingest')).toBe(running.ownFeedUrl);

    const send = () => {
      const sender = FeedProcess.start({ ...LIGHT_FEED, to: running.ownFeedUrl, name: 'MINE' });
      senders.push(sender);
      return sender;
    };
    const first = send();
    await untilPlaying(page, 2, 20_000);
    await until('it is live', async () => (await badge(page, 'own')) === 'live', 5_000);
    // As a power cut does it: no goodbye reaches the listener.
    await first.kill();
    await until('its loss is said', async () => (await badge(page, 'own')) === 'signal lost', 8_000);
    await untilPlaying(page, 2, 5_000);
    const second = send();
    await until('it is live again', async () => (await badge(page, 'own')) === 'live', 15_000);
    const [neighbour] = (await measure(page)).panes;
    expect(neighbour?.engineCount).toBe(1);
    await second.stop();
    await page.close();
  });

  it('a network that is cut for 5 s is survived, and so is a server that starts anew', async () => {
    const page = await open('?streams=cam-1,cam-2');
    await untilPlaying(page, 2);
    await page.context().setOffline(true);
    await page.waitForTimeout(5_000);
    await until('the last pictures stay, dimmed', () => showsLastPictures(page, 2), 10_000);
    await page.context().setOffline(false);
    await untilPlaying(page, 2, 20_000);
    const soon = async () =>
      (await measure(page)).panes.every((pane) => (pane.latencyMs ?? 9e9) < LATENCY_MAX_MS);
    await until('the panes are back at the live edge', soon, 20_000);

    const { port } = running;
    await interrupt(running.child);
    await until('the page says so', async () => (await page.textContent('.note')) !== '', 10_000);
    running = await start(['--port', String(port), ...args(2)], env);
    await untilPlaying(page, 2);
    await until('the panes are back at the live edge', soon, 20_000);
    expect(await page.textContent('.note')).toBe('');
    await page.close();
  });

  it('hls.js plays the same streams', async () => {
    const page = await open('?streams=cam-1,cam-2&engine=hls.js');
    await untilPlaying(page, 2);
    const { panes } = await measure(page);
    expect(panes.map((pane) => pane.engine)).toEqual(['hls.js', 'hls.js']);
    await until(
      'they are near the live edge',
      async () => (await measure(page)).panes.every((pane) => (pane.latencyMs ?? 9e9) < LATENCY_MAX_MS),
      20_000,
    );
    await page.close();
  });

  it('hls.js asks for part after part while what was played is taken from its buffer', async () => {
    const page = await open('?streams=cam-1&engine=hls.js');
    await untilPlaying(page, 1);
    const askedAtMs: number[] = [];
    page.on('request', (request) => {
      if (/\/\d+\.\d\.m4s$/.test(request.url())) askedAtMs.push(Date.now());
    });
    await page.waitForTimeout(HLS_JS_MS);
    const pausesMs = askedAtMs.slice(1).map((atMs, index) => atMs - (askedAtMs[index] ?? 0));
    expect(Math.max(...pausesMs)).toBeLessThan(1_000);
    const keptS = await page.evaluate(() => {
      const video = document.querySelector('video');
      return video ? video.currentTime - video.buffered.start(0) : Number.NaN;
    });
    expect(keptS).toBeLessThan(10);
    await page.close();
  });

  it('six panes play six feeds and come into step', async () => {
    await interrupt(running.child);
    running = await start(['--port', '0', ...args(6)], envOfSix);
    const page = await open('');
    await untilPlaying(page, 6, 90_000);
    const inStep = ({ panes, skewMs }: WallMeasure) =>
      skewMs < SKEW_MAX_MS &&
      panes.every(({ latencyMs }) => latencyMs !== undefined && latencyMs < LATENCY_MAX_MS);
    await until('the panes are in step', async () => inStep(await measure(page)), 60_000);
    const { panes } = await measure(page);
    expect(panes.map((pane) => pane.streamId)).toEqual([
      'cam-1',
      'cam-2',
      'cam-3',
      'cam-4',
      'cam-5',
      'cam-6',
    ]);
    await page.close();
  });
});
