/** Premium playback on one machine as a person operates it: API, ticket, session, signatures, browser. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { launchChromium } from '../../bench/browser.ts';
import type { PaneMeasure } from '../../player/pane-measure.ts';
import { FeedSender } from '../../tools/feeds/sender.ts';
import { callApi } from './api-call.ts';
import { interrupt, type StartedProcess, start, until } from './start-process.ts';

/** Signatures last 10 to 20 s: a page that plays for longer has lived through a renewal. */
const PLAYBACK_TTL_S = 10;
const OUTLIVES_SIGNATURE_MS = 22_000;
const LIVE_MAX_MS = 60_000;
/** Longer, and the signature is why: without a new one there are no pictures for more than half of the time. */
const STALLED_MAX_MS = 5_000;
const LATENCY_MAX_MS = 4_000;
const ENGINES = ['clock-mse', 'hls.js'] as const;

const startedSchema = z.object({ target: z.object({ url: z.string(), passphrase: z.string() }) });
const stateSchema = z.object({ state: z.string() });
const ticketSchema = z.object({ ticket: z.string() });
const sessionSchema = z.object({
  sessionToken: z.string(),
  streams: z.array(z.object({ playlistUrl: z.string() })).length(1),
});

let folder = '';
let running: StartedProcess;
let browser: Browser;
let token = '';
const ends: (() => Promise<unknown>)[] = [];
/** Whatever must never be printed. */
const secrets: string[] = [];

const call = (method: string, path: string, body?: object, bearer = token) =>
  callApi(running.pageUrl, { method, path, body, bearer });

async function ticketFor(viewerId: string): Promise<string> {
  const answer = await call('POST', '/v1/viewer-tickets', { viewerId, streams: ['stage'] });
  const { ticket } = ticketSchema.parse(answer);
  secrets.push(ticket);
  return ticket;
}

async function signedPlaylistUrl(viewerId: string): Promise<string> {
  const body = { ticket: await ticketFor(viewerId), streams: ['stage'] };
  const session = sessionSchema.parse(await call('POST', '/v1/viewer-sessions', body, ''));
  secrets.push(session.sessionToken);
  return session.streams[0]?.playlistUrl ?? '';
}

const statusOf = async (url: string) => (await fetch(url)).status;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mirror-premium-'));
  running = await start(['--port', '0', '--feeds', '0', '--data-dir', folder], {
    MIRROR_PLAYBACK_TTL_S: String(PLAYBACK_TTL_S),
    MIRROR_LOG: 'debug',
  });
  token = /MIRROR_TOKEN=(\S+)/.exec(running.output())?.[1] ?? '';
  browser = await launchChromium();
  await call('POST', '/v1/streams', {
    id: 'stage',
    name: 'Stage',
    ingest: { protocol: 'srt-listener' },
  });
  const { target } = startedSchema.parse(await call('POST', '/v1/streams/stage/start'));
  secrets.push(target.passphrase);
  const stopping = new AbortController();
  const feed = new FeedSender({
    to: target.url,
    name: 'STAGE',
    rehearsedMs: 2_000,
    widthPx: 320,
    heightPx: 180,
  }).run(stopping.signal);
  ends.push(async () => {
    stopping.abort();
    await feed;
  });
  const isLive = async () => stateSchema.parse(await call('GET', '/v1/streams/stage')).state === 'live';
  await until('the premium stream is live', isLive, LIVE_MAX_MS);
});
afterAll(async () => {
  await browser?.close();
  for (const end of ends) await end();
  if (running) await interrupt(running.child);
  await rm(folder, { recursive: true, force: true });
});

