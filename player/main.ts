/** The page: panes for up to six feeds, one of them heard. */
import type { Rendition } from '../domain/renditions.ts';
import { element } from './dom.ts';
import { ClockMseEngine } from './engines/clock-mse.ts';
import { type Engine, type EngineOptions, signedUrl } from './engines/engine.ts';
import type { StreamSummary } from './pane-words.ts';
import {
  addressOf,
  engineFromAddress,
  PANES_MAX,
  streamsFromAddress,
  streamUrl,
  toggled,
} from './selection.ts';

import { askTime, fetchStreams } from './server.ts';
import { ServerClock } from './server-clock.ts';
import { ticketFromAddress, ViewerSession } from './viewer-session.ts';
import { Wall, type WallMeasure } from './wall.ts';
import { WallView } from './wall-view.ts';

declare global {
  interface Window {
    /** For tests, the bench and the curious: what every pane does now. */
    mirror: {
      readonly measure: () => WallMeasure;
      readonly serverNowMs: () => number;
      readonly clockUncertaintyMs: () => number | undefined;
      readonly wall: Wall;
      readonly session: ViewerSession;
    };
  }
}

const STREAMS_EVERY_MS = 1_000;
const TIME_EVERY_MS = 30_000;
/** Round trips at the start, of which the fastest counts. */
const FIRST_TIME_SAMPLES = 5;

const localNowMs = () => performance.timeOrigin + performance.now();
const clock = new ServerClock(localNowMs);

const feeds = element('nav', { class: 'feeds', 'aria-label': 'Feeds' });
const numbers = element('p', { class: 'numbers' });
const note = element('p', { class: 'note', role: 'status' });
const wallView = new WallView();
const grid = wallView.root;

const session = new ViewerSession({
  fetch: (path, init) => fetch(path, init),
  storage: sessionStorage,
  setTimer: (work, ms) => void setTimeout(work, ms),
  onChange: drawNote,
});
const makeEngine = await engineMaker();
const wall = new Wall({
  serverNowMs: () => clock.nowMs(),
  makeEngine,
  makeMedia,
  streamUrlOf: (id) => streamUrl(id, location, session.queryOf(id) === '' ? 'open' : 'live'),
  signedQueryOf: (id) => session.queryOf(id),
  onChange: draw,
});

let streams: readonly StreamSummary[] = [];
let chosen = streamsFromAddress(location.search);
let serverAnswers = true;

window.mirror = {
  measure: () => wall.measure,
  serverNowMs: () => clock.nowMs(),
  clockUncertaintyMs: () => clock.uncertaintyMs,
  wall,
  session,
};

/** hls.js is most of the page's weight: it is loaded only where it is used. */
async function engineMaker(): Promise<(options: EngineOptions) => Engine> {
  if (engineFromAddress(location.search) === 'clock-mse') return (options) => new ClockMseEngine(options);
  const { HlsJsEngine } = await import('./engines/hls-js.ts');
  return (options) => new HlsJsEngine(options);
}

/** A picture's element is muted: its sound comes from an element of its own. */
function makeMedia(rendition: Rendition): HTMLMediaElement {
  if (rendition === 'audio') return new Audio();
  const video = element('video', { tabindex: '-1', playsinline: '', disableremoteplayback: '' });
  video.muted = true;
  return video;
}

function build(): void {
  const app = document.getElementById('app');
  app?.replaceChildren(
    element(
      'header',
      {},
      element('h1', {}, 'mirror'),
      feeds,
      element(
        'div',
        { class: 'right' },
        numbers,
        element('p', { class: 'hint' }, 'Click a picture to hear it. Keys 1–6, M, F.'),
      ),
    ),
    note,
    grid,
  );
  document.addEventListener('keydown', onKey);
  addEventListener('popstate', () => {
    chosen = streamsFromAddress(location.search);
    refreshPanes();
  });
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) void askServerTime();
  });
}

function onKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const number = Number(event.key);
  if (Number.isInteger(number) && number >= 1 && number <= PANES_MAX) {
    const id = wall.streamIds[number - 1];
    if (id !== undefined) wall.toggleSound(id);
  } else if (event.key === 'm' || event.key === 'M') {
    if (wall.audibleId !== undefined) wall.toggleSound(wall.audibleId);
  } else if (event.key === 'f' || event.key === 'F') {
    const shown = document.fullscreenElement ? document.exitFullscreen() : grid.requestFullscreen();
    shown.catch(() => (note.textContent = 'This browser does not allow full screen here.'));
  }
}

