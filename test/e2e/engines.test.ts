/** The ways in which a page plays in browsers and networks that are not like ours, in a real Chromium. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from '../../bench/browser.ts';
import { type DeliveryMode, REQUESTS_PER_SECOND } from '../../domain/delivery.ts';
import type { PaneMeasure } from '../../player/pane-measure.ts';
import { BufferingProxy } from './buffering-proxy.ts';
import { interrupt, type StartedProcess, start, until } from './start-process.ts';

const LIVE_MAX_MS = 60_000;
const PLAYING_MAX_MS = 30_000;
const MEASURED_MS = 6_000;
/** Requests are whole, and a session of seconds begins and ends between two. */
const RATE_TOLERANCE = 0.25;

let folder = '';
let running: StartedProcess;
let browser: Browser;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mirror-engines-'));
  browser = await launchChromium();
  running = await start(['--port', '0', '--feeds', '1', '--data-dir', folder], {
    MIRROR_DEMO_FEED_OPTIONS: JSON.stringify({
      rehearsedMs: 3_000,
      widthPx: 320,
      heightPx: 180,
      captions: true,
    }),
  });
  const isLive = async () =>
    (await running.streams()).some(({ id, state }) => id === 'cam-1' && state === 'live');
  await until('the feed is live', isLive, LIVE_MAX_MS);
});
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
});
afterAll(async () => {
  await browser?.close();
  if (running) await interrupt(running.child);
  await rm(folder, { recursive: true, force: true });
});

interface Opened {
  readonly page: Page;
  readonly mediaPaths: string[];
}

/**
 * @param before a script that changes the browser before the page begins.
 * @param host of the page; the policy of `localhost` lets it reach no other port.
 */
async function open(
  query: string,
  { before = '', host = `localhost:${running.port}` } = {},
): Promise<Opened> {
  const page = await browser.newPage({ viewport: { width: 800, height: 500 } });
  const mediaPaths: string[] = [];
  page.on('request', (request) => {
    const { pathname } = new URL(request.url());
    if (pathname.startsWith('/open/') && !pathname.endsWith('/time')) mediaPaths.push(pathname);
  });
  if (before !== '') await page.addInitScript({ content: before });
  await page.goto(`http://${host}/?streams=cam-1${query}`);
  await page.waitForFunction(() => 'mirror' in window);
  return { page, mediaPaths };
}

async function pane(page: Page): Promise<PaneMeasure | undefined> {
  return page.evaluate(() => window.mirror.measure().panes[0]);
}

function untilPane(page: Page, what: string, holds: (measure: PaneMeasure) => boolean): Promise<void> {
  return until(
    what,
    async () => {
      const measure = await pane(page);
      return measure !== undefined && holds(measure);
    },
    PLAYING_MAX_MS,
  );
}

async function pictureWidthPx(page: Page): Promise<number> {
  return page.evaluate(() => document.querySelector('video')?.videoWidth ?? 0);
}

const isPart = (path: string) => /\/\d+\.\d\.m4s$/.test(path);

describe('a proxy that passes on whole answers only', () => {
  it('is noticed, and parts are asked for one by one: the picture is younger than whole segments', async () => {
    const proxy = new BufferingProxy(running.port);
    try {
      const { page, mediaPaths } = await open('', { host: `127.0.0.1:${await proxy.listen()}` });
      await untilPane(page, 'it plays', ({ phase }) => phase === 'playing');
      await until('parts are asked for', async () => mediaPaths.filter(isPart).length > 20, PLAYING_MAX_MS);
      await untilPane(page, 'it is near the edge', ({ latencyMs = 9e9 }) => latencyMs < 600);
      expect(mediaPaths.slice(-10).every(isPart)).toBe(true);
      expect((await pane(page))?.engineCount).toBe(1);
    } finally {
      await proxy.close();
    }
  });

  it('is not suspected where there is none', async () => {
    const { page, mediaPaths } = await open('');
    await untilPane(page, 'it plays', ({ phase }) => phase === 'playing');
    await page.waitForTimeout(MEASURED_MS);
    expect(mediaPaths.filter(isPart)).toEqual([]);
  });
});

describe('captions', () => {
  it.each(['clock-mse', 'hls.js'])(
    'with %s are off until C is pressed, and then say what the feed says',
    async (engine) => {
      const { page } = await open(`&engine=${engine}`);
      await untilPane(
        page,
        'it plays',
        (measure) => measure.phase === 'playing' && measure.engine === engine,
      );
      const caption = () => page.evaluate(() => document.querySelector('.captions')?.textContent ?? '');
      await page.waitForTimeout(1_500);
      expect(await caption()).toBe('');
      await page.keyboard.press('c');
      await until('they are shown', async () => /SECOND \d/.test(await caption()), PLAYING_MAX_MS);
      await page.keyboard.press('c');
      await until('they are gone', async () => (await caption()) === '', 3_000);
    },
  );
});

