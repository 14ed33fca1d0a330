/** The page as a person uses it: layouts, keys, fingers, links, statistics. One platform for all of it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axe from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from '../../bench/browser.ts';
import type { WallMeasure } from '../../player/wall.ts';
import { interrupt, type StartedProcess, start, until } from './start-process.ts';

/** Encoded beforehand, so that the feeds leave room for runners and a browser on a small machine. */
const LIGHT_FEED = { rehearsedMs: 2_000, widthPx: 320, heightPx: 180 } as const;
const LIVE_MAX_MS = 60_000;
/** Issue "what people see", Quality. */
const FIRST_PICTURE_MAX_MS = 1_000;
const FIRST_PICTURE_TRIES = 3;
const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true } as const;

let folder = '';
let running: StartedProcess;
let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
  folder = await mkdtemp(join(tmpdir(), 'mirror-views-'));
  running = await start(['--port', '0', '--feeds', '2', '--data-dir', folder], {
    MIRROR_DEMO_FEED_OPTIONS: JSON.stringify(LIGHT_FEED),
  });
  const allLive = async () => (await running.streams()).filter(({ state }) => state === 'live').length === 2;
  await until('both feeds are live', allLive, LIVE_MAX_MS);
});
afterAll(async () => {
  await browser?.close();
  if (running) await interrupt(running.child);
  await rm(folder, { recursive: true, force: true });
});
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
});

async function open(query: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  await page.goto(`${running.pageUrl}${query}`);
  await page.waitForFunction(() => 'mirror' in window);
  return page;
}

const measure = (page: Page): Promise<WallMeasure> => page.evaluate(() => window.mirror.measure());

function untilPlaying(page: Page, count: number): Promise<void> {
  return until(
    `${count} panes play`,
    async () => (await measure(page)).panes.filter((pane) => pane.phase === 'playing').length === count,
    LIVE_MAX_MS,
  );
}

/** What is shown, in the order of the panes, and how large. */
const shown = (page: Page) =>
  page.$$eval('.pane', (panes) =>
    panes.map((pane) => ({
      id: pane.getAttribute('data-stream'),
      width: pane.getBoundingClientRect().width,
      focused: pane.classList.contains('focused'),
    })),
  );

const focusedId = async (page: Page) => (await shown(page)).find(({ focused }) => focused)?.id;

async function largeId(page: Page): Promise<string | null | undefined> {
  const [first, second] = (await shown(page)).sort((a, b) => b.width - a.width);
  return first && second && first.width > second.width ? first.id : undefined;
}

