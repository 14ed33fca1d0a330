/** The console as an operator uses it: the life of a stream from its making to its end, in Chromium. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from '../../bench/browser.ts';
import { FeedProcess } from '../../tools/feeds/feed-process.ts';
import { UdpRelay } from '../../tools/feeds/relay.ts';
import { interrupt, type StartedProcess, start, until } from './start-process.ts';

const LIVE_MAX_MS = 40_000;
const STEP_MAX_MS = 15_000;
const SIZE = { width: 1_280, height: 900 };
/** Half a round trip: what is sent again arrives after the 120 ms that SRT waits. */
const ONE_WAY_MS = 70;

let folder = '';
let running: StartedProcess;
let browser: Browser;
let page: Page;
let token = '';
let passphrase = '';
/** What the browser complained of: a policy that was broken, an error that nobody caught. */
const complaints: string[] = [];
const ends: (() => Promise<unknown>)[] = [];
let relay: UdpRelay;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mirror-console-'));
  running = await start(['--port', '0', '--feeds', '0', '--data-dir', folder]);
  token = /MIRROR_TOKEN=(\S+)/.exec(running.output())?.[1] ?? '';
  browser = await launchChromium();
  await opened();
});
afterAll(async () => {
  await browser?.close();
  for (const end of ends.toReversed()) await end();
  if (running) await interrupt(running.child);
  await rm(folder, { recursive: true, force: true });
});

/** What axe-core finds, in both themes. */
async function assertAccessible(what: string): Promise<void> {
  await page.evaluate(axe.source);
  for (const theme of ['light', 'dark']) {
    await page.evaluate((name) => (document.documentElement.dataset['theme'] = name), theme);
    const found = await page.evaluate(async () => {
      const { violations } = await (Reflect.get(window, 'axe') as typeof axe).run(document, {
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
      });
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
    });
    expect(found, `${what}, ${theme}`).toEqual([]);
  }
}

const dialog = () => page.locator('dialog[open]');
const row = () => page.locator('.stream[data-stream="stage"]');
const view = () => page.locator('.stream-page');
const isLive = async () => (await view().getAttribute('data-state')) === 'live';
const badge = async () => (await view().locator('.badge').textContent()) ?? '';

/** Shades in the thumbnail: one for an empty canvas, many for a picture. */
function shadeCount(): Promise<number> {
  return page.evaluate(() => {
    const canvas = document.querySelector<HTMLCanvasElement>('.stream-page .thumbnail canvas');
    const pixels = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
    return new Set(pixels).size;
  });
}

/** Opens the console on a fresh page. */
async function opened(): Promise<void> {
  page = await browser.newPage({ viewport: SIZE, reducedMotion: 'reduce' });
  page.setDefaultTimeout(STEP_MAX_MS);
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  // A browser that cannot write into a file: the other way needs a person to choose one.
  await page.addInitScript(() => Reflect.deleteProperty(window, 'showSaveFilePicker'));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (/Content Security Policy|Trusted/i.test(message.text())) complaints.push(message.text());
  });
  await page.goto(new URL('/console', running.pageUrl).href);
}