describe('how the viewer fares', () => {
  it('is told to the origin when the page is left', async () => {
    const { page } = await open('');
    await untilPane(page, 'it plays', ({ phase }) => phase === 'playing');
    await page.waitForTimeout(500);
    const told = page.waitForRequest((request) => new URL(request.url()).pathname === '/open/cmcd');
    // What a page that is gone still sends, nobody sees here.
    await page.evaluate(() => dispatchEvent(new Event('pagehide')));
    const report = (await told).postData() ?? '';
    expect(report).toContain('cid="cam-1"');
    expect(report).toContain('sta=p');
    expect(report).toMatch(/ltc=\d+/);
    const again = await fetch(`${running.pageUrl}open/cmcd`, { method: 'POST', body: report });
    expect(again.status).toBe(204);
  });
});

describe('requests per second are what the cost planner reckons with', () => {
  it.each<[DeliveryMode, number]>([
    ['lowest-latency', 0],
    ['balanced', 900],
    ['economy', 1_900],
  ])('%s, at least %i ms behind', async (mode, behindMs) => {
    const { page, mediaPaths } = await open(`&delivery=${mode}`);
    await untilPane(
      page,
      'it plays',
      ({ phase, latencyMs = 0 }) => phase === 'playing' && latencyMs > behindMs,
    );
    await page.waitForTimeout(2_000);
    const before = mediaPaths.length;
    await page.waitForTimeout(MEASURED_MS);
    const perS = (mediaPaths.length - before) / (MEASURED_MS / 1_000);
    const expected = REQUESTS_PER_SECOND['clock-mse'][mode];
    expect(Math.abs(perS - expected)).toBeLessThanOrEqual(expected * RATE_TOLERANCE);
    expect((await pane(page))?.stallCount).toBe(0);
  });
});

describe('a browser that is not like this one', () => {
  /** As on an iPhone: the managed kind alone, whose wish for media the test sets. */
  const MANAGED_ONLY = `{
    const Plain = MediaSource;
    window.ManagedMediaSource = class extends Plain {
      streaming = true;
      constructor() { super(); window.managed = this; }
    };
    delete window.MediaSource;
  }`;

  it('ManagedMediaSource alone: it plays, and loads nothing while the browser wants nothing', async () => {
    const { page, mediaPaths } = await open('', { before: MANAGED_ONLY });
    await untilPane(page, 'it plays', ({ phase, engine }) => phase === 'playing' && engine === 'clock-mse');
    expect(await page.evaluate(() => document.querySelector('video')?.disableRemotePlayback)).toBe(true);
    const want = (wanted: boolean) =>
      page.evaluate((streaming) => {
        const managed: unknown = Reflect.get(window, 'managed');
        if (!(managed instanceof EventTarget)) throw new Error('no managed source was made');
        Reflect.set(managed, 'streaming', streaming);
        managed.dispatchEvent(new Event(streaming ? 'startstreaming' : 'endstreaming'));
      }, wanted);
    await want(false);
    await page.waitForTimeout(1_200);
    const before = mediaPaths.length;
    await page.waitForTimeout(1_500);
    expect(mediaPaths.length).toBe(before);
    await want(true);
    await untilPane(page, 'it plays on', ({ phase }) => phase === 'playing');
    expect((await pane(page))?.engineCount).toBe(1);
  });

  it('no media source at all: the browser’s own HLS player shows the picture', async () => {
    const { page } = await open('', {
      before: 'delete window.MediaSource; delete window.ManagedMediaSource;',
    });
    await untilPane(page, 'it plays', ({ phase, engine }) => phase === 'playing' && engine === 'native-hls');
    expect(await pictureWidthPx(page)).toBe(640);
  });

  it('a media source that says yes and means no: one engine after the other is tried, down to the browser’s own', async () => {
    const { page } = await open('', {
      before: `MediaSource.prototype.addSourceBuffer = () => { throw new Error('not today'); };`,
    });
    await untilPane(page, 'it plays', ({ phase, engine }) => phase === 'playing' && engine === 'native-hls');
    expect((await pane(page))?.engineCount).toBeGreaterThanOrEqual(5);
  });
});
