/**
 * Players that others wrote play what the origin serves: hls.js over Low-Latency HLS, dash.js over chunked
 * Low-Latency DASH, both from the same bytes, in a real browser.
 */
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MemoryLiveEdge } from '../../../adapters/live-edge-memory.ts';
import { MemoryMediaStore } from '../../../adapters/media-store-memory.ts';
import { launchChromium } from '../../../bench/browser.ts';
import { SEED_PROFILE } from '../../../domain/profile.ts';
import { Origin } from '../../../origin/origin.ts';
import { RecordedLog } from '../../unit/origin/origin-bed.ts';
import { LivePattern, type Rehearsed, rehearse } from './live-pattern.ts';
import { PLAYER_PAGES, PLAYER_SCRIPTS, type PlayerReport } from './player-pages.ts';

const STREAM_ID = 'pattern';
const PLAY_MAX_MS = 20_000;
/** Played this far, a player has lived on what was live, not on what was there when it came. */
const PLAYED_S = 6;

const log = new RecordedLog();
const clock = { nowMs: () => Date.now() };
const liveEdge = new MemoryLiveEdge({ log });
const mediaStore = new MemoryMediaStore({ clock, retentionMs: 60_000 });
const origin = new Origin({ liveEdge, mediaStore, clock, log, isOpen: () => true });
const stop = new AbortController();
/** What was asked of the origin, in order. */
const asked: string[] = [];
const running: Promise<void>[] = [];
let server: Server;
let base = '';
let browser: Browser;
let rehearsed: Rehearsed;

beforeAll(async () => {
  rehearsed = await rehearse();
  running.push(new LivePattern({ streamId: STREAM_ID, liveEdge, mediaStore }, rehearsed).run(stop.signal));
  running.push(origin.run(stop.signal));
  server = createServer((request, response) => {
    const path = request.url ?? '';
    const script = PLAYER_SCRIPTS[path];
    const html = PLAYER_PAGES[path];
    if (script) {
      response.writeHead(200, { 'content-type': 'text/javascript' });
      createReadStream(script).pipe(response);
    } else if (html) {
      response.writeHead(200, { 'content-type': 'text/html' }).end(html);
    } else {
      asked.push(path);
      origin.handle(request, response);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  base = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  browser = await launchChromium();
});

afterAll(async () => {
  stop.abort();
  await Promise.all(running);
  await browser?.close();
  server?.closeAllConnections();
  server?.close();
});

// What a try leaves open would ask on beside the next one.
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
});

async function openPlayer(player: '/hls' | '/dash', url: string): Promise<Page> {
  asked.length = 0;
  const page = await browser.newPage();
  await page.goto(`${base}${player}#${encodeURIComponent(`${base}${url}`)}`);
  return page;
}

async function untilShown(page: Page, frameCount: number): Promise<void> {
  await page.waitForFunction((wanted) => window.readPlayer().shownFrameCount >= wanted, frameCount, {
    timeout: PLAY_MAX_MS,
    polling: 200,
  });
}

/** Plays the URL until the player has played for a while, and reads its report. */
async function play(player: '/hls' | '/dash', url: string): Promise<PlayerReport> {
  const page = await openPlayer(player, url);
  await untilShown(page, PLAYED_S * SEED_PROFILE.video.frameRate);
  return page.evaluate(() => window.readPlayer());
}

describe('players of others', () => {
  it('hls.js plays the multivariant playlist by parts and blocking reloads', async () => {
    const report = await play('/hls', `/open/${STREAM_ID}/index.m3u8`);
    expect(report.problems).toEqual([]);
    expect(report.audioByteCount).toBeGreaterThan(0);
    expect(report.latencyMs).toBeGreaterThan(100);
    expect(report.latencyMs).toBeLessThan(2_500);
    const reloads = asked.filter((path) => /av\.m3u8\?.*_HLS_msn=\d+&_HLS_part=\d/.test(path));
    const parts = asked.filter((path) => /\/av\/\d+\.\d\.m4s$/.test(path));
    expect(reloads.length).toBeGreaterThan(PLAYED_S * 5);
    expect(parts.length).toBeGreaterThan(PLAYED_S * 5);
  });

  it('hls.js fills the variables of a premium playlist from its own URL, in every request', async () => {
    const query = 'Policy=p0-_~&Signature=s1&Key-Pair-Id=K2';
    const report = await play('/hls', `/live/${STREAM_ID}/index.m3u8?${query}`);
    expect(report.problems).toEqual([]);
    expect(asked.length).toBeGreaterThan(50);
    expect(asked.filter((path) => !path.includes(query))).toEqual([]);
    // The stream is older than the skip boundary by now, and the player lives on delta updates.
    expect(asked.filter((path) => path.includes('_HLS_skip=YES')).length).toBeGreaterThan(PLAYED_S * 5);
  });

  it('hls.js plays on after a runner was away for two seconds and left a gap', async () => {
    const streamId = 'crashing';
    const first = new AbortController();
    const before = new LivePattern({ streamId, liveEdge, mediaStore }, rehearsed).run(first.signal);
    const page = await openPlayer('/hls', `/open/${streamId}/index.m3u8`);
    await untilShown(page, SEED_PROFILE.video.frameRate);
    first.abort();
    await before;
    await page.waitForTimeout(2_000);
    running.push(new LivePattern({ streamId, liveEdge, mediaStore }, rehearsed).run(stop.signal));
    const { shownFrameCount } = await page.evaluate(() => window.readPlayer());
    await untilShown(page, shownFrameCount + 2 * SEED_PROFILE.video.frameRate);
    const report = await page.evaluate(() => window.readPlayer());
    expect(report.problems).toEqual([]);
    expect(report.latencyMs).toBeLessThan(4_000);
  });

  it('dash.js plays the MPD from segments that grow while it reads them', async () => {
    const report = await play('/dash', `/open/${STREAM_ID}/manifest.mpd`);
    expect(report.problems).toEqual([]);
    expect(report.audioByteCount).toBeGreaterThan(0);
    expect(report.latencyMs).toBeGreaterThan(100);
    expect(report.latencyMs).toBeLessThan(3_000);
    expect(asked).toContain(`/open/${STREAM_ID}/time`);
    for (const track of ['video', 'audio']) {
      const segments = asked.filter((path) => new RegExp(`/${track}/\\d+\\.m4s$`).test(path));
      expect(segments.length).toBeGreaterThan(PLAYED_S);
    }
  });

  it('the origin had no failure of its own', () => {
    expect(origin.metrics()).toMatchObject({ failedAnswerCount: 0, storeFailureCount: 0 });
    expect(log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });
});