describe('the page', () => {
  it('focus and layout follow the keys, pictures play on, and a link shares the view', async () => {
    const page = await open('?streams=cam-1,cam-2,own');
    await untilPlaying(page, 2);
    await page.evaluate(() => Object.assign(window, { first: document.querySelector('video') }));
    await page.keyboard.press('ArrowRight');
    expect(await focusedId(page)).toBe('cam-2');
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toMatch(/, live$/);
    await page.keyboard.press('Enter');
    await expect.poll(() => largeId(page)).toBe('cam-2');
    await page.keyboard.press('ArrowLeft');
    await expect.poll(() => largeId(page)).toBe('cam-1');
    await page.keyboard.press('Shift+ArrowRight');
    await expect.poll(async () => (await shown(page)).map(({ id }) => id)).toEqual(['cam-2', 'cam-1', 'own']);
    expect(new URL(page.url()).search).toBe('?streams=cam-2,cam-1,own&layout=focus&focus=cam-1');
    // Neither the layouts nor the moves have made a new picture of the old one.
    const kept = () => Reflect.get(window, 'first') === document.querySelector('[data-stream="cam-1"] video');
    expect(await page.evaluate(kept)).toBe(true);
    expect((await measure(page)).panes.map(({ engineCount }) => engineCount).slice(0, 2)).toEqual([1, 1]);

    const other = await open(new URL(page.url()).search);
    await untilPlaying(other, 2);
    expect(await largeId(other)).toBe('cam-1');

    await page.goBack();
    await expect.poll(async () => (await shown(page)).map(({ id }) => id)).toEqual(['cam-1', 'cam-2', 'own']);
    await page.goBack();
    await expect.poll(() => largeId(page)).toBeUndefined();
    await page.keyboard.press('l');
    await expect.poll(async () => (await shown(page)).length).toBe(1);
  });

  it('F fills the screen, P floats the picture with the focus, and letters can be switched off', async () => {
    const page = await open('?streams=cam-1,cam-2&focus=cam-2');
    await untilPlaying(page, 2);
    const filled = () => page.evaluate(() => document.fullscreenElement?.className);
    await page.keyboard.press('f');
    await expect.poll(filled).toBe('stage');
    await page.keyboard.press('f');
    await expect.poll(filled).toBeUndefined();
    const floating = () =>
      page.evaluate(() => document.pictureInPictureElement?.closest('.pane')?.getAttribute('data-stream'));
    await page.keyboard.press('p');
    await expect.poll(floating).toBe('cam-2');
    await page.keyboard.press('p');
    await expect.poll(floating).toBeUndefined();
    await page.keyboard.press('?');
    await page.uncheck('.choice input');
    await closeDialog(page);
    await page.keyboard.press('l');
    await page.reload();
    await untilPlaying(page, 2);
    await page.keyboard.press('l');
    expect(await page.getAttribute('.grid', 'data-layout')).toBe('auto');
  });

  it('a pane that is taken off and put on again has its picture within a second of the click', async () => {
    const page = await open('?streams=cam-1,cam-2');
    await untilPlaying(page, 2);
    const tookMs: number[] = [];
    for (let tryIndex = 0; tryIndex < FIRST_PICTURE_TRIES; tryIndex++) {
      await page.keyboard.press('a');
      await page.click('[data-feed="cam-2"] .act');
      await expect.poll(async () => (await measure(page)).panes.length).toBe(1);
      tookMs.push(await page.evaluate(untilFirstPicture, '[data-feed="cam-2"] .act'));
      await closeDialog(page);
    }
    expect(Math.min(...tookMs)).toBeLessThan(FIRST_PICTURE_MAX_MS);
  });

  it('says "Click for sound" where the browser waits for one, and is heard after it', async () => {
    const strict = await launchChromium(['--autoplay-policy=document-user-activation-required']);
    try {
      const page = await strict.newPage();
      // As after a reload of a page that was heard. Whatever a test asks the page counts as a click to the browser,
      // so the page itself tells when it waits for one.
      await page.addInitScript(() => {
        sessionStorage.setItem('mirror-sound', 'on');
        const tell = () => document.querySelector('.click-for-sound') && console.info('waits for a click');
        new MutationObserver(tell).observe(document, { childList: true, subtree: true });
      });
      const waits = page.waitForEvent('console', {
        predicate: (message) => message.text() === 'waits for a click',
        timeout: LIVE_MAX_MS,
      });
      await page.goto(`${running.pageUrl}?streams=cam-1`);
      await waits;
      await page.click('[data-stream="cam-1"] .select');
      await until('it is heard', async () => (await measure(page)).sound?.phase === 'playing', 15_000);
      await expect.poll(() => page.$('.click-for-sound')).toBeNull();
    } finally {
      await strict.close();
    }
  });

  it('on a phone two taps enlarge, a stroke brings the next one, and nothing lies outside the screen', async () => {
    const page = await open('?streams=cam-1,cam-2', PHONE);
    await untilPlaying(page, 2);
    const middle = async (id: string) => {
      const box = await page.locator(`[data-stream="${id}"] .select`).boundingBox();
      if (!box) throw new RangeError('no picture');
      return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    };
    const { x, y } = await middle('cam-1');
    await page.touchscreen.tap(x, y);
    await page.touchscreen.tap(x, y);
    await expect.poll(() => largeId(page)).toBe('cam-1');
    const from = await middle('cam-1');
    const touches = await page.context().newCDPSession(page);
    const touch = (type: string, points: readonly { x: number; y: number }[]) =>
      touches.send('Input.dispatchTouchEvent', { type, touchPoints: points } as never);
    await touch('touchStart', [from]);
    for (const step of [30, 60, 90]) await touch('touchMove', [{ x: from.x - step, y: from.y }]);
    await touch('touchEnd', []);
    await expect.poll(() => largeId(page)).toBe('cam-2');
    const sticksOut = () => document.documentElement.scrollWidth > document.documentElement.clientWidth;
    expect(await page.evaluate(sticksOut)).toBe(false);
  });

  it('seen from another machine over plain HTTP, the address to send to names this one and can be copied', async () => {
    const elsewhere = await launchChromium(['--host-resolver-rules=MAP mirror.test 127.0.0.1']);
    try {
      const page = await elsewhere.newPage();
      await page.goto(`${running.pageUrl.replace('localhost', 'mirror.test')}?streams=own`);
      await expect.poll(() => page.textContent('.ingest')).toMatch(/^srt:\/\/mirror\.test:\d+\?/);
      expect(await page.evaluate(() => isSecureContext)).toBe(false);
      await page.click('.copy');
      await expect.poll(() => page.textContent('.copy')).toBe('Copied');
    } finally {
      await elsewhere.close();
    }
  });

  it('a feed that is not there is said to be none, and not to come by itself', async () => {
    const page = await open('?streams=nowhere,cam-1');
    await expect
      .poll(() => page.textContent('[data-stream="nowhere"] .message'))
      .toMatch(/^No feed of this name/);
    await untilPlaying(page, 1);
  });

  it('at no width do the tools lie over the numbers', async () => {
    const page = await open('?streams=cam-1,cam-2');
    await untilPlaying(page, 2);
    const overlaps = () =>
      page.evaluate(() => {
        const numbers = document.querySelector('.numbers');
        // As long as they get: six panes on a machine that is far behind.
        if (numbers) numbers.textContent = '6 live · 12.34 s behind · 1234 ms apart';
        const box = numbers?.getBoundingClientRect();
        if (!numbers || !box || numbers.scrollWidth > numbers.clientWidth) return true;
        return ['h1', '.layouts', '.tools'].some((other) => {
          const { left, right, top, bottom } = document.querySelector(other)?.getBoundingClientRect() ?? box;
          return left < box.right && right > box.left && top < box.bottom && bottom > box.top;
        });
      });
    for (const width of [320, 360, 540, 700, 701, 740, 900, 1_041, 1_140, 1_141, 1_280]) {
      await page.setViewportSize({ width, height: 700 });
      expect([width, await overlaps()]).toEqual([width, false]);
    }
  });

  it('statistics show what the panes do, for all and for one, and other delivery shows in them', async () => {
    const page = await open('?streams=cam-1,cam-2');
    await untilPlaying(page, 2);
    await page.keyboard.press('s');
    await page.waitForSelector('.stats .uplot canvas');
    const words = () => page.textContent('.stats');
    await expect.poll(words, { timeout: 10_000 }).toMatch(/Skew: how far apart the feeds are\. now \d+ ms/);
    await page.click('.scope button:last-child');
    await expect.poll(words).toMatch(/Requests per second\. now \d/);
    await page.selectOption('.delivery', 'balanced');
    expect(new URL(page.url()).searchParams.get('delivery')).toBe('balanced');
    const isLater = async () => (await measure(page)).panes.every(({ latencyMs = 0 }) => latencyMs > 800);
    await until('the panes play about a second behind', isLater, 20_000);
    expect((await measure(page)).panes.map(({ engineCount }) => engineCount)).toEqual([1, 1]);
  });

  it.each(['dark', 'light'] as const)(
    'nothing stands in the way of anybody, in %s colours',
    async (theme) => {
      const page = await open('?streams=cam-1,own&layout=3');
      await untilPlaying(page, 1);
      if (theme === 'light') {
        await page.click('[aria-label="Light colours"]');
        // A button that has just been pressed has Enter for itself.
        await page.focus('.select');
      }
      await page.evaluate(axe.source);
      expect(await violations(page)).toEqual([]);
      for (const key of ['Enter', 's', 'a', '?']) {
        await page.keyboard.press(key);
        if (key === 's') await page.waitForSelector('.stats .uplot canvas');
        expect([key, await violations(page)]).toEqual([key, []]);
        if (key === 'a' || key === '?') await closeDialog(page);
      }
      await page.setViewportSize(PHONE.viewport);
      expect(await violations(page)).toEqual([]);
      const remembered = await page.context().newPage();
      await remembered.goto(running.pageUrl);
      expect(await remembered.getAttribute('html', 'data-theme')).toBe(theme);
    },
  );
});

/** The page takes keys again once the dialog is gone. */
async function closeDialog(page: Page): Promise<void> {
  await page.keyboard.press('Escape');
  await page.waitForSelector('dialog', { state: 'detached' });
}

/** In the page: presses a button and waits for the first frame of the second picture. */
function untilFirstPicture(buttonSelector: string): Promise<number> {
  return new Promise((resolve) => {
    const startMs = performance.now();
    document.querySelector<HTMLElement>(buttonSelector)?.click();
    const look = () => {
      const video = document.querySelectorAll('video')[1];
      if (video) video.requestVideoFrameCallback(() => resolve(performance.now() - startMs));
      else requestAnimationFrame(look);
    };
    look();
  });
}

async function violations(page: Page): Promise<unknown> {
  return page.evaluate(async () => {
    const results = await (Reflect.get(window, 'axe') as typeof axe).run(document);
    return results.violations.map(({ id, nodes }) => ({
      id,
      nodes: nodes.map(({ html, failureSummary }) => `${html.slice(0, 200)} ${failureSummary}`),
    }));
  });
}