function choose(ids: readonly string[]): void {
  chosen = ids;
  history.pushState(null, '', addressOf(ids, location.search));
  refreshPanes();
}

function defaultIds(): readonly string[] {
  const ofSession = session.streams.map(({ id }) => id);
  return ofSession.length > 0 ? ofSession : streams.slice(0, PANES_MAX).map(({ id }) => id);
}

/** Without a choice in the address, the first feeds that there are; live ones do not push others aside. */
function refreshPanes(): void {
  const ids = chosen ?? defaultIds();
  wall.knowStreams(streams);
  const shown = wall.streamIds;
  if (ids.length !== shown.length || ids.some((id, index) => id !== shown[index])) wall.show(ids);
  drawFeeds(ids);
}

function drawFeeds(ids: readonly string[]): void {
  const listed = feeds.dataset['listed'];
  const wanted = streams.map((stream) => `${stream.id}:${stream.name}:${ids.includes(stream.id)}`).join();
  if (listed === wanted) return;
  feeds.dataset['listed'] = wanted;
  feeds.replaceChildren(
    ...streams.map((stream) => {
      const shown = ids.includes(stream.id);
      const button = element(
        'button',
        {
          type: 'button',
          'aria-pressed': String(shown),
          title: shown ? 'Take off the wall' : 'Put on the wall',
        },
        stream.name,
      );
      button.addEventListener('click', () => choose(toggled(ids, stream.id)));
      return button;
    }),
  );
}

function draw(): void {
  wallView.update(wall);
  drawNumbers();
}

function drawNumbers(): void {
  const playing = wall.panes.filter((pane) => pane.phase === 'playing');
  const latencies = playing.flatMap((pane) => pane.latencyMs ?? []);
  if (latencies.length === 0) {
    numbers.textContent = '';
    return;
  }
  const worst = Math.max(...latencies) / 1000;
  const skew = playing.length > 1 ? ` · ${Math.round(wall.skewMs)} ms apart` : '';
  numbers.textContent = `${playing.length} live · ${worst.toFixed(2)} s behind${skew}`;
}

async function keepStreams(): Promise<never> {
  for (;;) {
    const list = await fetchStreams();
    serverAnswers = list !== undefined;
    if (list) streams = withSession(list);
    drawNote();
    refreshPanes();
    await new Promise((resolve) => setTimeout(resolve, STREAMS_EVERY_MS));
  }
}

/** The list shows what is open to all; how a premium stream is doing, its pane finds out by itself. */
function withSession(list: readonly StreamSummary[]): readonly StreamSummary[] {
  const known = new Set(list.map(({ id }) => id));
  const premium = session.streams.filter(({ id }) => !known.has(id));
  return [...premium.map(({ id, name }) => ({ id, name, state: 'premium' })), ...list];
}

function drawNote(): void {
  if (!serverAnswers) note.textContent = 'The server does not answer. Trying again.';
  else if (session.problem !== undefined) note.textContent = session.problem;
  else if (streams.length === 0 && chosen === undefined)
    note.textContent = 'There are no feeds yet. They appear here by themselves.';
  else note.textContent = '';
}

/** Before the panes start, so that each knows from the beginning whether it has a signature. */
async function letIn(): Promise<void> {
  const admission = ticketFromAddress(location.hash);
  if (!admission) return session.resume();
  // Out of the address, the history and whatever is copied from there: it opens one session only.
  history.replaceState(null, '', location.pathname + location.search);
  return session.open(admission.ticket, chosen ?? admission.streamIds);
}

/** Any stream's server tells it: they keep one time. */
async function askServerTime(): Promise<boolean> {
  const id = wall.streamIds[0];
  return id !== undefined && askTime(clock, timeUrl(id), localNowMs);
}

function timeUrl(id: string): string {
  const query = session.queryOf(id);
  return signedUrl(`${streamUrl(id, location, query === '' ? 'open' : 'live')}time`, query);
}

async function keepTime(): Promise<never> {
  for (let count = 1; ; count++) {
    const answered = await askServerTime();
    const waitMs = !answered ? 200 : count < FIRST_TIME_SAMPLES ? 200 : TIME_EVERY_MS;
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

build();
await letIn();
wall.start();
wallView.start(wall);
void keepStreams();
void keepTime();