async function watch(engine: string): Promise<{ page: Page; mediaUrls: string[]; refused: number[] }> {
  const page = await browser.newPage({ viewport: { width: 800, height: 500 } });
  const mediaUrls: string[] = [];
  const refused: number[] = [];
  page.on('request', (request) => {
    if (/\/(live|open)\//.test(request.url())) mediaUrls.push(request.url());
  });
  page.on('response', (response) => {
    if (response.status() === 403) refused.push(response.status());
  });
  const ticket = await ticketFor(`viewer-of-${engine}`);
  await page.goto(`${running.pageUrl}?streams=stage&engine=${engine}#ticket=${ticket}`);
  await page.waitForFunction(() => 'mirror' in window);
  return { page, mediaUrls, refused };
}

/** What the pane says once there is a picture. */
async function playing(page: Page): Promise<PaneMeasure> {
  let measure: PaneMeasure | undefined;
  const plays = async () => {
    measure = await page.evaluate(() => window.mirror?.measure().panes[0]);
    return measure?.phase === 'playing' && measure.latencyMs !== undefined;
  };
  await until('it plays', plays, LIVE_MAX_MS);
  if (!measure) throw new RangeError('no pane');
  return measure;
}

describe('a premium stream', () => {
  it('is known to operators only, and opens to a whole, fresh, untouched signature', async () => {
    expect((await running.streams()).map(({ id }) => id)).toEqual(['own']);
    const base = running.pageUrl.replace(/\/$/, '');
    expect(await statusOf(`${base}/open/stage/index.m3u8`)).toBe(404);
    expect(await statusOf(`${base}/live/stage/index.m3u8`)).toBe(403);
    const url = await signedPlaylistUrl('curl');
    await until('there is a playlist', async () => (await statusOf(url)) === 200, 10_000);
    expect(await statusOf(url.replace('index.m3u8', 'video/init.mp4'))).toBe(200);
    expect(await statusOf(url.replace('/stage/', '/own/'))).toBe(403);
    expect(await statusOf(url.replace(/Signature=.{8}/, 'Signature=AAAAAAAA'))).toBe(403);
    expect(await statusOf(url.replace(/&Key-Pair-Id=[^&]*/, ''))).toBe(403);
    await sleep(2 * PLAYBACK_TTL_S * 1_000);
    expect(await statusOf(url)).toBe(403);
  });

  // These two wait for the same thing, so they do it together.
  it.concurrent('plays through both engines with a signature on every request, past the end of the first one', async () => {
    const watched = await Promise.all(ENGINES.map(watch));
    const before = await Promise.all(watched.map(({ page }) => playing(page)));
    await sleep(OUTLIVES_SIGNATURE_MS);
    for (const [index, { page, mediaUrls, refused }] of watched.entries()) {
      const after = await playing(page);
      expect(after.engine).toBe(ENGINES[index]);
      expect(after.engineCount).toBe(1);
      // This machine may be busy; a missing signature would stop the picture for good.
      expect(after.stalledMs - (before[index]?.stalledMs ?? 0)).toBeLessThan(STALLED_MAX_MS);
      expect(after.latencyMs).toBeLessThan(LATENCY_MAX_MS);
      expect(mediaUrls.length).toBeGreaterThan(20);
      expect(mediaUrls.filter((url) => !/\/live\/stage\/.*[?&]Signature=/.test(url))).toEqual([]);
      expect(new Set(mediaUrls.map((url) => new URL(url).searchParams.get('Policy'))).size).toBeGreaterThan(
        1,
      );
      expect(refused).toEqual([]);
      expect(await page.evaluate(() => window.mirror.session.renewCount)).toBeGreaterThan(0);
      expect(await page.evaluate(() => location.hash)).toBe('');
    }
    const [first] = watched;
    await first?.page.reload();
    // Without a new ticket.
    expect(first && (await playing(first.page)).engineCount).toBe(1);
    for (const { page } of watched) await page.close();
  });

  it.concurrent('plays through the browser’s own HLS player with signed cookies alone, past the end of the first ones', async () => {
    const { page, mediaUrls, refused } = await watch('native-hls');
    const shown = () =>
      page.evaluate(() => {
        const video = document.querySelector('video');
        const pane = window.mirror.measure().panes[0];
        const isShown = (video?.videoWidth ?? 0) > 0;
        return {
          timeS: isShown ? (video?.currentTime ?? 0) : 0,
          engine: pane?.engine,
          engineCount: pane?.engineCount,
        };
      });
    // It gives up on a stream that has just begun, and is started anew then.
    await until('there is a picture for a while', async () => (await shown()).timeS > 2, LIVE_MAX_MS);
    const before = await shown();
    await sleep(OUTLIVES_SIGNATURE_MS);
    const after = await shown();
    expect(after.timeS - before.timeS).toBeGreaterThan(OUTLIVES_SIGNATURE_MS / 1_000 - 5);
    expect(after).toMatchObject({ engine: 'native-hls', engineCount: before.engineCount });
    const ofPlayer = mediaUrls.filter((url) => !new URL(url).pathname.endsWith('/time'));
    expect(ofPlayer.some((url) => url.endsWith('/live/stage/video.cookies.m3u8'))).toBe(true);
    expect(ofPlayer.filter((url) => url.includes('Signature='))).toEqual([]);
    expect(refused).toEqual([]);
    await page.close();
  });

  it('leaves no secret in what the platform printed', () => {
    const said = running.output();
    expect(secrets.length).toBeGreaterThan(4);
    for (const secret of secrets) expect(said).not.toContain(secret);
    expect(said.split(token)).toHaveLength(2);
    expect(said).not.toContain('Signature=');
  });
});