// The steps of one life: each stands on the one before, so none of them can be tried again by itself.
describe('the console', { retry: 0 }, () => {
  it('lets in nobody with a wrong token, and keeps the right one in this tab alone', async () => {
    expect(new URL(page.url()).pathname).toBe('/console/');
    await assertAccessible('signing in');
    await page.fill('input[name=token]', 'mirror-wrong-token');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor({ timeout: STEP_MAX_MS });
    expect(await page.getByRole('alert').textContent()).toContain('not one of this environment');
    await page.fill('input[name=token]', token);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'New stream' }).waitFor({ timeout: STEP_MAX_MS });
    expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain(token);
    expect(page.url()).not.toContain(token);
    expect(await page.content()).not.toContain(token);
    await page.reload();
    await page.getByRole('button', { name: 'New stream' }).waitFor({ timeout: STEP_MAX_MS });
    await assertAccessible('the list');
  });

  it('makes and starts a stream by keyboard, and says of a field what the API has against it', async () => {
    await page.getByRole('button', { name: 'New stream' }).press('Enter');
    await dialog().waitFor();
    await assertAccessible('the form');
    await page.keyboard.type('Stage');
    await page.mouse.click(5, 5);
    expect(await dialog().getByLabel('Name').inputValue()).toBe('Stage');
    const id = dialog().getByLabel('Id', { exact: true });
    expect(await id.getAttribute('title')).toContain('a-z, 0-9');
    await id.fill('own');
    await dialog().getByRole('button', { name: 'Create' }).press('Enter');
    await dialog().getByRole('alert').waitFor({ timeout: STEP_MAX_MS });
    expect(await dialog().getByRole('alert').textContent()).toContain('A stream with this id exists already');
    await dialog().getByLabel('Id', { exact: true }).fill('stage');
    await dialog().getByLabel('Record it').check();
    await dialog().getByRole('button', { name: 'Create' }).press('Enter');
    await view().waitFor({ timeout: LIVE_MAX_MS });
    expect(page.url()).toContain('#/streams/stage');
  });

  it('hides the passphrase until it is asked for, and tells an encoder all that it needs', async () => {
    await view().getByRole('button', { name: 'Connect' }).click();
    await dialog().getByRole('term').first().waitFor({ timeout: STEP_MAX_MS });
    const hidden = (await dialog().locator('code').first().textContent()) ?? '';
    expect(hidden).toMatch(/^srt:\/\/127\.0\.0\.1:\d+\?mode=caller&latency=120000&passphrase=•+&/);
    await assertAccessible('connecting');
    await dialog().getByRole('button', { name: 'Copy Server' }).click();
    await dialog().getByText('Copied').waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(await page.content()).not.toContain(new URLSearchParams(copied).get('passphrase'));
    await dialog().getByLabel('Show the passphrase').check();
    const shown = (await dialog().locator('code').first().textContent()) ?? '';
    const target = new URL(shown.replace('srt:', 'http:'));
    passphrase = target.searchParams.get('passphrase') ?? '';
    expect(passphrase.length).toBeGreaterThanOrEqual(10);
    expect(copied).toBe(shown);
    relay = new UdpRelay({ targetPort: Number(target.port) });
    const stopping = new AbortController();
    const relaying = relay.run(stopping.signal);
    target.port = String(await relay.ready);
    const feed = FeedProcess.start({
      to: target.href.replace('http:', 'srt:').replace('/?', '?'),
      name: 'STAGE',
      rehearsedMs: 4_000,
      widthPx: 320,
      heightPx: 180,
      captureTime: 'timecode',
    });
    ends.push(async () => {
      await feed.stop();
      stopping.abort();
      await relaying;
    });
    await feed.connected;
    await page.keyboard.press('Escape');
    await dialog().waitFor({ state: 'detached' });
    expect(await page.content()).not.toContain(passphrase);
  });

  it('shows it live, with its picture, its bitrate and its plots', async () => {
    await until('the stream is live', isLive, LIVE_MAX_MS);
    await until('there is a picture', async () => (await shadeCount()) > 20, STEP_MAX_MS);
    expect(await view().locator('.numbers').textContent()).toMatch(/Ingest\d+(\.\d)? [kM]bps/);
    expect(await view().locator('.facts').textContent()).toContain('HEVC Main, 320x180');
    expect(await view().locator('.facts').textContent()).toMatch(
      /in step by the camera’s clock, \d+ ms after capture/,
    );
    await view().locator('.plot canvas').first().waitFor({ timeout: STEP_MAX_MS });
    expect(await view().locator('.plot-title').first().textContent()).toMatch(/^Ingest bitrate\d/);
    await assertAccessible('one stream');
    await page.getByRole('link', { name: 'All streams' }).click();
    await row().locator('[data-picture="true"]').waitFor({ timeout: STEP_MAX_MS });
    expect(await page.locator('.capacity').textContent()).toMatch(
      /Slots2 of \d+.*On AWS: \$\d+\.\d\d an hour/,
    );
  });

  it('says when the network of its encoder is bad, and why', async () => {
    await row().getByRole('link').click();
    const reason = async () =>
      (await view().locator('.reason').allTextContents()).find((text) => text !== '') ?? '';
    expect(await reason()).not.toMatch(/packet gap|broken frame/);
    relay.change({ delayMs: ONE_WAY_MS, lossRate: 0.15 });
    await until('it is ill', async () => /ill|lost/.test(await badge()), LIVE_MAX_MS);
    await until('it says why', async () => /packet gap|broken frame/.test(await reason()), LIVE_MAX_MS);
    await page.getByRole('link', { name: 'All streams' }).click();
    await page.getByRole('button', { name: /Need a look/ }).click();
    await row().waitFor();
    await page.getByRole('button', { name: 'All', exact: true }).click();
    relay.change({ delayMs: 0, lossRate: 0 });
  });

  it('fits a narrow screen, and stays there for everybody', async () => {
    await page.setViewportSize({ width: 320, height: 640 });
    const isTooWide = () => page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    expect(await isTooWide()).toBe(false);
    await assertAccessible('a narrow list');
    await row().getByRole('link').click();
    await view().waitFor();
    expect(await isTooWide()).toBe(false);
    await assertAccessible('one narrow stream');
    await page.goBack();
    await page.setViewportSize(SIZE);
  });

  it('makes a link for one viewer of a premium stream, as text and as a code', async () => {
    await row().getByRole('button', { name: 'Watch' }).click();
    await dialog().getByLabel('Name of the viewer').fill('ann');
    await page.keyboard.press('Enter');
    const link = dialog().locator('.share code');
    await link.waitFor({ timeout: STEP_MAX_MS });
    const address = new URL((await link.textContent()) ?? '');
    expect(address.search).toBe('?streams=stage');
    expect(address.hash).toMatch(/^#ticket=[\w-]+\.[\w-]+\.[\w-]+$/);
    await dialog().getByRole('img', { name: /QR/ }).waitFor();
    await assertAccessible('the link');
    await page.keyboard.press('Escape');
  });

  it('plays what was recorded, and gives it away as one file', async () => {
    await row().getByRole('link').click();
    await view().getByRole('button', { name: /^Play/ }).first().click({ timeout: LIVE_MAX_MS });
    const hasPlayed = () =>
      page.evaluate(
        () => (document.querySelector<HTMLVideoElement>('dialog[open] video')?.currentTime ?? 0) > 0.3,
      );
    await until('it plays', hasPlayed, STEP_MAX_MS);
    expect(await dialog().getByRole('alert').count()).toBe(0);
    await page.keyboard.press('Escape');
    const downloading = page.waitForEvent('download');
    await view()
      .getByRole('button', { name: /^Download/ })
      .first()
      .click();
    const download = await downloading;
    expect(download.suggestedFilename()).toMatch(/^stage-\d{8}T\d{6}\.\d{3}Z\.mp4$/);
    const bytes = await readFile(await download.path());
    expect(bytes.subarray(4, 8).toString()).toBe('ftyp');
    expect(bytes.byteLength).toBeGreaterThan(100_000);
  });

  it('stops it and deletes it, each after a question', async () => {
    await view().getByRole('button', { name: 'Stop' }).click();
    await assertAccessible('a question');
    await dialog().getByRole('button', { name: 'Cancel' }).click();
    expect(await isLive()).toBe(true);
    await view().getByRole('button', { name: 'Stop' }).click();
    await dialog().getByRole('button', { name: 'Stop' }).click();
    const isStopped = async () => (await view().getAttribute('data-state')) === 'stopped';
    await until('it is stopped', isStopped, LIVE_MAX_MS);
    expect(await view().locator('table').textContent()).toContain('live');
    await view().getByRole('button', { name: 'Delete' }).click();
    expect(await dialog().getByRole('button', { name: 'Delete' }).isDisabled()).toBe(true);
    await dialog().getByRole('textbox').fill('stage');
    await dialog().getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('button', { name: 'New stream' }).waitFor({ timeout: STEP_MAX_MS });
    await until('it is gone', async () => (await row().count()) === 0, STEP_MAX_MS);
  });

  it('forgets the token when the operator signs out, and broke no policy on the way', async () => {
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.locator('input[name=token]').waitFor();
    expect(await page.evaluate(() => JSON.stringify(sessionStorage))).not.toContain(token);
    expect(complaints).toEqual([]);
    expect(running.output().split(token)).toHaveLength(2);
    expect(running.output()).not.toContain(passphrase);
  });
});
