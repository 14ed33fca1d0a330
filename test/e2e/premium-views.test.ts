/** What a viewer with a ticket sees beyond the pictures: swaps within the session, and refusals in words. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { launchChromium } from '../../bench/browser.ts';
import type { WallMeasure } from '../../player/wall.ts';
import { FeedProcess } from '../../tools/feeds/feed-process.ts';
import { callApi } from './api-call.ts';
import { interrupt, type StartedProcess, start, until } from './start-process.ts';

const LIGHT_FEED = { rehearsedMs: 2_000, widthPx: 320, heightPx: 180 } as const;
const LIVE_MAX_MS = 60_000;
/** Streams that there are; the first two get a feed. */
const STREAM_IDS = ['stage', 'goal', 'north', 'south', 'east', 'west'];

const startedSchema = z.object({ target: z.object({ url: z.string() }) });
const ticketSchema = z.object({ ticket: z.string() });
const sessionSchema = z.object({ sessionId: z.string(), sessionToken: z.string() });

let folder = '';
let running: StartedProcess;
let browser: Browser;
let token = '';
const senders: FeedProcess[] = [];

const call = (method: string, path: string, body?: object, bearer = token) =>
  callApi(running.pageUrl, { method, path, body, bearer });

async function startWithFeed(streamId: string): Promise<void> {
  const { target } = startedSchema.parse(await call('POST', `/v1/streams/${streamId}/start`));
  senders.push(FeedProcess.start({ ...LIGHT_FEED, to: target.url, name: streamId.toUpperCase() }));
}

async function ticketFor(viewerId: string): Promise<string> {
  const answer = await call('POST', '/v1/viewer-tickets', { viewerId, streams: STREAM_IDS });
  return ticketSchema.parse(answer).ticket;
}

async function openPage(query: string, ticket: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1000, height: 700 } });
  await page.goto(`${running.pageUrl}${query}#ticket=${ticket}`);
  await page.waitForFunction(() => 'mirror' in window);
  return page;
}

const measure = (page: Page): Promise<WallMeasure> => page.evaluate(() => window.mirror.measure());

function untilPlaying(page: Page, streamId: string): Promise<void> {
  const plays = async () =>
    (await measure(page)).panes.some((pane) => pane.streamId === streamId && pane.phase === 'playing');
  return until(`${streamId} plays`, plays, LIVE_MAX_MS);
}

beforeAll(async () => {
  browser = await launchChromium();
  folder = await mkdtemp(join(tmpdir(), 'mirror-premium-views-'));
  running = await start(['--port', '0', '--feeds', '0', '--data-dir', folder]);
  token = /MIRROR_TOKEN=(\S+)/.exec(running.output())?.[1] ?? '';
  for (const id of STREAM_IDS)
    await call('POST', '/v1/streams', {
      id,
      name: `The ${id}`,
      ingest: { protocol: 'srt-listener' },
    });
  await startWithFeed('stage');
});
afterAll(async () => {
  await browser?.close();
  await Promise.all(senders.map((sender) => sender.kill()));
  if (running) await interrupt(running.child);
  await rm(folder, { recursive: true, force: true });
});
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
});

describe('a viewer with a ticket', () => {
  it('puts another feed on within the session, which starts by itself once it is there', async () => {
    const page = await openPage('?streams=stage', await ticketFor('ann'));
    await untilPlaying(page, 'stage');
    const before = (await measure(page)).panes[0]?.engineCount;
    const swaps: unknown[] = [];
    page.on('request', (request) => {
      if (request.method() === 'PATCH') swaps.push(request.postDataJSON());
    });
    await page.keyboard.press('a');
    await page.click('[data-feed="goal"] .act');
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'detached' });
    await expect
      .poll(() => page.textContent('[data-stream="goal"] .message'))
      .toBe('Not started yet. It starts here by itself.');
    expect(swaps).toMatchObject([{ add: ['goal'], remove: [] }]);
    await startWithFeed('goal');
    await untilPlaying(page, 'goal');
    const [stage] = (await measure(page)).panes;
    expect(stage).toMatchObject({ streamId: 'stage', engineCount: before });
    await page.selectOption('.delivery', 'economy');
    await expect.poll(() => swaps.at(-1)).toMatchObject({ delivery: 'economy' });
    await page.keyboard.press('a');
    await page.click('[data-feed="goal"] .act');
    await expect.poll(() => swaps.at(-1)).toMatchObject({ remove: ['goal'] });
    // Going back brings it in again, into the same session.
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'detached' });
    await page.goBack();
    await untilPlaying(page, 'goal');
  });

  it('who watches six feeds already reads where, and is let in when a place comes free', async () => {
    const held = { ticket: await ticketFor('bob'), streams: STREAM_IDS.slice(1) };
    const session = sessionSchema.parse(await call('POST', '/v1/viewer-sessions', held, ''));
    const page = await openPage('?streams=stage,goal', await ticketFor('bob'));
    const note = () => page.textContent('.note');
    await expect.poll(note).toMatch(/in other windows: The goal, The north, .* \(opened at .*\d\d.*\)/);
    await call('DELETE', `/v1/viewer-sessions/${session.sessionId}`, undefined, session.sessionToken);
    await untilPlaying(page, 'stage');
    expect(await note()).toBe('');
  });

  it('a link that was used, and one that is not whole, are said in words', async () => {
    const ticket = await ticketFor('cid');
    await call('POST', '/v1/viewer-sessions', { ticket, streams: ['stage'] }, '');
    const used = await openPage('?streams=stage', ticket);
    await expect.poll(() => used.textContent('.note')).toMatch(/^This link was used already/);
    const torn = await openPage('?streams=stage', ticket.slice(0, -10));
    await expect.poll(() => torn.textContent('.note')).toMatch(/^This link is not whole/);
  });
});
